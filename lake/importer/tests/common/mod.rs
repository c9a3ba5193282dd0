//! A lake in memory for the tests.

#![allow(dead_code, clippy::unwrap_used, reason = "tests; each uses what it needs")]

use std::{collections::BTreeMap, sync::Arc};

use cauce_importer::{Importer, Tried};
use cauce_intake::Intake;
use cauce_maintain::{Accounts, Maintainer, MaintenanceSettings, Rebuild};
use cauce_model::{Account, AccountId};
use cauce_raw::RawZone;
use cauce_tables::{DayBatch, Days, Derived, Planner, Table, typed::Columns, write};
use chrono::{DateTime, Utc};
use object_store::{ObjectStore, memory::InMemory};

pub(crate) struct Lake {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) planner: Planner,
    pub(crate) importer: Importer,
    pub(crate) maintainer: Maintainer,
    pub(crate) accounts: Accounts,
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

impl Lake {
    pub(crate) fn new() -> Self {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let planner = Planner::new(Arc::clone(&store));
        let raw = RawZone::new(Arc::clone(&store));
        let importer = Importer { intake: Intake::new(Arc::clone(&store)), raw, planner: planner.clone() };
        let maintainer = Maintainer::new(Arc::clone(&store), planner.clone(), MaintenanceSettings::default());
        Self { store, planner, importer, maintainer, accounts: Accounts::new() }
    }

    /// Normalizes every raw object that is not yet.
    pub(crate) async fn normalize(&self) {
        let raw = RawZone::new(Arc::clone(&self.store));
        let mut batches: BTreeMap<_, DayBatch> = BTreeMap::new();
        let mut covered = std::collections::BTreeSet::new();
        for table in [Table::TradeObservations, Table::OpsBatchRuns, Table::FactFxRates] {
            for file in self.planner.census(table, Days::ALL).await.unwrap() {
                covered.extend(file.covers().iter().map(|object| object.raw_id.clone()));
            }
        }
        for day in raw.days().await.unwrap() {
            for (id, _) in raw.on(day).await.unwrap().into_iter().filter(|(id, _)| !covered.contains(id)) {
                let bytes = raw.read(&id).await.unwrap();
                batches.entry(day).or_insert_with(|| DayBatch::new(day)).read(&id, &bytes);
            }
        }
        for batch in batches.into_values() {
            for file in batch.finish().unwrap() {
                write(&self.store, &file).await.unwrap();
            }
        }
    }

    pub(crate) async fn import(&self, account: &Account, name: &str, text: &str) -> Tried {
        let imported = self.importer.import_file(account, name, text.as_bytes(), now()).await.unwrap();
        self.normalize().await;
        imported.tried
    }

    /// Objects that the analysis makes.
    pub(crate) async fn analyze(&self) -> Vec<String> {
        let made = self.maintainer.analyze(&self.accounts, Rebuild::Stale).await.unwrap();
        made.into_iter().map(|object| object.path).collect()
    }

    pub(crate) async fn figure(
        &self,
        table: Derived,
        id: &str,
        column: &str,
        wanted: &[(&str, &str)],
    ) -> Vec<String> {
        let id: AccountId = id.parse().unwrap();
        let Some(file) = self.planner.derived_of(table, &id).await.unwrap() else { return Vec::new() };
        let mut columns = vec![column];
        columns.extend(wanted.iter().map(|(name, _)| *name));
        let mut figures = Vec::new();
        for batch in self.planner.read(&file, &columns).await.unwrap() {
            let read = Columns(&batch);
            for row in 0..batch.num_rows() {
                let is_wanted =
                    wanted.iter().all(|(name, value)| read.text(name).unwrap().value(row) == *value);
                if is_wanted {
                    let units = read.decimals(column).unwrap().value(row);
                    figures.push(cauce_model::Fill::of_units(units).to_string());
                }
            }
        }
        figures
    }
}
