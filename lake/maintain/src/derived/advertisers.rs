//! `dim_advertisers`: every advertiser as it was at each time (a slowly changing dimension of type 2).
//!
//! A version holds from the first snapshot that shows it until the first that shows another. Days are folded in their
//! order. When a day has changed, by rows that came late or were replayed, the versions that begin on it or later are
//! forgotten and the days from it on are folded again, so the table is always what one fold over all days gives.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, BooleanArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    error::ArrowError,
};
use cauce_tables::{
    Derived, Inputs, PlannedFile, Planner, Table,
    typed::{Columns, text, value},
};
use chrono::{NaiveDate, NaiveTime};

use super::{DayFiles, Made, batch, broken};
use crate::MaintainError;

/// The version of these rules.
pub(super) const RULES: &str = "1";

/// Venue and the venue's id of the advertiser.
type Advertiser = (String, String);

/// What an advertiser was like. `registration_days` grows daily, so it tells no versions apart: it is that of the
/// first snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attributes {
    sk: String,
    nickname: Option<String>,
    is_merchant: bool,
    registration_days: Option<i32>,
    user_grade: Option<i32>,
}

/// Since a time in microseconds.
#[derive(Debug, Clone)]
struct Version {
    since: i64,
    attributes: Attributes,
}

#[derive(Debug, Default)]
struct Versions(BTreeMap<Advertiser, Vec<Version>>);

impl Versions {
    fn push(&mut self, advertiser: &Advertiser, version: Version) {
        let Some(known) = self.0.get_mut(advertiser) else {
            self.0.insert(advertiser.clone(), vec![version]);
            return;
        };
        match known.last_mut() {
            Some(last) if last.attributes.sk == version.attributes.sk => {}
            // Two markets can show two versions at one moment: the one that sorts last is what it was like.
            Some(last) if last.since == version.since => {
                *last = version;
                if let [.., before, last] = known.as_slice()
                    && before.attributes.sk == last.attributes.sk
                {
                    known.pop();
                }
            }
            _ => known.push(version),
        }
    }

    fn forget_from(&mut self, day: NaiveDate) {
        let start = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        self.0.retain(|_, versions| {
            versions.retain(|version| version.since < start);
            !versions.is_empty()
        });
    }
}

/// The table as it is now, from the one before where that still holds.
pub(super) async fn make(
    planner: &Planner,
    observed: &DayFiles,
    before: Option<(&PlannedFile, Option<&Inputs>)>,
) -> Result<Made, MaintainError> {
    let mut versions = Versions::default();
    let mut from = None;
    if let Some((file, inputs)) = before {
        versions = read(planner, file).await?;
        // Made anew, it keeps what days had shown that are gone.
        from = match inputs {
            Some(inputs) => observed.first_changed(&inputs.days),
            None => observed.days().next(),
        };
        if let Some(day) = from {
            versions.forget_from(day);
        }
    }
    for day in observed.days().filter(|day| from.is_none_or(|from| *day >= from)) {
        let mut seen = Seen::default();
        for file in observed.of(Table::FactOffers, day) {
            seen.read(planner, file).await?;
        }
        seen.fold_into(&mut versions);
    }
    Ok(Made { rows: table(&versions)?, days: observed.states() })
}

/// What the offers of a day show. An `advertiser_sk` stands for an advertiser and its attributes, so each is kept
/// once.
#[derive(Debug, Default)]
struct Seen {
    indices: HashMap<String, u32>,
    known: Vec<(Advertiser, Attributes)>,
    /// Time, what was seen, and the registration days of that moment.
    sights: Vec<(i64, u32, Option<i32>)>,
}

impl Seen {
    async fn read(&mut self, planner: &Planner, file: &PlannedFile) -> Result<(), MaintainError> {
        const COLUMNS: [&str; 8] = [
            "extraction_timestamp",
            "venue",
            "advertiser_id",
            "advertiser_sk",
            "nickname",
            "is_merchant",
            "registration_days",
            "user_grade",
        ];
        for batch in planner.read(file, &COLUMNS).await? {
            self.add(&batch).map_err(broken(file))?;
        }
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let columns = Shown::of(batch)?;
        let times = Columns(batch).times("extraction_timestamp")?;
        for row in 0..batch.num_rows() {
            let sk = columns.sks.value(row);
            let index = match self.indices.get(sk) {
                Some(index) => *index,
                None => {
                    let index = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                    self.indices.insert(sk.to_owned(), index);
                    self.known.push(columns.at(row));
                    index
                }
            };
            self.sights.push((times.value(row), index, value(columns.registered, row)));
        }
        Ok(())
    }

