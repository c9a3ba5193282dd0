//! Identities: of a run, of a raw object, of a snapshot inside one.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::BadValue;

/// One run of a job: a UUIDv7, so that run ids sort by their start. Runs of another system that were imported have a
/// UUIDv8 that follows from the name they had there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// A new id for a run that starts at `at`.
    pub fn starting(at: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
        let stamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, at.timestamp_subsec_nanos());
        Self(Uuid::new_v7(stamp))
    }

    /// The id of a run that another system made and named: the same name gives the same id.
    pub fn imported(source: &str, name: &str) -> Self {
        let hash = blake3::hash(format!("{source}\0{name}").as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The day on which the run started; none for an imported one, whose id does not say it.
    pub fn day(&self) -> Option<NaiveDate> {
        (self.0.get_version_num() == 7).then(|| self.started_at().date_naive())
    }

    /// The id as a number: the trace of what is done for the run has the same.
    pub fn as_u128(&self) -> u128 {
        self.0.as_u128()
    }

    /// When the run started, to the millisecond; the epoch for an id that carries no time.
    pub fn started_at(&self) -> DateTime<Utc> {
        let stamp = self.0.get_timestamp().map(|stamp| stamp.to_unix());
        stamp
            .and_then(|(seconds, nanos)| DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos))
            .unwrap_or_default()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let id = Uuid::parse_str(text).map_err(|_| BadValue::new("run_id", text, "is not a UUID"))?;
        match id.get_version_num() {
            7 | 8 => Ok(Self(id)),
            _ => Err(BadValue::new("run_id", text, "is not a version 7 UUID, so it says no start time")),
        }
    }
}

/// Identity of a raw object, and the whole of its key:
/// `<source>/<kind>/<YYYY-MM-DD>/<run or hour>/<name>-<hash>`.
///
/// The key is `raw/<source>/<kind>/date=<YYYY-MM-DD>/<run or hour>/<name>-<hash>.ndjson.zst`, so either gives
/// the other without looking anything up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RawId {
    text: String,
    date: NaiveDate,
}

impl RawId {
    const PREFIX: &'static str = "raw/";
    const SUFFIX: &'static str = ".ndjson.zst";

    /// Builds an id from the parts of a key. Parts may not hold a slash.
    pub fn new(source: &str, kind: &str, date: NaiveDate, group: &str, name: &str) -> Result<Self, BadValue> {
        format!("{source}/{kind}/{date}/{group}/{name}").parse()
    }

    /// The day on which the bytes were obtained: the partition of every row that comes from this object.
    pub fn date(&self) -> NaiveDate {
        self.date
    }

    /// Who spoke: a venue, a provider, a broker, or `cauce` itself.
    pub fn source(&self) -> &str {
        self.part(0)
    }

    /// What kind of object it is: `market_snapshot`, `file`, `run_report` …
    pub fn kind(&self) -> &str {
        self.part(1)
    }

    /// The run that made it, where it came of one.
    pub fn run(&self) -> Option<RunId> {
        self.part(3).parse().ok()
    }

    fn part(&self, index: usize) -> &str {
        self.text.split('/').nth(index).unwrap_or_default()
    }

    /// The key in the object store.
    pub fn key(&self) -> String {
        let parts: Vec<&str> = self.text.split('/').collect();
        let [source, kind, date, group, name] = parts[..] else { return String::new() };
        format!("{}{source}/{kind}/date={date}/{group}/{name}{}", Self::PREFIX, Self::SUFFIX)
    }

