//! `fact_offer_changes`: what happened to offers from one snapshot of a market to the next.
//!
//! - `appeared`: it was not there before. In the first snapshot of a market that is known, `previous_at` is null:
//!   nobody knows how long it had been there.
//! - `repriced`, `resized`: another price, another amount available than when it was seen last (at `previous_at`).
//! - `vanished`: a *complete* snapshot is without it: one with as many different offers as the venue announced. Where an
//!   offer came twice because it moved between pages, another may have slipped through. An offer that an incomplete snapshot lacks may well be there: it
//!   stays as it was seen last until a snapshot shows it or a complete one does not.
//!
//! A day is made from its own snapshots and from those before it back to the last complete one of each of its markets,
//! at most [`LOOK_BACK`] days. A market that was silent for longer begins anew.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Decimal128Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    error::ArrowError,
};
use cauce_model::{AMOUNT_PRECISION, AMOUNT_SCALE};
use cauce_tables::{Derived, Planner, Table, typed::Columns};
use chrono::NaiveDate;

use super::{DayFiles, Made, batch, broken};
use crate::MaintainError;

/// The version of these rules.
pub(super) const RULES: &str = "2";

/// Days before a day that are looked at for the last complete snapshots.
const LOOK_BACK: u64 = 7;

/// Venue, asset, fiat, side.
type Market = [String; 4];

/// A snapshot with its offers.
#[derive(Debug)]
struct Taken {
    at: i64,
    id: String,
    is_complete: bool,
    count: usize,
    raw_id: String,
    raw_pos: i32,
    version: i32,
    offers: Vec<Shown>,
}

/// An offer in a snapshot. Price and amount are in units of 10⁻⁸.
#[derive(Debug, Clone)]
struct Shown {
    offer_id: Arc<str>,
    advertiser_id: Arc<str>,
    price: i128,
    available: i128,
    raw_pos: i32,
}

/// An offer as it was seen last.
#[derive(Debug, Clone)]
struct LastSeen {
    at: i64,
    offer: Shown,
}

/// A market's offers as far as they are known.
#[derive(Debug, Default)]
struct Known {
    newest: Option<i64>,
    offers: BTreeMap<Arc<str>, LastSeen>,
}

/// What happened to an offer.
struct Change {
    kind: &'static str,
    previous_at: Option<i64>,
    old: Option<Shown>,
    new: Option<Shown>,
}

impl Known {
    /// Goes on to the next snapshot, and says what happened since.
    fn advance(&mut self, taken: &Taken) -> Vec<Change> {
        let mut changes = Vec::new();
        for offer in &taken.offers {
            let seen = LastSeen { at: taken.at, offer: offer.clone() };
            let new = || Some(offer.clone());
            match self.offers.insert(Arc::clone(&offer.offer_id), seen) {
                None => {
                    changes.push(Change {
                        kind: "appeared",
                        previous_at: self.newest,
                        old: None,
                        new: new(),
                    });
                }
                Some(LastSeen { at, offer: old }) => {
                    let is_repriced = old.price != offer.price;
                    let is_resized = old.available != offer.available;
                    let kinds = [("repriced", is_repriced), ("resized", is_resized)];
                    for (kind, _) in kinds.into_iter().filter(|(_, happened)| *happened) {
                        changes.push(Change {
                            kind,
                            previous_at: Some(at),
                            old: Some(old.clone()),
                            new: new(),
                        });
                    }
                }
            }
        }
        if taken.is_complete {
            let gone: Vec<Arc<str>> = self
                .offers
                .iter()
                .filter(|(_, seen)| seen.at < taken.at)
                .map(|(id, _)| Arc::clone(id))
                .collect();
            for id in gone {
                if let Some(LastSeen { at, offer }) = self.offers.remove(&id) {
                    let (previous_at, old) = (Some(at), Some(offer));
                    changes.push(Change { kind: "vanished", previous_at, old, new: None });
                }
            }
        }
        self.newest = Some(taken.at);
        changes
    }
}