    fn fold_into(mut self, versions: &mut Versions) {
        let sk = |index: u32| &self.known[index as usize].1.sk;
        self.sights.sort_unstable_by(|left, right| (left.0, sk(left.1)).cmp(&(right.0, sk(right.1))));
        for (since, index, registration_days) in self.sights {
            let (advertiser, attributes) = &self.known[index as usize];
            let attributes = Attributes { registration_days, ..attributes.clone() };
            versions.push(advertiser, Version { since, attributes });
        }
    }
}

/// The columns that say who an advertiser is and what it is like: both tables have them.
struct Shown<'b> {
    sks: &'b StringArray,
    venues: &'b StringArray,
    ids: &'b StringArray,
    nicknames: &'b StringArray,
    merchants: &'b BooleanArray,
    registered: &'b Int32Array,
    grades: &'b Int32Array,
}

impl<'b> Shown<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self, ArrowError> {
        let columns = Columns(batch);
        Ok(Self {
            sks: columns.text("advertiser_sk")?,
            venues: columns.text("venue")?,
            ids: columns.text("advertiser_id")?,
            nicknames: columns.text("nickname")?,
            merchants: columns.flags("is_merchant")?,
            registered: columns.whole("registration_days")?,
            grades: columns.whole("user_grade")?,
        })
    }

    fn at(&self, row: usize) -> (Advertiser, Attributes) {
        let attributes = Attributes {
            sk: self.sks.value(row).to_owned(),
            nickname: text(self.nicknames, row).map(str::to_owned),
            is_merchant: self.merchants.value(row),
            registration_days: value(self.registered, row),
            user_grade: value(self.grades, row),
        };
        ((self.venues.value(row).to_owned(), self.ids.value(row).to_owned()), attributes)
    }
}

/// The table that was made before.
async fn read(planner: &Planner, file: &PlannedFile) -> Result<Versions, MaintainError> {
    let schema = Derived::DimAdvertisers.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut versions = Versions::default();
    for batch in planner.read(file, &names).await? {
        let columns = Shown::of(&batch).map_err(broken(file))?;
        let since = Columns(&batch).times("effective_date").map_err(broken(file))?;
        for row in 0..batch.num_rows() {
            let (advertiser, attributes) = columns.at(row);
            versions.push(&advertiser, Version { since: since.value(row), attributes });
        }
    }
    Ok(versions)
}

fn table(versions: &Versions) -> Result<RecordBatch, MaintainError> {
    let mut rows: Vec<(&Advertiser, &Version, Option<i64>)> = Vec::new();
    for (advertiser, versions) in &versions.0 {
        let ends = versions.iter().skip(1).map(|next| Some(next.since)).chain([None]);
        rows.extend(versions.iter().zip(ends).map(|(version, end)| (advertiser, version, end)));
    }
    type Row<'v> = (&'v Advertiser, &'v Version, Option<i64>);
    let text = |read: fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(read).collect::<StringArray>())
    };
    let whole = |read: fn(&Row<'_>) -> Option<i32>| -> ArrayRef {
        Arc::new(rows.iter().map(read).collect::<Int32Array>())
    };
    let flags = |read: fn(&Row<'_>) -> Option<bool>| -> ArrayRef {
        Arc::new(rows.iter().map(read).collect::<BooleanArray>())
    };
    let times = |read: fn(&Row<'_>) -> Option<i64>| -> ArrayRef {
        let times: TimestampMicrosecondArray = rows.iter().map(read).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    batch(
        Derived::DimAdvertisers,
        vec![
            text(|row| Some(row.1.attributes.sk.clone())),
            text(|row| Some(row.0.0.clone())),
            text(|row| Some(row.0.1.clone())),
            text(|row| row.1.attributes.nickname.clone()),
            flags(|row| Some(row.1.attributes.is_merchant)),
            whole(|row| row.1.attributes.registration_days),
            whole(|row| row.1.attributes.user_grade),
            times(|row| Some(row.1.since)),
            times(|row| row.2),
            flags(|row| Some(row.2.is_none())),
        ],
    )
}
