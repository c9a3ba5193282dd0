//! Fills read back from `trade_observations`.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    sync::Arc,
};

use arrow::{
    array::{BooleanArray, RecordBatch, StringArray},
    datatypes::{Decimal128Type, Int32Type},
    error::ArrowError,
};
use cauce_journal::Observation;
use cauce_model::{AccountId, BadValue, Fee, Fill};
use chrono::{DateTime, Utc};
use parquet::errors::ParquetError;

use crate::{
    Days, PlanError, PlannedFile, Planner, RowTest, Table, Wanted,
    typed::{Columns, text, value},
};

/// Observations by account.
pub type Observations = BTreeMap<AccountId, Vec<Observation>>;

impl Planner {
    /// What imports told of one account, in no order.
    pub async fn observations_of(&self, account: &AccountId) -> Result<Vec<Observation>, PlanError> {
        let files = self.plan(Table::TradeObservations, Days::ALL).await?;
        let mut observations = Observations::new();
        let values = [(ACCOUNT, account.as_str())];
        for file in &files {
            let wanted = Wanted { values: &values, ..Wanted::default() };
            self.observations(file, wanted, Some(account), &mut observations).await?;
        }
        Ok(observations.remove(account).unwrap_or_default())
    }

    /// Adds what a file has of these accounts.
    pub async fn add_observations(
        &self,
        file: &PlannedFile,
        accounts: &Arc<BTreeSet<AccountId>>,
        observations: &mut Observations,
    ) -> Result<(), PlanError> {
        let wanted = Arc::clone(accounts);
        let passes = move |batch: &RecordBatch| {
            let accounts = Columns(batch).text(ACCOUNT)?;
            // Rows of one account follow each other.
            let mut last: Option<(&str, bool)> = None;
            let passes = accounts.iter().map(|account| {
                let account = account.unwrap_or_default();
                let is_wanted = match last {
                    Some((known, is_wanted)) if known == account => is_wanted,
                    _ => account.parse().is_ok_and(|account: AccountId| wanted.contains(&account)),
                };
                last = Some((account, is_wanted));
                Some(is_wanted)
            });
            Ok(passes.collect::<BooleanArray>())
        };
        let test = RowTest { columns: &[ACCOUNT], passes: Arc::new(passes) };
        self.observations(file, Wanted { test: Some(test), ..Wanted::default() }, None, observations).await
    }

    async fn observations(
        &self,
        file: &PlannedFile,
        wanted: Wanted<'_>,
        all_of: Option<&AccountId>,
        observations: &mut Observations,
    ) -> Result<(), PlanError> {
        let schema = Table::TradeObservations.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns: Vec<&str> = names.filter(|name| *name != ACCOUNT || all_of.is_none()).collect();
        let wrong = |source: ArrowError| PlanError::File {
            path: file.meta.location.clone(),
            source: ParquetError::ArrowError(source.to_string()),
        };
        for batch in self.read_where(file, Wanted { columns: &columns, ..wanted }).await? {
            read(&batch, all_of, observations).map_err(wrong)?;
        }
        Ok(())
    }

    /// The accounts that a file has something of.
    pub async fn accounts_in(&self, file: &PlannedFile) -> Result<BTreeSet<AccountId>, PlanError> {
        let wanted = Wanted { columns: &[ACCOUNT], repeated: &[ACCOUNT], ..Wanted::default() };
        let mut accounts = BTreeSet::new();
        for batch in self.read_where(file, wanted).await? {
            let column = Columns(&batch).repeated(ACCOUNT).map_err(|source| PlanError::File {
                path: file.meta.location.clone(),
                source: ParquetError::ArrowError(source.to_string()),
            })?;
            let mut last = None;
            for place in column.places {
                if last != Some(place) {
                    accounts.extend(column.text(*place).and_then(|account| account.parse().ok()));
                    last = Some(place);
                }
            }
        }
        Ok(accounts)
    }
}

const ACCOUNT: &str = "account_id";

fn bad(error: BadValue) -> ArrowError {
    ArrowError::ParseError(error.to_string())
}