    /// Reads a key back. Keys that are not a raw object's are refused.
    pub fn from_key(key: &str) -> Result<Self, BadValue> {
        let bad = |reason: &str| BadValue::new("raw key", key, reason);
        let inner = key
            .strip_prefix(Self::PREFIX)
            .and_then(|rest| rest.strip_suffix(Self::SUFFIX))
            .ok_or_else(|| bad("is not raw/….ndjson.zst"))?;
        let parts: Vec<&str> = inner.split('/').collect();
        let [source, kind, date, group, name] = parts[..] else {
            return Err(bad("does not have the five parts of a raw key"));
        };
        let date = date.strip_prefix("date=").ok_or_else(|| bad("has no date= folder"))?;
        format!("{source}/{kind}/{date}/{group}/{name}").parse()
    }

    /// The id as text, as it stands in the column `raw_id`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for RawId {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let bad = |reason: &str| BadValue::new("raw_id", text, reason);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let parts: Vec<&str> = text.split('/').collect();
        let [_, _, date, _, _] = parts[..] else { return Err(bad("does not have five parts")) };
        let well_formed =
            |part: &&str| !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed);
        if !parts.iter().all(well_formed) {
            return Err(bad(
                "has a part that is empty or holds characters other than a-z, 0-9, '-', '_' and '.'",
            ));
        }
        let date = date.parse().map_err(|_| bad("has no date in third place"))?;
        Ok(Self { text: text.to_owned(), date })
    }
}

impl TryFrom<String> for RawId {
    type Error = BadValue;

    fn try_from(text: String) -> Result<Self, BadValue> {
        text.parse()
    }
}

impl From<RawId> for String {
    fn from(id: RawId) -> Self {
        id.text
    }
}

impl fmt::Display for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One snapshot: all pages of one market in one run. Derived from the raw object and the position of the
/// snapshot's first page, so a replay gives the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotId(String);

impl SnapshotId {
    /// The id of the snapshot of `market` (as text) that begins at `first_pos` of `raw`.
    pub fn derive(raw: &RawId, first_pos: i32, market: &str) -> Self {
        let hash = blake3::hash(format!("{raw}#{first_pos}#{market}").as_bytes());
        Self(hash.to_hex()[..32].to_owned())
    }

    /// The id as text, as it stands in the column `snapshot_id`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_id_says_when_it_started_and_sorts_by_it() {
        let at: DateTime<Utc> = "2026-03-01T10:20:30.123Z".parse().unwrap();
        let first = RunId::starting(at);
        let second = RunId::starting(at + chrono::Duration::milliseconds(1));
        assert_eq!(first.started_at(), at);
        assert!(first.to_string() < second.to_string());
        assert_eq!(first.to_string().parse::<RunId>().unwrap(), first);
        assert!("6f9619ff-8b86-4011-b42d-00cf4fc964ff".parse::<RunId>().is_err(), "a version 4 id");
    }

    #[test]
    fn strange_keys_are_refused() {
        for key in [
            "raw/a/b/date=2026-01-01/c/d.ndjson",
            "raw/a/b/2026-01-01/c/d.ndjson.zst",
            "raw/a/b/date=2026-13-01/c/d.ndjson.zst",
            "raw/a/b/date=2026-01-01/../d.ndjson.zst",
            "raw/a/b/date=2026-01-01//d.ndjson.zst",
            "hot/a/b/date=2026-01-01/c/d.ndjson.zst",
        ] {
            assert!(RawId::from_key(key).is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn key_and_id_give_each_other(source in "[a-z0-9_]{1,8}", kind in "[a-z_]{1,8}", days in 0i64..40_000,
                                      group in "[a-zA-Z0-9-]{1,36}", name in "[a-z0-9-]{1,20}") {
            let date = NaiveDate::default() + chrono::Duration::days(days);
            let id = RawId::new(&source, &kind, date, &group, &name).unwrap();
            prop_assert_eq!(id.date(), date);
            prop_assert_eq!((id.source(), id.kind()), (source.as_str(), kind.as_str()));
            prop_assert_eq!(RawId::from_key(&id.key()).unwrap(), id);
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*") {
            let _ = RawId::from_key(&text);
            let _ = text.parse::<RawId>();
            let _ = text.parse::<RunId>();
        }
    }
}