/// The changes of one day.
pub(super) async fn make(
    planner: &Planner,
    observed: &DayFiles,
    day: NaiveDate,
) -> Result<Made, MaintainError> {
    let mut days = BTreeMap::from([(day, observed.state(day))]);
    let mut names = Names::default();
    let today = snapshots(planner, observed, day).await?;
    let mut open: BTreeSet<Market> = today.keys().cloned().collect();
    // Snapshots before the day, newest day first.
    let mut earlier: Vec<(NaiveDate, BTreeMap<Market, Vec<Taken>>)> = Vec::new();
    let mut before = day;
    for _ in 0..LOOK_BACK {
        let Some(previous) = before.pred_opt().filter(|_| !open.is_empty()) else { break };
        before = previous;
        days.insert(before, observed.state(before));
        let mut found = snapshots(planner, observed, before).await?;
        found.retain(|market, _| open.contains(market));
        for (market, taken) in &mut found {
            if let Some(complete) = taken.iter().rposition(|snapshot| snapshot.is_complete) {
                taken.drain(..complete);
                open.remove(market);
            }
        }
        earlier.push((before, found));
    }
    let mut known: BTreeMap<Market, Known> = BTreeMap::new();
    for (date, mut taken) in earlier.into_iter().rev().filter(|(_, taken)| !taken.is_empty()) {
        fill(planner, observed, date, &mut taken, &mut names).await?;
        for (market, snapshots) in taken {
            let known = known.entry(market).or_default();
            for snapshot in &snapshots {
                known.advance(snapshot);
            }
        }
    }
    let mut today = today;
    fill(planner, observed, day, &mut today, &mut names).await?;
    let mut rows = Vec::new();
    for (market, snapshots) in &today {
        let known = known.entry(market.clone()).or_default();
        for snapshot in snapshots {
            rows.extend(known.advance(snapshot).into_iter().map(|change| (market, snapshot, change)));
        }
    }
    Ok(Made { rows: table(&rows)?, days })
}

/// The snapshots of a day by market, in the order of time, without their offers.
async fn snapshots(
    planner: &Planner,
    observed: &DayFiles,
    day: NaiveDate,
) -> Result<BTreeMap<Market, Vec<Taken>>, MaintainError> {
    const COLUMNS: [&str; 12] = [
        "total_offers_count",
        "offers_announced",
        "snapshot_id",
        "extraction_timestamp",
        "venue",
        "crypto",
        "fiat",
        "trade_type",
        "is_complete",
        "raw_id",
        "raw_pos",
        "normalizer_version",
    ];
    let mut markets: BTreeMap<Market, Vec<Taken>> = BTreeMap::new();
    for file in observed.of(Table::FactMarketDepth, day) {
        for batch in planner.read(file, &COLUMNS).await? {
            taken(&batch, &mut markets).map_err(broken(file))?;
        }
    }
    for snapshots in markets.values_mut() {
        snapshots.sort_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
    }
    Ok(markets)
}

fn taken(batch: &RecordBatch, markets: &mut BTreeMap<Market, Vec<Taken>>) -> Result<(), ArrowError> {
    let columns = Columns(batch);
    let (ids, times) = (columns.text("snapshot_id")?, columns.times("extraction_timestamp")?);
    let market = columns.market()?;
    let complete = columns.flags("is_complete")?;
    let (counts, announced) = (columns.whole("total_offers_count")?, columns.whole("offers_announced")?);
    let (raw_ids, positions) = (columns.text("raw_id")?, columns.whole("raw_pos")?);
    let versions = columns.whole("normalizer_version")?;
    for row in 0..batch.num_rows() {
        let taken = Taken {
            at: times.value(row),
            id: ids.value(row).to_owned(),
            is_complete: complete.value(row) && counts.value(row) >= announced.value(row),
            count: usize::try_from(counts.value(row)).unwrap_or(0),
            raw_id: raw_ids.value(row).to_owned(),
            raw_pos: positions.value(row),
            version: versions.value(row),
            offers: Vec::new(),
        };
        markets.entry(market.map(|column| column.value(row).to_owned())).or_default().push(taken);
    }
    Ok(())
}

/// Ids, each kept once.
#[derive(Default)]
struct Names(HashMap<Box<str>, Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(name.into(), Arc::clone(&new));
        new
    }
}

