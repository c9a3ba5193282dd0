//! The trade journal: `fact_trades`, `fact_positions` and `fact_trade_stats`, one object per account of each
//! (`cauce_journal`). A late trade makes the objects of its account again, and of no other.
//!
//! What the last pass saw stands in an object of its own: of every day with observations its files, and whose they are. A pass
//! reads that first, then lists the objects, then the observations, and makes those accounts again that have or had something
//! on a day whose files are others now, whose settings changed, or that take rates when these did. An object says in its footer
//! what it was made from; if that is the same still, as after a merge, it stays. Objects are replaced only if nobody else has
//! meanwhile, and what was seen is noted last: who dies, or is second, leaves work and no wrong figure.

mod account;
mod columns;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use account::Made;
use arrow::datatypes::Date32Type;
use cauce_journal::{Rates, needs_rates};
use cauce_model::{Account, AccountId, Fill};
use cauce_tables::{Days, Derived, Inputs, Observations, PlannedFile, Table, typed::Columns};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use object_store::ObjectMeta;
use rust_decimal::Decimal;
use state::{SEEN, Seen};

use super::{DayFiles, Rebuild, Rebuilt, broken};
use crate::{MaintainError, Maintainer};

/// The version of these rules.
const RULES: &str = "1";
/// The tables of the journal, in the order in which they are written.
const TABLES: [Derived; 3] = [Derived::FactTrades, Derived::FactPositions, Derived::FactTradeStats];
/// Bytes of observations that are worked on at a time: about a million of them.
const SLICE_BYTES: u64 = 32 << 20;

/// Accounts with what is known of them beside their trades.
pub type Accounts = BTreeMap<AccountId, Account>;

/// The objects of the journal as they were listed.
type Objects = BTreeMap<(Derived, AccountId), PlannedFile>;

impl Maintainer {
    /// Brings the journal up to date: trades, positions and figures of every account that something changed for.
    pub async fn analyze(&self, accounts: &Accounts, which: Rebuild) -> Result<Vec<Rebuilt>, MaintainError> {
        let mut tries = 0;
        let mut rebuilt = Vec::new();
        loop {
            match self.try_analyze(accounts, which, &mut rebuilt).await {
                Err(error) if error.is_stale() && tries < Self::TRIES => tries += 1,
                Err(error) => return Err(error),
                Ok(()) => return Ok(rebuilt),
            }
        }
    }

    async fn try_analyze(
        &self,
        accounts: &Accounts,
        which: Rebuild,
        rebuilt: &mut Vec<Rebuilt>,
    ) -> Result<(), MaintainError> {
        let (seen, version) = self.noted::<Seen>(SEEN).await?;
        let seen = seen.filter(|seen| seen.rules == RULES).unwrap_or_default();
        let objects = self.objects().await?;
        // A journal has no retention: positions are opened years before they are closed.
        let observed = DayFiles::list(&self.planner, Derived::FactTrades, None).await?;
        let (rates, rates_state) = self.rates().await?;
        let changed = observed.changed(&seen.states());
        let mut days = seen.days.clone();
        days.retain(|day, _| !changed.contains(day) && observed.state(*day).is_some());
        for day in &changed {
            let mut present = BTreeSet::new();
            for file in observed.of(Table::TradeObservations, *day) {
                present.extend(self.planner.accounts_in(file).await?);
            }
            if let Some(state) = observed.state(*day) {
                days.insert(*day, state::Day { state, accounts: present });
            }
        }
        let settings = settings_of(accounts);
        let of = |days: &BTreeMap<NaiveDate, state::Day>| -> BTreeSet<AccountId> {
            changed
                .iter()
                .filter_map(|day| days.get(day))
                .flat_map(|day| day.accounts.iter().cloned())
                .collect()
        };
        let touched: BTreeSet<AccountId> = of(&seen.days).union(&of(&days)).cloned().collect();
        let mut stale: BTreeSet<AccountId> =
            days.values().flat_map(|day| day.accounts.iter().cloned()).collect();
        stale.extend(touched.iter().cloned());
        let is_stale = |account: &AccountId| {
            which == Rebuild::All
                || touched.contains(account)
                || seen.failed.contains(account)
                || settings.get(account) != seen.settings.get(account)
                || (seen.rates != rates_state && seen.with_rates.contains(account))
        };
        stale.retain(is_stale);
        let stale: Vec<AccountId> = stale.into_iter().collect();
        let mut now = Seen {
            rules: RULES.to_owned(),
            settings: settings.clone(),
            rates: rates_state.clone(),
            with_rates: seen.with_rates.clone(),
            failed: BTreeSet::new(),
            days,
        };
        if stale.is_empty() && now == seen {
            return Ok(());
        }
        let slices = usize::try_from(observed.bytes() / SLICE_BYTES + 1).unwrap_or(usize::MAX);
        for slice in stale.chunks(stale.len().div_ceil(slices).max(1)) {
            let wanted: Arc<BTreeSet<AccountId>> = Arc::new(slice.iter().cloned().collect());
            let mut observations = Observations::new();
            let with_some =
                |day: &&NaiveDate| now.days.get(day).is_some_and(|day| !day.accounts.is_disjoint(&wanted));
            for day in observed.days().collect::<Vec<_>>().iter().filter(with_some) {
                for file in observed.of(Table::TradeObservations, *day) {
                    self.planner.add_observations(file, &wanted, &mut observations).await?;
                }
            }
            for account in wanted.iter() {
                let bare;
                let about = match accounts.get(account) {
                    Some(about) => about,
                    None => {
                        bare = Account::bare(account.clone());
                        &bare
                    }
                };
                let told = observations.remove(account).unwrap_or_default();
                let takes_rates = told.iter().any(|observation| needs_rates(&observation.fill));
                match takes_rates {
                    true => now.with_rates.insert(account.clone()),
                    false => now.with_rates.remove(account),
                };
                let rates_state = if takes_rates { rates_state.as_str() } else { "" };
                let inputs = account::inputs(&told, settings.get(account), rates_state);
                if which == Rebuild::Stale && self.are_of(&objects, account, &inputs).await? {
                    continue;
                }
                // What goes wrong with one account is no other's.
                let make = AssertUnwindSafe(|| account::make(about, told, &rates));
                let Ok(made) = catch_unwind(make) else {
                    tracing::error!(%account, "its journal could not be made, please report this");
                    now.failed.insert(account.clone());
                    continue;
                };
                if !self.put_account(account, &made, &inputs, &objects, rebuilt).await? {
                    tracing::info!(%account, "others make its journal");
                    return Ok(());
                }
                if let Some(error) = &made.error {
                    tracing::error!(%account, error, "not all of the journal could be made");
                }
            }
        }
        fail::fail_point!("analyze.before_note");
        // Where another pass was first, its note stays, and the next pass looks again.
        self.note(SEEN, &now, version).await?;
        Ok(())
    }

