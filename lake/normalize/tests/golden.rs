//! Pages in, records out, as golden files. The pages are written by hand in the shapes of several years.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::fmt::Write;

use cauce_model::{Market, RawId, TradeType};
use cauce_normalize::{normalize, open};
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use chrono::{DateTime, Utc};

fn at() -> DateTime<Utc> {
    "2026-03-01T10:20:30Z".parse().unwrap()
}

fn asked() -> Market {
    Market {
        venue: "binance_p2p".parse().unwrap(),
        asset: "USDT".parse().unwrap(),
        fiat: "VES".parse().unwrap(),
        trade_type: TradeType::Buy,
    }
}

fn object(pages: &[&[u8]], market: Option<Market>) -> (RawId, Vec<u8>) {
    let mut bundle = Bundle::new("binance_p2p", kind::MARKET_SNAPSHOT, at().date_naive(), "run");
    for (number, page) in (1..).zip(pages) {
        let mut envelope = Envelope::bare(*page, at());
        envelope.page = market.is_some().then_some(number);
        envelope.market.clone_from(&market);
        bundle.push(&envelope).unwrap();
    }
    let sealed = bundle.seal("pages").unwrap();
    let lines = RawZone::decompress(&sealed.id, &sealed.bytes).unwrap();
    (sealed.id, lines)
}

/// Everything that came of it, a line each.
fn shown(pages: &[&[u8]], market: Option<Market>) -> String {
    let (id, lines) = object(pages, market);
    let lines = open(&lines);
    let normalized = normalize(&id, &lines);
    let mut out = String::new();
    for snapshot in &normalized.snapshots {
        writeln!(out, "snapshot {} at line {}\n{:#?}", snapshot.market, snapshot.raw_pos, snapshot.depth)
            .unwrap();
        for offer in &snapshot.offers {
            writeln!(out, "{offer:#?}").unwrap();
        }
        for check in &snapshot.checks {
            let verdict = if check.passed { "passed" } else { "FAILED" };
            writeln!(out, "{verdict} {} {} {}", check.metric, check.value, check.details).unwrap();
        }
    }
    for record in &normalized.quarantine {
        let head: String = record.record.chars().take(60).collect();
        writeln!(out, "{} (line {}): {} <- {head}", record.rule.as_str(), record.raw_pos, record.reason)
            .unwrap();
    }
    out
}

#[test]
fn shapes_of_the_years() {
    insta::assert_snapshot!(shown(&[include_bytes!("pages/shapes_of_the_years.json")], Some(asked())));
}

#[test]
fn every_broken_ad_goes_to_quarantine_with_its_rule() {
    insta::assert_snapshot!(shown(&[include_bytes!("pages/broken_ads.json")], Some(asked())));
}

#[test]
fn fields_that_came_and_went_are_counted_not_refused() {
    insta::assert_snapshot!(shown(&[include_bytes!("pages/fields_that_came_and_went.json")], Some(asked())));
}

#[test]
fn pages_that_are_none_are_kept_whole() {
    let pages: [&[u8]; 4] = [
        include_bytes!("pages/cut_in_the_middle.json"),
        include_bytes!("pages/an_error.json"),
        b"<html>Access denied</html>",
        b"\xff\xfe\x00",
    ];
    insta::assert_snapshot!(shown(&pages, None));
}

#[test]
fn a_file_without_a_request_is_sorted_into_markets_by_what_its_ads_say() {
    let broken = include_bytes!("pages/broken_ads.json");
    let (id, lines) = object(&[broken], None);
    let lines = open(&lines);
    let normalized = normalize(&id, &lines);
    let markets: Vec<String> =
        normalized.snapshots.iter().map(|snapshot| snapshot.market.to_string()).collect();
    assert_eq!(markets, ["binance_p2p:USDT/VES:BUY", "binance_p2p:USDT/ARS:BUY"]);
}

#[test]
fn an_empty_market_is_a_complete_snapshot_of_nothing() {
    let (id, lines) = object(&[include_bytes!("pages/no_offers.json")], Some(asked()));
    let lines = open(&lines);
    let snapshot = &normalize(&id, &lines).snapshots[0];
    assert!(snapshot.depth.is_complete && snapshot.offers.is_empty());
    assert_eq!((snapshot.depth.pages_announced, snapshot.depth.pages_received), (1, 1));
}

#[test]
fn an_ad_that_moved_between_pages_is_there_once() {
    let page: &[u8] = include_bytes!("pages/shapes_of_the_years.json");
    let (id, lines) = object(&[page, page], Some(asked()));
    let lines = open(&lines);
    let snapshot = &normalize(&id, &lines).snapshots[0];
    assert_eq!(snapshot.offers.len(), 3);
    let duplicates = snapshot.checks.iter().find(|check| check.metric == "duplicate_offers").unwrap();
    assert!(!duplicates.passed && (duplicates.value - 0.5).abs() < 1e-9);
}

#[test]
fn a_snapshot_that_lacks_a_page_says_so() {
    let mut page: serde_json::Value =
        serde_json::from_slice(include_bytes!("pages/shapes_of_the_years.json")).unwrap();
    page["total"] = 23.into();
    let (id, lines) = object(&[page.to_string().as_bytes()], Some(asked()));
    let lines = open(&lines);
    let depth = &normalize(&id, &lines).snapshots[0].depth;
    assert_eq!((depth.pages_received, depth.pages_announced, depth.is_complete), (1, 2, false));
}