/// Puts the offers of a day into its snapshots.
async fn fill(
    planner: &Planner,
    observed: &DayFiles,
    day: NaiveDate,
    markets: &mut BTreeMap<Market, Vec<Taken>>,
    names: &mut Names,
) -> Result<(), MaintainError> {
    const COLUMNS: [&str; 6] =
        ["snapshot_id", "offer_external_id", "advertiser_id", "price", "available_amount", "raw_pos"];
    let mut by_id: HashMap<String, &mut Taken> = HashMap::new();
    for snapshot in markets.values_mut().flatten() {
        by_id.insert(snapshot.id.clone(), snapshot);
    }
    for file in observed.of(Table::FactOffers, day) {
        for batch in planner.read(file, &COLUMNS).await? {
            shown(&batch, &mut by_id, names).map_err(broken(file))?;
        }
    }
    // A snapshot is written before its offers. Until these are there too, it says nothing about them.
    for snapshots in markets.values_mut() {
        snapshots.retain(|snapshot| snapshot.offers.len() >= snapshot.count);
    }
    Ok(())
}

fn shown(
    batch: &RecordBatch,
    snapshots: &mut HashMap<String, &mut Taken>,
    names: &mut Names,
) -> Result<(), ArrowError> {
    let columns = Columns(batch);
    let (ids, offers) = (columns.text("snapshot_id")?, columns.text("offer_external_id")?);
    let advertisers = columns.text("advertiser_id")?;
    let (prices, amounts) = (columns.decimals("price")?, columns.decimals("available_amount")?);
    let positions = columns.whole("raw_pos")?;
    for row in 0..batch.num_rows() {
        // Offers of snapshots before the last complete one are not needed.
        let Some(snapshot) = snapshots.get_mut(ids.value(row)) else { continue };
        snapshot.offers.push(Shown {
            offer_id: names.of(offers.value(row)),
            advertiser_id: names.of(advertisers.value(row)),
            price: prices.value(row),
            available: amounts.value(row),
            raw_pos: positions.value(row),
        });
    }
    Ok(())
}

type Row<'r> = (&'r Market, &'r Taken, Change);

fn table(rows: &[Row<'_>]) -> Result<RecordBatch, MaintainError> {
    let text = |read: &dyn Fn(&Row<'_>) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(read)))
    };
    let times = |read: fn(&Row<'_>) -> Option<i64>| -> ArrayRef {
        let times: TimestampMicrosecondArray = rows.iter().map(read).collect();
        Arc::new(times.with_timezone("UTC"))
    };
    let whole = |read: fn(&Row<'_>) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(rows.iter().map(read)))
    };
    let decimals = |read: fn(&Row<'_>) -> Option<i128>| -> Result<ArrayRef, ArrowError> {
        let values: Decimal128Array = rows.iter().map(read).collect();
        Ok(Arc::new(values.with_precision_and_scale(AMOUNT_PRECISION, AMOUNT_SCALE as i8)?))
    };
    let offer = |row: &Row<'_>| row.2.new.as_ref().or(row.2.old.as_ref()).cloned();
    let named = |read: fn(Shown) -> Arc<str>| -> ArrayRef {
        text(&|row| offer(row).map(|offer| read(offer).to_string()).unwrap_or_default())
    };
    let broken = |source| MaintainError::Rows { table: Table::FactOffers, source };
    let columns = vec![
        text(&|row| row.1.id.clone()),
        times(|row| Some(row.1.at)),
        times(|row| row.2.previous_at),
        text(&|row| row.0[0].clone()),
        text(&|row| row.0[1].clone()),
        text(&|row| row.0[2].clone()),
        text(&|row| row.0[3].clone()),
        named(|offer| offer.offer_id),
        named(|offer| offer.advertiser_id),
        text(&|row| row.2.kind.to_owned()),
        decimals(|row| row.2.old.as_ref().map(|offer| offer.price)).map_err(broken)?,
        decimals(|row| row.2.new.as_ref().map(|offer| offer.price)).map_err(broken)?,
        decimals(|row| row.2.old.as_ref().map(|offer| offer.available)).map_err(broken)?,
        decimals(|row| row.2.new.as_ref().map(|offer| offer.available)).map_err(broken)?,
        text(&|row| row.1.raw_id.clone()),
        whole(|row| row.2.new.as_ref().map_or(row.1.raw_pos, |offer| offer.raw_pos)),
        whole(|row| row.1.version),
    ];
    batch(Derived::FactOfferChanges, columns)
}
