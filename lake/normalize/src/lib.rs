//! From a raw object to records, rejects and checks. Pure: no clock, no network, no store; the same bytes give the
//! same records on every machine, today and in a replay.
//!
//! ```text
//! bytes ─ open ─► lines of envelopes ─ normalize ─► Normalized { snapshots, events, rates, trades, reports, quarantine }
//! ```
//!
//! Two steps, because records borrow from the envelopes. Nothing panics on any bytes, and nothing is dropped: what
//! can't become a record is in `quarantine` with the rule that it broke.

mod answers;
mod depth;
mod erase;
mod masking;
mod origin;
mod payments;
mod quality;
mod snapshot;
mod trades;

use std::{borrow::Cow, collections::BTreeMap};

pub use answers::{MODEL, ModelAnswer, answered, holds_answers};
use cauce_model::{
    DatedRate, DeliveryReport, ImportReport, Quarantined, RawId, Rule, RunReport, RunTotals, Snapshot,
};
use cauce_protocols::{
    document::{self, Bytes},
    legacy, rates, venues,
};
use cauce_raw::{CAUCE, Envelope, kind, lines};
use chrono::{DateTime, Utc};
pub use erase::{Erasure, Subject, TOMBSTONE, answers_to, erased, without_answers};
pub use masking::{masked, masked_document};
pub use origin::{NoOrigin, Origin, origin};
pub use payments::{EVENTS, PaymentEvent, SIGNATURE_HEADER, events, holds_events};
pub use quality::Thresholds;
use serde::de::DeserializeOwned;
use snapshot::Pages;
pub use trades::{OtherRow, TradeObservation, TradeSource, Trades, WhyNone, trades};

/// Version of the rules. Raised with every change that gives other records for the same bytes.
pub const VERSION: i32 = 6;

/// One line of a raw object.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    pos: i32,
    text: &'a [u8],
    envelope: Result<Envelope<'a>, String>,
}

impl<'a> Line<'a> {
    /// Position in the raw object: the number of the line, from 0.
    pub fn pos(&self) -> i32 {
        self.pos
    }

    /// The line itself.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The envelope, or what is wrong with the line.
    pub fn envelope(&self) -> Result<&Envelope<'a>, &str> {
        self.envelope.as_ref().map_err(String::as_str)
    }
}

/// Takes a decompressed raw object apart.
pub fn open(object: &[u8]) -> Vec<Line<'_>> {
    lines(object).map(|(pos, text)| Line { pos, text, envelope: Envelope::read_line(text) }).collect()
}

/// What a raw object says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalized<'a> {
    /// Snapshots of markets, in the object's order.
    pub snapshots: Vec<Snapshot<'a>>,
    /// Payment events.
    pub events: Vec<PaymentEvent>,
    /// What currencies were worth, with positions.
    pub rates: Vec<(i32, DatedRate)>,
    /// Fills of one account.
    pub trades: Vec<TradeObservation>,
    /// Reports of imports with their positions.
    pub imports: Vec<(i32, ImportReport)>,
    /// Reports of deliveries with their positions.
    pub deliveries: Vec<(i32, DeliveryReport)>,
    /// Reports of runs with their positions.
    pub reports: Vec<(i32, RunReport)>,
    /// Runs of another system with their positions.
    pub imported_runs: Vec<(i32, RunTotals)>,
    /// Records that broke a rule.
    pub quarantine: Vec<Quarantined<'a>>,
    /// When the lake had all of the object; none if no line of it could be read.
    pub received_at: Option<DateTime<Utc>>,
}

/// Reads everything in the object `raw`, whose lines [`open`] gave.
pub fn normalize<'a>(raw: &RawId, lines: &'a [Line<'a>]) -> Normalized<'a> {
    let mut out = Normalized::default();
    let envelopes = envelopes(lines, &mut out.quarantine);
    out.received_at = envelopes.iter().map(|(_, envelope)| envelope.known_since()).max();
    if raw.kind() == kind::FORGED_EVENT {
        let reason = format!("its signature is not that of {}", raw.source());
        for (pos, envelope) in envelopes {
            out.quarantine.push(forged(pos, envelope, reason.clone()));
        }
    } else if raw.kind() == kind::TRADES {
        imported_trades(envelopes, &mut out);
    } else if raw.source() == CAUCE && raw.kind() == kind::IMPORT_REPORT {
        report(&envelopes, &mut out.imports, &mut out.quarantine);
    } else if raw.source() == CAUCE && raw.kind() == kind::DELIVERY_REPORT {
        report(&envelopes, &mut out.deliveries, &mut out.quarantine);
    } else if holds_events(raw) {
        out.events = envelopes.iter().flat_map(|(pos, envelope)| events(raw, *pos, envelope)).collect();
    } else if holds_answers(raw) {
        for (pos, envelope) in envelopes {
            // Somebody was erased from it.
            if envelope.headers.contains_key(payments::BODY_HEADER) {
                continue;
            }
            match answered(pos, envelope) {
                Ok(event) => out.events.push(event),
                Err(reason) => out.quarantine.push(whole(pos, envelope, Rule::UnknownShape, reason)),
            }
        }
    } else if raw.source() == rates::SOURCE {
        dated_rates(&envelopes, &mut out);
    } else if raw.source() == CAUCE && raw.kind() == kind::RUN_REPORT {
        report(&envelopes, &mut out.reports, &mut out.quarantine);
    } else if raw.source() == legacy::SOURCE && raw.kind() == kind::RUN_REPORT {
        imported_runs(&envelopes, &mut out);
    } else if raw.source() == legacy::SOURCE {
        imported_offers(raw, &envelopes, &mut out);
    } else if let Some(venue) = venues::find(raw.source()) {
        snapshot::read(raw, Pages::Of(venue), &envelopes, &mut out);
    } else {
        let reason = format!("no protocol is registered for the source '{}'", raw.source());
        for (pos, envelope) in envelopes {
            out.quarantine.push(whole(pos, envelope, Rule::UnknownSource, reason.clone()));
        }
    }
    out
}

/// Trades of an account; what can't be read of them is set aside with its row.
fn imported_trades<'a>(envelopes: Vec<Positioned<'a>>, out: &mut Normalized<'a>) {
    for (pos, envelope) in envelopes {
        match trades(pos, envelope) {
            Ok(read) => {
                out.quarantine.extend(read.broken().map(|(row, rule, reason)| {
                    part(pos, envelope, (rule, format!("row {}, {reason}", row.record), row.text.clone()))
                }));
                out.trades.extend(read.fills);
            }
            Err(reason) => out.quarantine.push(whole(pos, envelope, Rule::UnknownShape, reason)),
        }
    }
}

