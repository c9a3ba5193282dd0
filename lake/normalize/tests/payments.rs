//! Every recorded payload of a payment provider becomes an event, or is kept and says why it is not understood.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cauce_model::{RawId, StatusCategory};
use cauce_normalize::{EVENTS, PaymentEvent, events, normalize, open};
use cauce_protocols::providers;
use cauce_raw::{Bundle, Envelope, RawZone, kind};

fn payloads() -> Option<PathBuf> {
    let given = std::env::var_os("CAUCE_REALDATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = folder.join("payments");
    if !folder.is_dir() {
        println!("skipped: no recorded payloads at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// What a payload gives through its raw object, which is what it gives by itself.
fn through_raw(source: &str, body: &[u8]) -> Vec<PaymentEvent> {
    let envelope = Envelope::bare(body, "2026-03-01T10:00:00Z".parse().unwrap());
    let mut bundle = Bundle::new(source, kind::PAYMENT_EVENT, "2026-03-01".parse().unwrap(), "10");
    bundle.push(&envelope).unwrap();
    let object = bundle.seal("event").unwrap();
    let lines = RawZone::decompress(&object.id, &object.bytes).unwrap();
    let lines = open(&lines);
    let normalized = normalize(&object.id, &lines);
    assert!(normalized.quarantine.is_empty() && normalized.snapshots.is_empty());
    let raw: &RawId = &object.id;
    assert_eq!(normalized.events, events(raw, 0, &envelope));
    normalized.events
}

#[test]
fn every_payload_is_an_event_or_says_why_not() {
    let Some(payloads) = payloads() else { return };
    let (mut files, mut known, mut understood) = (0, 0, 0);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for folder in fs::read_dir(&payloads).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let has_rules = providers::find(&name).is_some();
        for path in fs::read_dir(&folder).unwrap() {
            let path = path.unwrap().path();
            let body = fs::read(&path).unwrap();
            files += 1;
            // As its provider's, and as anybody's.
            for source in [name.as_str(), EVENTS] {
                let found = through_raw(source, &body);
                assert!(!found.is_empty(), "{}: nothing", path.display());
                for event in &found {
                    let is_unprocessed = event.reading.status == StatusCategory::Unprocessed;
                    let why = event.metadata["reason"].as_str().unwrap_or_default();
                    assert_eq!(is_unprocessed, !why.is_empty(), "{}: {event:?}", path.display());
                    assert!(source == EVENTS || event.provider == name, "{}: {event:?}", path.display());
                    if has_rules && source != EVENTS {
                        known += 1;
                        understood += usize::from(!is_unprocessed);
                        if is_unprocessed {
                            *reasons.entry(why.to_owned()).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    println!(
        "{files} payloads; {understood} of {known} events of providers with rules are understood; not: {reasons:?}"
    );
    assert!(files > 500 && understood * 100 >= known * 98, "{understood} of {known}: {reasons:?}");
}