    /// The objects of the journal, by table and account.
    async fn objects(&self) -> Result<Objects, MaintainError> {
        let mut objects = Objects::new();
        for table in TABLES {
            for file in self.planner.derived(table, Days::ALL).await? {
                let folder = file.meta.location.parts().nth(2);
                let account =
                    folder.and_then(|folder| folder.as_ref().strip_prefix("account=")?.parse().ok());
                if let Some(account) = account {
                    objects.insert((table, account), file);
                }
            }
        }
        Ok(objects)
    }

    /// Whether all objects of an account were made from this.
    async fn are_of(
        &self,
        objects: &Objects,
        account: &AccountId,
        inputs: &Inputs,
    ) -> Result<bool, MaintainError> {
        for table in TABLES {
            let Some(file) = objects.get(&(table, account.clone())) else { return Ok(false) };
            if self.planner.inputs(&file.meta).await?.as_ref() != Some(inputs) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts what was made for an account; no if others put something there meanwhile.
    async fn put_account(
        &self,
        account: &AccountId,
        made: &Made,
        inputs: &Inputs,
        objects: &Objects,
        rebuilt: &mut Vec<Rebuilt>,
    ) -> Result<bool, MaintainError> {
        let batches = [
            columns::trades(account, &made.trades),
            columns::positions(account, &made.positions),
            columns::stats(account, &made.stats),
        ];
        for (table, rows) in TABLES.into_iter().zip(batches) {
            let rows = rows?;
            let before = objects.get(&(table, account.clone())).map(|file| &file.meta);
            let path = table.path_of(account);
            let put: Option<ObjectMeta> =
                self.put_object(path.clone(), table.encode(&rows, inputs)?, before).await?;
            if put.is_none() {
                return Ok(false);
            }
            rebuilt.push(Rebuilt { table: table.name(), path: path.to_string(), rows: rows.num_rows() });
        }
        tracing::info!(%account, trades = made.trades.len(), positions = made.positions.len(), "analyzed");
        Ok(true)
    }

    /// What currencies were worth, and what tells it from what it was before.
    async fn rates(&self) -> Result<(Rates, String), MaintainError> {
        let mut rates = Rates::default();
        let mut hasher = blake3::Hasher::new();
        // Of two sources of one day, the one that was read later in the order of files.
        for file in self.planner.plan(Table::FactFxRates, Days::ALL).await? {
            hasher.update(format!("{} {:?}\n", file.meta.location, file.meta.e_tag).as_bytes());
            for batch in self.planner.read(&file, &["rate_date", "currency", "per_usd"]).await? {
                let mut add = || {
                    let columns = Columns(&batch);
                    let days = columns.primitive::<Date32Type>("rate_date")?;
                    let (currencies, rate) = (columns.text("currency")?, columns.decimals("per_usd")?);
                    for row in 0..batch.num_rows() {
                        let day = DateTime::<Utc>::UNIX_EPOCH.date_naive()
                            + TimeDelta::days(days.value(row).into());
                        let per_usd = Decimal::from_i128_with_scale(
                            rate.value(row),
                            u32::from(cauce_model::AMOUNT_SCALE),
                        );
                        rates.add(currencies.value(row), day, Fill::kept(per_usd));
                    }
                    Ok(())
                };
                add().map_err(broken(&file))?;
            }
        }
        Ok((rates, hasher.finalize().to_hex()[..32].to_owned()))
    }
}

/// What tells the settings of each account from others.
fn settings_of(accounts: &Accounts) -> BTreeMap<AccountId, String> {
    let hash = |account: &Account| {
        let said = (account.starting_balance, account.trading_days, &account.files.currency);
        blake3::hash(format!("{said:?}").as_bytes()).to_hex()[..32].to_owned()
    };
    accounts.iter().map(|(id, account)| (id.clone(), hash(account))).collect()
}
