//! Binance: its history of transactions, in which a trade is several rows of one second: what came, what went, and what it cost.
//!
//! Rows say of which trade they are by nothing but their second and what was done. Where in one second one asset came and one
//! went, that is one trade, however many fills it had; where there were more, nobody can say which was for which.

use std::collections::BTreeMap;

use cauce_model::{AccountTerms, Fill, MarketKind, Rule, SkippedAs};
use rust_decimal::Decimal;

use super::{
    super::{
        About, Broken, Layout, Row, Said,
        file::{File, Record},
        number::Numbers,
        record::{Result, Told, Values},
        swap::{Leg, swapped},
        table::{Order, in_order, places, skipped},
        time::Zone,
    },
    BROKER, TIMES,
};

/// The history.
#[derive(Debug)]
pub(in super::super) struct Statement;

static STATEMENT: About = About {
    name: "binance_statement",
    broker: BROKER,
    title: "Binance, history of transactions",
    header: &["User_ID", "UTC_Time", "Account", "Operation", "Coin", "Change", "Remark"],
};

/// The headers that it has had: whose it is, and when.
const HEADERS: [[&str; 2]; 3] = [["User_ID", "UTC_Time"], ["User ID", "Time"], ["User_ID", "Time"]];

/// What is done, by the rows that tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// On the spot market, and on margin.
    Trade,
    /// At once, at a price that was agreed.
    Convert,
    /// What is too little to be sold, for BNB.
    Dust,
}

/// What a row is of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Leg,
    Cost,
}

/// What an operation is of.
fn deed(operation: &str) -> Option<(Deed, Part)> {
    Some(match operation {
        "Buy"
        | "Sell"
        | "Transaction Buy"
        | "Transaction Sold"
        | "Transaction Spend"
        | "Transaction Revenue"
        | "Transaction Related" => (Deed::Trade, Part::Leg),
        "Fee" | "Transaction Fee" => (Deed::Trade, Part::Cost),
        "Binance Convert" | "Large OTC trading" | "Convert" => (Deed::Convert, Part::Leg),
        "Small Assets Exchange BNB" | "Small assets exchange BNB" => (Deed::Dust, Part::Leg),
        _ => return None,
    })
}

fn header(file: &File<'_>) -> Option<(u8, usize, &'static str)> {
    HEADERS.into_iter().find_map(|[user, time]| {
        let (delimiter, place) = file.find_header(&[user, time, "Account", "Operation", "Coin", "Change"])?;
        Some((delimiter, place, time))
    })
}

impl Layout for Statement {
    fn about(&self) -> &About {
        &STATEMENT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        header(file).is_some()
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some((delimiter, header, time)) = header(file) else { return Vec::new() };
        let records = &file.records(delimiter)[header..];
        let Some((header, records)) = records.split_first() else { return Vec::new() };
        let places = places(header);
        let records: Vec<&Record> = records.iter().filter(|record| !record.is_blank()).collect();
        let rows: Vec<Values<'_>> = records
            .iter()
            .map(|record| Values::of_row(&places, &record.cells, Numbers::Point, terms))
            .collect();
        // By when and what: the rows of each, in the file's order.
        let mut deeds: BTreeMap<(String, String, Deed), Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            if let Some((deed, _)) = deed(&row.text("Operation")) {
                let key = (row.text(time).into_owned(), row.text("Account").into_owned(), deed);
                deeds.entry(key).or_default().push(index);
            }
        }
        let mut said: Vec<Result<Said>> = rows.iter().map(other).collect();
        for ((_, _, deed), members) in deeds {
            // A cost by itself is that of a future, whose trades are told elsewhere.
            let is_leg =
                |index: &usize| matches!(self::deed(&rows[*index].text("Operation")), Some((_, Part::Leg)));
            if !members.iter().any(is_leg) {
                continue;
            }
            let told = together(&rows, &members, deed, time);
            for (number, index) in members.into_iter().enumerate() {
                // The first row is the trade, and the others tell it, too.
                said[index] = match &told {
                    Ok(fill) if number == 0 => fill.clone().said(),
                    Ok(_) => skipped(SkippedAs::Repeated, "part of a trade of the same second"),
                    Err(why) => Err(why.clone()),
                };
            }
        }
        let row = |(record, said): (&&Record, Result<Said>)| Row {
            place: record.line,
            text: record.text(),
            said: said.unwrap_or_else(Said::Broken),
        };
        in_order(records.iter().zip(said).map(row).collect(), Order::OldestFirst)
    }
}

