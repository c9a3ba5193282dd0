//! The files that observations are in, day by day, and what tells one state of them from another.

use std::collections::{BTreeMap, BTreeSet};

use cauce_tables::{Days, Derived, PlanError, PlannedFile, Planner, Table};
use chrono::NaiveDate;

/// The observation tables that a derived table is made from.
pub(super) fn sources(table: Derived) -> &'static [Table] {
    match table {
        Derived::DimAdvertisers => &[Table::FactOffers],
        Derived::FactOfferChanges => &[Table::FactMarketDepth, Table::FactOffers],
        Derived::OpsDerivedQuality => &[Table::FactMarketDepth],
        Derived::Payments => &[Table::FactPaymentEvents],
        Derived::FactTrades | Derived::FactPositions | Derived::FactTradeStats => &[Table::TradeObservations],
    }
}

/// Files of the sources of one derived table.
pub(super) struct DayFiles {
    files: BTreeMap<NaiveDate, Vec<(Table, PlannedFile)>>,
}

impl DayFiles {
    /// The files of the days from `first` on, or of all days.
    pub(super) async fn list(
        planner: &Planner,
        table: Derived,
        first: Option<NaiveDate>,
    ) -> Result<Self, PlanError> {
        let mut files: BTreeMap<NaiveDate, Vec<(Table, PlannedFile)>> = BTreeMap::new();
        for source in sources(table) {
            for file in planner.plan(*source, Days { first, last: None }).await? {
                files.entry(file.date).or_default().push((*source, file));
            }
        }
        Ok(Self { files })
    }

    /// The days that have files.
    pub(super) fn days(&self) -> impl DoubleEndedIterator<Item = NaiveDate> {
        self.files.keys().copied()
    }

    /// The files of one source on one day.
    pub(super) fn of(&self, source: Table, day: NaiveDate) -> impl Iterator<Item = &PlannedFile> {
        let files = self.files.get(&day).into_iter().flatten();
        files.filter(move |(table, _)| *table == source).map(|(_, file)| file)
    }

    /// What tells the files of a day from others; none if there are none.
    pub(super) fn state(&self, day: NaiveDate) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        for (table, file) in self.files.get(&day)? {
            let meta = &file.meta;
            let line = format!("{table} {} {:?} {} {:?}\n", meta.location, meta.e_tag, meta.size, file.rows);
            hasher.update(line.as_bytes());
        }
        Some(hasher.finalize().to_hex()[..32].to_owned())
    }

    /// Whether the days that something was made from are as they were. Days that the retention has let go since are no
    /// change. A table that is one object is made from all days, so a new one is.
    pub(super) fn are(&self, table: Derived, days: &BTreeMap<NaiveDate, Option<String>>) -> bool {
        match table.by_day() {
            true => {
                let first = self.files.keys().next();
                days.iter()
                    .all(|(day, state)| self.state(*day) == *state || first.is_some_and(|first| day < first))
            }
            false => self.first_changed(days).is_none(),
        }
    }

    /// The first day whose files are not those that something was made from.
    pub(super) fn first_changed(&self, days: &BTreeMap<NaiveDate, Option<String>>) -> Option<NaiveDate> {
        self.changed(days).first().copied()
    }

    /// The days whose files are not those that something was made from.
    pub(super) fn changed(&self, days: &BTreeMap<NaiveDate, Option<String>>) -> BTreeSet<NaiveDate> {
        let Some(first) = self.files.keys().next() else { return BTreeSet::new() };
        let gone = days.keys().filter(|day| *day >= first && !self.files.contains_key(day));
        let other = self.files.keys().filter(|day| days.get(day).cloned().flatten() != self.state(**day));
        gone.chain(other).copied().collect()
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.values().flatten().map(|(_, file)| file.meta.size).sum()
    }

    /// The state of every day.
    pub(super) fn states(&self) -> BTreeMap<NaiveDate, Option<String>> {
        self.files.keys().map(|day| (*day, self.state(*day))).collect()
    }
}
