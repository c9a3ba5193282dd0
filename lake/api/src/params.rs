//! Query parameters: each is taken by name and parsed into its type; what is left over is unknown and refused.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::{ApiError, bad};

/// The parameters of a request that have not been taken yet.
#[derive(Debug)]
pub(crate) struct Params {
    given: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Params {
    /// Takes the pairs of a query string. A name given twice is refused.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            if let Some(first) = given.insert(name.clone(), value) {
                return Err(bad(&name, Some(first), "is given more than once", "one value"));
            }
        }
        Ok(Self { given, known: Vec::new() })
    }

    fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.remove(name).filter(|value| !value.is_empty())
    }

    /// A parameter that may be left out.
    pub(crate) fn optional<T>(&mut self, name: &'static str, allowed: &str) -> Result<Option<T>, ApiError>
    where
        T: FromStr<Err: Display>,
    {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|error: T::Err| bad(name, Some(value), &error.to_string(), allowed))
    }

    /// A parameter that must be given.
    pub(crate) fn required<T>(&mut self, name: &'static str, allowed: &str) -> Result<T, ApiError>
    where
        T: FromStr<Err: Display>,
    {
        self.optional(name, allowed)?.ok_or_else(|| bad(name, None, "is missing", allowed))
    }

    /// A moment: RFC 3339, or a day, which means its first moment in UTC.
    pub(crate) fn time(&mut self, name: &'static str) -> Result<Option<DateTime<Utc>>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let day = || value.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
        // In a query string an unescaped '+' of a zone arrives as a space.
        let moment = DateTime::parse_from_rfc3339(&value.replace(' ', "+")).ok().map(|time| time.to_utc());
        moment.or_else(day).map(Some).ok_or_else(|| {
            bad(
                name,
                Some(value.clone()),
                "is no time",
                "a time like 2026-03-01T10:20:00Z, or a day like 2026-03-01",
            )
        })
    }

    /// The end: whatever was given and not taken is unknown.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.given.into_iter().next() {
            None => Ok(()),
            Some((name, value)) => {
                Err(bad(&name, Some(value), "is not a parameter of this route", &self.known.join(", ")))
            }
        }
    }
}