/// The trade that these rows are.
fn together(rows: &[Values<'_>], members: &[usize], deed: Deed, time: &str) -> Result<Fill> {
    let (mut legs, mut costs): (BTreeMap<String, Decimal>, BTreeMap<String, Decimal>) = Default::default();
    let mut is_several = false;
    for index in members {
        let row = &rows[*index];
        let (coin, change) = (row.need("Coin")?, row.need_number("Change")?);
        let sums = match self::deed(&row.text("Operation")) {
            Some((_, Part::Cost)) => &mut costs,
            _ => &mut legs,
        };
        let is_leg = !matches!(self::deed(&row.text("Operation")), Some((_, Part::Cost)));
        let sum = sums.entry(coin).or_default();
        // One asset that came and went was bought and sold in that second.
        is_several |= is_leg && !sum.is_zero() && sum.is_sign_negative() != change.is_sign_negative();
        *sum = sum.saturating_add(change);
    }
    let first = &rows[members[0]];
    let side = |is_wanted: fn(&Decimal) -> bool| legs.iter().filter(move |(_, sum)| is_wanted(sum));
    let (mut came, mut went) = (
        side(|sum| sum.is_sign_positive() && !sum.is_zero()),
        side(|sum| sum.is_sign_negative() && !sum.is_zero()),
    );
    let leg =
        |(asset, sum): (&String, &Decimal)| Leg { name: "Change", amount: sum.abs(), asset: asset.clone() };
    match (came.next(), went.next(), came.next(), went.next()) {
        (Some(got), Some(gave), None, None) if !is_several => {
            let zone = if time == "UTC_Time" { Zone::Utc } else { Zone::Account };
            let at = first.time(time, TIMES, zone)?;
            let mut fill = swapped(first, leg(got), leg(gave), at)?.on(MarketKind::Spot);
            for (asset, sum) in costs {
                fill = fill.fee(-sum, Some(asset));
            }
            Ok(fill)
        }
        (_, None, ..) | (None, ..) => {
            let why = "has no other half in its second: what it was for is not in the file";
            Err(first.broken(Rule::UnknownShape, "Operation", why))
        }
        _ => {
            let what = match deed {
                Deed::Dust => "was exchanged with others at once, and what each brought is not told apart",
                _ => {
                    "is one of several trades of one second, which nothing tells apart; import the export of trades"
                }
            };
            Err(Broken::new(Rule::UnknownShape, "Operation", &first.text("Operation"), what))
        }
    }
}

/// A row that is of no trade.
fn other(row: &Values<'_>) -> Result<Said> {
    let operation = row.text("Operation").into_owned();
    let lower = operation.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let what = match () {
        () if says(&[
            "interest",
            "reward",
            "distribution",
            "airdrop",
            "rebate",
            "kickback",
            "cashback",
            "referral",
            "bonus",
        ]) =>
        {
            SkippedAs::Income
        }
        () if says(&["realized profit", "funding fee", "insurance"]) => SkippedAs::Repeated,
        () if says(&["fee", "commission", "tax"]) => SkippedAs::Charge,
        () if says(&["fiat"]) => SkippedAs::Cash,
        () if says(&["p2p", "c2c", "buy crypto"]) => SkippedAs::Conversion,
        () => SkippedAs::Transfer,
    };
    skipped(what, operation)
}
