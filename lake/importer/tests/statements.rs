//! Recorded statements of MetaTrader 4 print what they add up to: the journal adds up to the same, to the cent.
//! The recordings are read from `CAUCE_REALDATA`; where they are not, the test says that it is skipped.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use cauce_journal::{Matcher, Method, Observation, Rates, once, stats::Stats};
use cauce_model::{Account, AccountTerms, TradingDays};
use cauce_normalize::{TradeSource, trades};
use cauce_raw::{ACCOUNT_HEADER, Envelope};
use chrono::Utc;
use rust_decimal::Decimal;

fn recordings() -> Vec<PathBuf> {
    let root = std::env::var_os("CAUCE_REALDATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let mut found = Vec::new();
    let mut folders = vec![root.join("trades")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// The text of a file, and of a page without its tags, by cell.
fn cells(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).replace('\0', "");
    let mut cells = Vec::new();
    for part in text.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text) {
        let words = part.replace("&nbsp;", " ");
        if !words.trim().is_empty() {
            cells.push(words.trim().to_owned());
        }
    }
    cells
}

/// The number after a label, as the statement prints it: thousands are apart by spaces.
fn printed(cells: &[String], label: &str) -> Option<Decimal> {
    let at = cells.iter().position(|cell| cell == label)?;
    let number = cells.get(at + 1)?;
    let number = number.split('(').next()?.replace([' ', '\u{a0}'], "");
    number.parse().ok()
}

fn stats_of(bytes: &[u8]) -> Option<(&'static str, Stats)> {
    let files = AccountTerms { time_zone: Some("UTC".to_owned()), ..AccountTerms::default() };
    let account = Account::bare("statement".parse().unwrap()).id;
    let mut envelope = Envelope::bare(bytes, Utc::now());
    let header = serde_json::to_string(&TradeSource { account, files }).unwrap();
    envelope.headers.insert(ACCOUNT_HEADER.to_owned(), header);
    let read = trades(0, &envelope).ok()?;
    let raw_id: cauce_model::RawId = "statement/trades/2026-03-01/10/a".parse().unwrap();
    let told = read.fills.iter().map(|told| Observation {
        fill: told.fill.clone(),
        broker: told.broker.clone(),
        layout: told.layout.clone(),
        raw_id: raw_id.clone(),
        raw_pos: 0,
        place: (told.record, told.part),
        source_hash: told.source_hash.clone(),
        received_at: None,
        version: 1,
    });
    let matched = Matcher { rates: &Rates::default() }.matched(&once(told.collect()), Method::BrokerReported);
    let positions: Vec<_> = matched.positions.iter().collect();
    let stats = Stats::of(&positions, None, TradingDays::Weekdays).unwrap();
    Some((read.layout.name, stats))
}

#[test]
fn a_statement_adds_up_to_what_it_prints() {
    let files = recordings();
    if files.is_empty() {
        println!("skipped: no recordings; set CAUCE_REALDATA");
        return;
    }
    let mut compared = 0;
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let Some((layout, stats)) = stats_of(&bytes) else { continue };
        if layout != "mt4_statement" {
            continue;
        }
        let cells = cells(&bytes);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let two = |number: Decimal| {
            number.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        };
        let figures = [
            ("Total Net Profit:", Some(stats.net_profit)),
            ("Gross Profit:", Some(stats.gross_profit)),
            ("Gross Loss:", Some(stats.gross_loss)),
            ("Profit Factor:", stats.profit_factor),
            ("Expected Payoff:", stats.expectancy),
            ("Maximal Drawdown:", Some(stats.drawdowns.absolute.amount)),
            ("Total Trades:", Some(stats.trades.into())),
            ("Profit Trades (% of total):", Some(stats.metatrader_profit_trades.into())),
            ("Loss trades (% of total):", Some(stats.metatrader_loss_trades.into())),
            ("Closed P/L:", Some(stats.net_profit)),
        ];
        for (label, ours) in figures {
            let Some(theirs) = printed(&cells, label) else {
                println!("{name}: {label} is not printed");
                continue;
            };
            compared += 1;
            println!("{name}: {label} {theirs}, and {ours:?}");
            assert_eq!(ours.map(two), Some(two(theirs)), "{name}: {label}");
        }
    }
    assert!(compared > 0, "a statement was compared");
}