/// Reports of what Cauce itself did.
fn report<'a, R: DeserializeOwned>(
    envelopes: &[Positioned<'a>],
    reports: &mut Vec<(i32, R)>,
    quarantine: &mut Vec<Quarantined<'a>>,
) {
    for (pos, envelope) in envelopes {
        match serde_json::from_slice::<R>(envelope.body.bytes()) {
            Ok(report) => reports.push((*pos, report)),
            Err(error) => quarantine.push(whole(*pos, envelope, Rule::UnknownShape, error.to_string())),
        }
    }
}

/// What currencies are worth, each day and currency once: the last of a file.
fn dated_rates<'a>(envelopes: &[Positioned<'a>], out: &mut Normalized<'a>) {
    let mut newest = BTreeMap::new();
    for (pos, envelope) in envelopes {
        let content_type = envelope.headers.get("content-type").map(String::as_str);
        for rate in rates::read(Bytes { content_type, body: envelope.body.bytes() }) {
            match rate {
                // Of two for one day in a file the last is meant.
                Ok(rate) => drop(newest.insert((rate.date, rate.currency.code()), (*pos, rate))),
                Err(broken) => out.quarantine.push(part(*pos, envelope, broken)),
            }
        }
    }
    out.rates.extend(newest.into_values());
}

/// Offers of the system before: every body says its market.
fn imported_offers<'a>(raw: &RawId, envelopes: &[Positioned<'a>], out: &mut Normalized<'a>) {
    let (asked, others): (Vec<_>, Vec<_>) =
        envelopes.iter().copied().partition(|(_, envelope)| envelope.market.is_some());
    snapshot::read(raw, Pages::Imported(&legacy::Offers), &asked, out);
    for (pos, envelope) in others {
        let reason =
            format!("offers without a market; import them with cauce ingest --source {}", legacy::SOURCE);
        out.quarantine.push(whole(pos, envelope, Rule::InvalidMarket, reason));
    }
}

fn imported_runs<'a>(envelopes: &[Positioned<'a>], out: &mut Normalized<'a>) {
    for (pos, envelope) in envelopes {
        match legacy::runs(envelope.body.bytes()) {
            Ok(runs) => {
                for run in runs {
                    match run {
                        Ok(run) => out.imported_runs.push((*pos, run)),
                        Err(broken) => out.quarantine.push(part(*pos, envelope, broken)),
                    }
                }
            }
            Err(unreadable) => out.quarantine.push(whole(*pos, envelope, unreadable.rule, unreadable.reason)),
        }
    }
}

type Positioned<'a> = (i32, &'a Envelope<'a>);

fn envelopes<'a>(lines: &'a [Line<'a>], quarantine: &mut Vec<Quarantined<'a>>) -> Vec<Positioned<'a>> {
    let mut good = Vec::with_capacity(lines.len());
    for line in lines {
        match &line.envelope {
            Ok(envelope) => good.push((line.pos, envelope)),
            Err(reason) => quarantine.push(Quarantined {
                raw_pos: line.pos,
                // The line says no time that could be read.
                fetched_at: DateTime::<Utc>::UNIX_EPOCH,
                rule: Rule::InvalidEnvelope,
                reason: reason.clone(),
                record: String::from_utf8_lossy(line.text),
            }),
        }
    }
    good
}

/// A record out of the body of an envelope, set aside: the rule that it broke, why, and what it says.
fn part<'a>(
    pos: i32,
    envelope: &Envelope<'_>,
    (rule, reason, record): (Rule, String, String),
) -> Quarantined<'a> {
    Quarantined { raw_pos: pos, fetched_at: envelope.fetched_at, rule, reason, record: Cow::Owned(record) }
}

/// The whole body of an envelope, set aside.
fn whole<'a>(pos: i32, envelope: &'a Envelope<'a>, rule: Rule, reason: String) -> Quarantined<'a> {
    let record: Cow<'a, str> = String::from_utf8_lossy(envelope.body.bytes());
    Quarantined { raw_pos: pos, fetched_at: envelope.fetched_at, rule, reason, record }
}

/// What came with a signature that does not hold. It may all the same be of somebody's customers, when a secret was changed:
/// it is masked here, and only administrators see the bytes.
fn forged<'a>(pos: i32, envelope: &Envelope<'_>, reason: String) -> Quarantined<'a> {
    let content_type = envelope.headers.get("content-type").map(String::as_str);
    let body = envelope.body.bytes();
    let record = match document::read(Bytes { content_type, body }) {
        Ok(records) => {
            records.iter().map(|record| masked_document(record).to_string()).collect::<Vec<_>>().join("\n")
        }
        Err(_) => format!("{} bytes that are no document; they are in the raw object", body.len()),
    };
    part(pos, envelope, (Rule::ForgedSignature, reason, record))
}
