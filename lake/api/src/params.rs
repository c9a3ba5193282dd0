//! Query parameters, parsed into types. What a route takes is one struct: its fields are the parameters, their comments the
//! documentation of the API, and what an error says would be right.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use cauce_model::{Asset, Fiat, TradeType, Venue};
use cauce_query::{Format, Markets, Now, Period};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use utoipa::{
    IntoParams,
    openapi::{Required, path::Parameter},
};

use crate::{ApiError, bad, internal};

/// The parameters of a request, in groups. Unknown ones are refused, and so is one that is given twice, or without a value.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: Groups> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

type Pairs = Vec<(String, String)>;

/// Groups of parameters that a route takes together.
pub(crate) trait Groups: Sized {
    fn known() -> Vec<Parameter>;

    fn read(pairs: &Pairs) -> Result<Self, ApiError>;
}

macro_rules! groups {
    ($($group:ident)+) => {
        impl<$($group: DeserializeOwned + IntoParams),+> Groups for ($($group,)+) {
            fn known() -> Vec<Parameter> {
                [$($group::into_params(|| None)),+].concat()
            }

            fn read(pairs: &Pairs) -> Result<Self, ApiError> {
                Ok(($(group::<$group>(pairs)?,)+))
            }
        }
    };
}
groups!(A);
groups!(A B);
groups!(A B C);
groups!(A B C D);
groups!(A B C D E);

fn parse<T: Groups>(query: &str) -> Result<T, ApiError> {
    let no_text =
        |error: serde_urlencoded::de::Error| bad("query", None, &error.to_string(), "name=value&name=value");
    let pairs: Pairs = serde_urlencoded::from_str(query).map_err(no_text)?;
    let known = T::known();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &pairs {
        if !known.iter().any(|parameter| parameter.name == *name) {
            let known: Vec<&str> = known.iter().map(|parameter| parameter.name.as_str()).collect();
            let message = "is not a parameter of this route";
            return Err(bad(name, Some(value.clone()), message, &format!("one of {}", known.join(", "))));
        }
        if value.is_empty() {
            return Err(bad(name, None, "is empty", "a value, or leave it out"));
        }
        if seen.contains(&name.as_str()) {
            return Err(bad(name, Some(value.clone()), "is given more than once", "one value"));
        }
        seen.push(name);
    }
    let required = known.iter().filter(|parameter| parameter.required == Required::True);
    match required.into_iter().find(|parameter| !seen.contains(&parameter.name.as_str())) {
        Some(missing) => Err(bad(&missing.name, None, "is missing", &described(missing))),
        None => T::read(&pairs),
    }
}

/// What a parameter's comment says would be right.
fn described(parameter: &Parameter) -> String {
    parameter.description.as_deref().unwrap_or_default().trim().replace('\n', " ")
}

fn group<T: DeserializeOwned + IntoParams>(pairs: &Pairs) -> Result<T, ApiError> {
    let known = T::into_params(|| None);
    let mine: Vec<_> =
        pairs.iter().filter(|(name, _)| known.iter().any(|parameter| parameter.name == *name)).collect();
    let text = serde_urlencoded::to_string(&mine).map_err(internal)?;
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let name = error.path().to_string();
        let value = pairs.iter().find(|(given, _)| *given == name).map(|(_, value)| value.clone());
        let allowed = known.iter().find(|parameter| parameter.name == name).map(described);
        bad(&name, value, &format!("can't be: {}", error.inner()), &allowed.unwrap_or_default())
    })
}

/// For a field whose type is read from text.
pub(crate) fn text<'de, D, T>(reader: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(reader)?.parse().map_err(D::Error::custom)
}

/// The same for one that may be left out.
pub(crate) fn some<'de, D, T>(reader: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    text(reader).map(Some)
}

/// A moment as a parameter: RFC 3339, or a day, which means its first moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
        // In a query string an unescaped '+' of a zone arrives as a space.
        let moment = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|time| time.to_utc());
        moment.or_else(day).filter(within_reason).map(Self).ok_or("it is no time of the years 1970 to 2199")
    }
}

/// What the lake's times can hold, and arithmetic on them.
fn within_reason(time: &DateTime<Utc>) -> bool {
    use chrono::Datelike;
    (1970..2200).contains(&time.year())
}

/// The form of an answer.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormParams {
    /// The form of the answer, before the header Accept: json, ndjson, csv, parquet or arrow.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "json", pattern = "^(json|ndjson|csv|parquet|arrow)$")]
    pub(crate) format: Option<Format>,
}

/// Which markets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct MarketParams {
    /// A venue such as binance_p2p.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "binance_p2p", pattern = "^[a-z0-9_]{1,32}$")]
    venue: Option<Venue>,
    /// A symbol such as USDT, BTC or ETH.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "USDT", pattern = "^[A-Z0-9]{1,20}$")]
    asset: Option<Asset>,
    /// A currency such as VES, ARS, COP, BRL, USD or EUR.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "VES", pattern = "^[A-Z0-9]{1,8}$")]
    fiat: Option<Fiat>,
    /// BUY or SELL: what the taker does.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "BUY", pattern = "^(BUY|SELL)$")]
    trade_type: Option<TradeType>,
}

impl MarketParams {
    pub(crate) fn markets(self) -> Markets {
        let Self { venue, asset, fiat, trade_type } = self;
        Markets { venue, asset, fiat, trade_type }
    }
}

/// When.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PeriodParams {
    /// From this moment on: a time like 2026-03-01T10:20:00Z, or a day like 2026-03-01. A day before `until` if it is not said.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, pattern = r"^(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d))?$", example = "2026-03-01T00:00:00Z")]
    since: Option<Moment>,
    /// Before this moment: a time like 2026-03-01T10:20:00Z, or a day like 2026-03-01. The end of the running minute if it is not said.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, pattern = r"^(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d))?$", example = "2026-03-02T00:00:00Z")]
    until: Option<Moment>,
}

impl PeriodParams {
    /// The period; relative times are resolved to the minute, so that answers of one minute are one answer.
    pub(crate) fn period(&self, now: DateTime<Utc>) -> Result<Period, ApiError> {
        let until = self.until.map_or_else(|| Now::of(now).at(), |moment| moment.0);
        let since = self.since.map_or_else(|| until - TimeDelta::days(1), |moment| moment.0);
        if since >= until {
            let allowed = format!("a time after since, which is {}", rfc3339(since));
            return Err(bad("until", Some(rfc3339(until)), "is not after since", &allowed));
        }
        Ok(Period { since, until })
    }

    /// Whether one of its ends is said.
    pub(crate) fn is_said(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// The period, which begins with everything if its beginning is not said.
    pub(crate) fn since_the_beginning(&self, now: DateTime<Utc>) -> Result<Period, ApiError> {
        let since = self.since.or(Some(Moment(DateTime::UNIX_EPOCH)));
        Self { since, until: self.until }.period(now)
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Which part of a long list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Rows at most: a number from 1 to 10000. 100 if it is not said.
    #[param(minimum = 1, maximum = 10_000, example = 100)]
    limit: Option<u32>,
    /// Where the page begins: the next of the page before. Without one it is the first page.
    #[param(min_length = 1)]
    pub(crate) cursor: Option<String>,
}

impl PageParams {
    const MOST: u32 = 10_000;

    pub(crate) fn limit(&self) -> Result<u32, ApiError> {
        match self.limit.unwrap_or(100) {
            limit @ 1..=Self::MOST => Ok(limit),
            limit => {
                Err(bad("limit", Some(limit.to_string()), "is out of range", "a number from 1 to 10000"))
            }
        }
    }
}
