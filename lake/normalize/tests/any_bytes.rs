//! Whatever the bytes: no panic, no ad lost. Pages are mutated for a bounded time; `CAUCE_FUZZ_SECONDS` makes it longer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::time::Duration;

use arbtest::{arbitrary::Unstructured, arbtest};
use cauce_model::RawId;
use cauce_normalize::{normalize, open};

const PAGES: [&[u8]; 4] = [
    include_bytes!("pages/shapes_of_the_years.json"),
    include_bytes!("pages/broken_ads.json"),
    include_bytes!("pages/fields_that_came_and_went.json"),
    include_bytes!("pages/no_offers.json"),
];

/// Pieces that a parser may stumble over.
const PIECES: [&[u8]; 14] = [
    b"null",
    b"\"",
    b"\\u0000",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"1e999",
    b"-",
    b",",
    b"\xf0\x9f",
    b"\n",
    b"00",
];

fn budget() -> Duration {
    let seconds = std::env::var("CAUCE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

fn mutated(u: &mut Unstructured<'_>) -> arbtest::arbitrary::Result<Vec<u8>> {
    let mut bytes = u.choose(&PAGES)?.to_vec();
    for _ in 0..u.int_in_range(0..=6)? {
        if bytes.is_empty() {
            break;
        }
        let at = u.int_in_range(0..=bytes.len() - 1)?;
        match u.int_in_range(0..=4)? {
            0 => bytes.truncate(at),
            1 => bytes[at] = u.arbitrary()?,
            2 => drop(bytes.splice(at..at, u.choose(&PIECES)?.iter().copied())),
            3 => drop(bytes.drain(at..(at + u.int_in_range(1..=80)?).min(bytes.len()))),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
    Ok(bytes)
}

fn id(kind: &str, source: &str) -> RawId {
    RawId::new(source, kind, "2026-03-01".parse().unwrap(), "run", "pages-0000").unwrap()
}

/// Ads of a body, if it is JSON with a list of them, by another parser.
fn ads(body: &[u8]) -> Option<usize> {
    let page: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(page.get("data")?.as_array()?.len())
}

#[test]
fn a_mutated_page_loses_no_ad() {
    arbtest(|u| {
        let body = mutated(u)?;
        let mut bundle = cauce_raw::Bundle::new("binance_p2p", "file", "2026-03-01".parse().unwrap(), "10");
        bundle.push(&cauce_raw::Envelope::bare(body.as_slice(), chrono::Utc::now())).unwrap();
        let sealed = bundle.seal("page").unwrap();
        let object = cauce_raw::RawZone::decompress(&sealed.id, &sealed.bytes).unwrap();
        let lines = open(&object);
        let normalized = normalize(&sealed.id, &lines);
        let offers: usize = normalized.snapshots.iter().map(|snapshot| snapshot.offers.len()).sum();
        let kept = offers + normalized.quarantine.len();
        let repeated: f64 = normalized
            .snapshots
            .iter()
            .flat_map(|snapshot| snapshot.checks.iter().filter(|check| check.metric == "duplicate_offers"))
            .map(|check| check.details["duplicates"].as_f64().unwrap())
            .sum();
        if let Some(ads) = ads(&body) {
            assert!(kept + repeated as usize >= ads, "{kept} + {repeated} of {ads}");
        }
        Ok(())
    })
    .budget(budget());
}

#[test]
fn any_object_is_read() {
    let ids = [
        id("file", "binance_p2p"),
        id("run_report", "cauce"),
        id("file", "nobody"),
        id("market_snapshot", "legacy_warehouse"),
        id("run_report", "legacy_warehouse"),
    ];
    arbtest(|u| {
        let mut object = mutated(u)?;
        if u.arbitrary()? {
            let head: &[u8] = br#"{"v":1,"fetched_at":"2026-03-01T10:00:00Z","page":1,"body":"#;
            object = [head, &object, b"}\n"].concat();
        }
        let lines = open(&object);
        for id in &ids {
            normalize(id, &lines);
        }
        Ok(())
    })
    .budget(budget() / 2);
}