/// Adds the rows of a batch; all of one account where it is known whose they are.
fn read(
    batch: &RecordBatch,
    all_of: Option<&AccountId>,
    observations: &mut Observations,
) -> Result<(), ArrowError> {
    let columns = Columns(batch);
    let texts = |name| columns.text(name);
    let accounts = if all_of.is_none() { Some(texts(ACCOUNT)?) } else { None };
    let [brokers, layouts, raw_ids, hashes] =
        [texts("broker")?, texts("layout")?, texts("raw_id")?, texts("source_hash")?];
    let names = [
        "trade_external_id",
        "order_id",
        "position_id",
        "base",
        "quote",
        "pnl_currency",
        "broker_account",
        "fee_asset",
        "more_fees",
        "position_side",
    ];
    let mut optional: Vec<&StringArray> = Vec::with_capacity(names.len());
    for name in names {
        optional.push(texts(name)?);
    }
    let [symbols, sides, effects, zones, markets] =
        [texts("symbol")?, texts("side")?, texts("effect")?, texts("source_time_zone")?, texts("market")?];
    let number = |name| columns.primitive::<Decimal128Type>(name);
    let [quantities, prices, multipliers, fees, swaps, taxes, reported] = [
        number("quantity")?,
        number("price")?,
        number("multiplier")?,
        number("fee")?,
        number("swap")?,
        number("taxes")?,
        number("reported_pnl")?,
    ];
    let whole = |name| columns.primitive::<Int32Type>(name);
    let [positions, versions, sequences, records, parts] = [
        whole("raw_pos")?,
        whole("normalizer_version")?,
        whole("sequence")?,
        whole("record")?,
        whole("part")?,
    ];
    let (executed, received) = (columns.times("executed_at")?, columns.times_since_added("received_at")?);
    let (inverse, dated) = (columns.flags("is_inverse")?, columns.flags("is_date_only")?);
    let time = |micros: i64| DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    for row in 0..batch.num_rows() {
        let said = |index: usize| text(optional[index], row).map(str::to_owned);
        let known = |column| value(column, row).map(Fill::of_units);
        let mut paid: Vec<Fee> = Vec::new();
        if let Some((amount, asset)) = known(fees).zip(said(7)) {
            paid.push(Fee { asset, amount });
        }
        if let Some(more) = text(optional[8], row) {
            let more: Vec<Fee> =
                serde_json::from_str(more).map_err(|error| ArrowError::JsonError(error.to_string()))?;
            paid.extend(more);
        }
        let fill = Fill {
            external_id: said(0),
            order_id: said(1),
            position_id: said(2),
            symbol: symbols.value(row).to_owned(),
            base: said(3),
            quote: said(4),
            side: parsed(sides.value(row))?,
            effect: parsed(effects.value(row))?,
            quantity: Fill::of_units(quantities.value(row)),
            price: Fill::of_units(prices.value(row)),
            multiplier: Fill::of_units(multipliers.value(row)),
            inverse: inverse.value(row),
            fees: paid,
            swap: known(swaps),
            taxes: known(taxes),
            reported_pnl: known(reported),
            pnl_currency: said(5),
            executed_at: time(executed.value(row)),
            is_date_only: dated.value(row),
            time_zone: zones.value(row).to_owned(),
            market: parsed(markets.value(row))?,
            position_side: text(optional[9], row).map(parsed).transpose()?,
            broker_account: said(6),
            sequence: sequences.value(row),
        };
        let observation = Observation {
            fill,
            broker: brokers.value(row).to_owned(),
            layout: layouts.value(row).to_owned(),
            raw_id: raw_ids.value(row).parse().map_err(bad)?,
            raw_pos: positions.value(row),
            place: (records.value(row), parts.value(row)),
            source_hash: hashes.value(row).to_owned(),
            received_at: received.and_then(|received| value(received, row)).map(time),
            version: versions.value(row),
        };
        let account = match (all_of, accounts) {
            (Some(account), _) => account.clone(),
            (None, Some(accounts)) => accounts.value(row).parse().map_err(bad)?,
            (None, None) => continue,
        };
        observations.entry(account).or_default().push(observation);
    }
    Ok(())
}

fn parsed<T: FromStr<Err = BadValue>>(text: &str) -> Result<T, ArrowError> {
    text.parse().map_err(bad)
}
