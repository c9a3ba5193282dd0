//! Payment events: from the bytes of a webhook, an API's answer or a file to what was said of which payment.
//!
//! Every record of every body becomes an event. One that nobody understands is `UNPROCESSED`, with why.

use std::{borrow::Cow, io::Read};

use cauce_model::{
    EventId, NormalizationMethod, Rate, RawId, Reading, SignatureState, StatusCategory, Subject,
};
use cauce_protocols::{
    document::{self, Bytes, Node},
    providers::{self, Detected, Provider, Sent, detect},
};
use cauce_raw::{Envelope, RULES_HEADER, kind};
use chrono::{DateTime, Utc};
use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value, json};

use crate::{erase::events_gone, masking::masked};

/// The source of events that came without the name of a provider.
pub const EVENTS: &str = "events";

/// What whoever received an event found out about its signature, as a header of its envelope.
pub const SIGNATURE_HEADER: &str = "cauce-signature";

/// Whether a raw object holds payment events.
pub fn holds_events(raw: &RawId) -> bool {
    let is_provider = || raw.source() == EVENTS || providers::find(raw.source()).is_some();
    raw.kind() == kind::PAYMENT_EVENT || raw.kind() == kind::FILE && is_provider()
}

/// One event, as it becomes a row of `fact_payment_events`. Nobody is named in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PaymentEvent {
    /// Position of its envelope.
    pub raw_pos: i32,
    /// Its place among the events of the envelope.
    pub record: i32,
    /// Its id.
    pub id: EventId,
    /// Whose it is; `unknown` where nobody is recognized.
    pub provider: String,
    /// What it says, masked.
    pub reading: Reading,
    /// Who understood it.
    pub method: NormalizationMethod,
    /// How sure, 0 to 1.
    pub confidence: Rate,
    /// Whether it is signed.
    pub signature: SignatureState,
    /// The same for the same event sent again: the provider's id of it, or what it says.
    pub identity: String,
    /// By what it was recognized, or why not.
    pub metadata: Value,
    /// Since when it is known in these words.
    pub normalized_at: DateTime<Utc>,
    /// How often it was tried to be understood.
    pub attempts: i32,
    /// When it was received, where that is not when its raw object was: that of a model's answer is younger.
    pub received_at: Option<DateTime<Utc>>,
    /// What no rule knew, for whoever may understand it.
    pub unread: Option<Box<Node>>,
}

/// What tells a body from others, if somebody was erased from it: the hash of what it was, as a header of its envelope.
pub(crate) const BODY_HEADER: &str = "cauce-body";

pub(crate) fn body_hash(body: &[u8]) -> String {
    blake3::hash(body).to_hex()[..32].to_owned()
}

/// Events that one envelope may hold.
const MOST_EVENTS: usize = 10_000;
/// Whose events are when nobody is recognized.
const UNKNOWN: &str = "unknown";

/// The events in one envelope of `raw`.
pub fn events(raw: &RawId, raw_pos: i32, envelope: &Envelope<'_>) -> Vec<PaymentEvent> {
    let body = envelope.body.bytes();
    let content_type = envelope.headers.get("content-type").map(String::as_str);
    let headers: Vec<&str> = envelope.headers.keys().map(String::as_str).collect();
    let named = (raw.source() != EVENTS).then(|| raw.source());
    let signature = envelope.headers.get(SIGNATURE_HEADER).and_then(|state| state.parse().ok());
    let mut made = Making {
        raw,
        raw_pos,
        signature,
        rules: envelope.headers.get(RULES_HEADER).is_none_or(|state| state != "off"),
        known_since: envelope.known_since(),
        // Of a body that somebody was erased from it is that of the body before.
        body_hash: match envelope.headers.get(BODY_HEADER) {
            Some(hash) => hash.clone(),
            None => body_hash(body),
        },
        was_erased_from: envelope.headers.contains_key(BODY_HEADER),
        gone: 0,
        events: Vec::new(),
    };
    let unpacked = unpacked(envelope);
    let body = match unpacked {
        Ok(body) => body,
        Err(why) => {
            made.unprocessed(named, &why, &[], None);
            return made.events;
        }
    };
    match document::read(Bytes { content_type, body: &body }) {
        Ok(records) => {
            for record in &records {
                made.record(record, Sent { named, headers: &headers });
            }
        }
        Err(unreadable) => made.unprocessed(named, &unreadable.to_string(), &[], None),
    }
    made.events
}

/// The body without what it was packed by, or why it can't be unpacked.
pub(crate) fn unpacked<'e>(envelope: &'e Envelope<'_>) -> Result<Cow<'e, [u8]>, String> {
    let encoding =
        envelope.headers.get("content-encoding").map(|encoding| encoding.trim().to_ascii_lowercase());
    let body = envelope.body.bytes();
    match encoding.as_deref() {
        Some("gzip") => gunzipped(body).map(Cow::Owned),
        None | Some("" | "identity") => Ok(Cow::Borrowed(body)),
        Some(other) => Err(format!("it is packed by '{other}', which is not read")),
    }
}

/// What is behind gzip, as far as anybody needs.
fn gunzipped(body: &[u8]) -> Result<Vec<u8>, String> {
    const LARGEST: u64 = 64 << 20;
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(body).take(LARGEST + 1).read_to_end(&mut unpacked);
    match read {
        Ok(length) if length as u64 > LARGEST => Err("there are more than 64 MiB behind its gzip".to_owned()),
        Ok(_) => Ok(unpacked),
        Err(error) => Err(format!("its gzip can't be read: {error}")),
    }
}

struct Making<'r> {
    raw: &'r RawId,
    raw_pos: i32,
    signature: Option<SignatureState>,
    rules: bool,
    known_since: DateTime<Utc>,
    body_hash: String,
    /// Only then a tombstone is one: anybody can send its words.
    was_erased_from: bool,
    /// Events of records that were erased: those behind them keep their places.
    gone: usize,
    events: Vec<PaymentEvent>,
}

impl Making<'_> {
    fn record(&mut self, record: &Node, sent: Sent<'_>) {
        if let Some(events) = events_gone(record).filter(|_| self.was_erased_from) {
            self.gone += events;
            return;
        }
        // As other systems bring it: `{ "raw_event": …, "provider": … }`. What a provider signed it did not wrap.
        let is_signed = self.signature == Some(SignatureState::Verified);
        let Some(inner) = wrapped(record).filter(|_| !is_signed) else { return self.bare(record, sent) };
        let named = record.text_at("provider").map(|name| plain(&name)).filter(|name| !name.is_empty());
        let sent = Sent { named: sent.named.or(named.as_deref()), ..sent };
        let before = self.events.len();
        match inner {
            Node::Text(text) => match document::read_text(text) {
                Ok(records) => records.iter().for_each(|record| self.bare(record, sent)),
                Err(unreadable) => self.unprocessed(sent.named, &unreadable.to_string(), &[], None),
            },
            Node::List(records) => records.iter().for_each(|record| self.bare(record, sent)),
            record => self.bare(record, sent),
        }
        // What the wrapping says, where the event does not.
        let (merchant, reference) = (record.text_at("merchant"), record.text_at("transactional_id"));
        for event in &mut self.events[before..] {
            let reading = &mut event.reading;
            reading.merchant_name = reading.merchant_name.take().or_else(|| merchant.clone());
            reading.reference = reading.reference.take().or_else(|| reference.as_deref().map(masked));
        }
    }

    fn bare(&mut self, record: &Node, sent: Sent<'_>) {
        if !self.rules {
            return self.unprocessed(sent.named, "rules were switched off", &[], Some(record));
        }
        let (provider, evidence) = match detect(sent, record) {
            Detected::Provider(provider, evidence) => (provider, evidence),
            Detected::WithoutRules { name } => {
                return self.unprocessed(Some(&name), "no rules for this provider", &[], Some(record));
            }
            Detected::Ambiguous { candidates } => {
                let names: Vec<&str> = candidates.iter().map(|(name, _)| *name).collect();
                let why = "more than one provider could have sent it";
                return self.unprocessed(None, why, &names, Some(record));
            }
            Detected::Unknown => {
                return self.unprocessed(None, "no provider is recognized", &[], Some(record));
            }
        };
        let readings = providers::read(provider, record);
        if readings.is_empty() {
            return self.unprocessed(
                Some(provider.name()),
                "the provider's rules don't know this shape",
                &evidence.seen,
                Some(record),
            );
        }
        for reading in readings {
            let sure =
                if reading.status == StatusCategory::Unknown { evidence.score / 2 } else { evidence.score };
            let metadata = json!({ "recognized_by": evidence.seen, "score": evidence.score });
            self.push(
                Some(provider),
                provider.name(),
                reading,
                NormalizationMethod::RuleBased,
                sure,
                metadata,
            );
        }
    }

    fn unprocessed(&mut self, provider: Option<&str>, why: &str, candidates: &[&str], unread: Option<&Node>) {
        let mut metadata = Map::new();
        metadata.insert("reason".to_owned(), why.into());
        if !candidates.is_empty() {
            metadata.insert("seen".to_owned(), candidates.into());
        }
        let reading = Reading::new(Subject::Other, StatusCategory::Unprocessed, "");
        let name = provider.unwrap_or(UNKNOWN);
        self.push(
            providers::find(name),
            name,
            reading,
            NormalizationMethod::None,
            0,
            Value::Object(metadata),
        );
        if let (Some(event), Some(unread)) = (self.events.last_mut(), unread) {
            event.unread = Some(Box::new(unread.clone()));
        }
    }

    fn push(
        &mut self,
        provider: Option<&'static dyn Provider>,
        name: &str,
        reading: Reading,
        method: NormalizationMethod,
        percent: u32,
        metadata: Value,
    ) {
        // The last one says that there were more.
        let place = self.gone + self.events.len();
        if place > MOST_EVENTS {
            return;
        }
        let record = i32::try_from(place).unwrap_or(i32::MAX);
        let (reading, method, percent, metadata) = if place == MOST_EVENTS {
            let metadata = json!({ "reason": "there are more than 10,000 events in it; bring it in parts" });
            let reading = Reading::new(Subject::Other, StatusCategory::Unprocessed, "");
            (reading, NormalizationMethod::None, 0, metadata)
        } else {
            (reading, method, percent, metadata)
        };
        let signs = provider.is_some_and(|provider| provider.about().signs);
        let unsigned = if signs { SignatureState::Absent } else { SignatureState::NotSigned };
        let identity = match &reading.event_id {
            Some(id) => format!("{name}:{id}"),
            None => format!("{}:{record}", self.body_hash),
        };
        self.events.push(PaymentEvent {
            raw_pos: self.raw_pos,
            record,
            id: EventId::derive(self.raw, self.raw_pos, record),
            provider: name.to_owned(),
            reading: nameless(reading),
            method,
            confidence: Rate::percent(percent),
            signature: self.signature.unwrap_or(unsigned),
            identity,
            metadata,
            normalized_at: self.known_since,
            attempts: 1,
            received_at: None,
            unread: None,
        });
    }
}

/// What stands in a wrapping, if the record is one.
fn wrapped(record: &Node) -> Option<&Node> {
    let inner = record.get("raw_event");
    (!inner.is_null()).then_some(inner)
}

/// `Mercado Pago` and `mercado_pago` are `mercadopago`: a provider's name without what people put into it.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_ascii_lowercase()
}

/// The reading without anybody's name in the texts that people write. Ids of providers stay what they are: they bind
/// events to payments, and a long number among them is no card's.
pub(crate) fn nameless(mut reading: Reading) -> Reading {
    for text in [&mut reading.message, &mut reading.reference].into_iter().flatten() {
        *text = masked(text);
    }
    // A code is a word; where a provider writes a sentence into its place, somebody may be named in it.
    for text in reading.code.iter_mut().chain([&mut reading.native_status]).filter(|text| text.contains(' '))
    {
        *text = masked(text);
    }
    reading
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const PAID: &str = r#"{"object":"payment_intent","id":"pi_1","status":"succeeded","created":1,"amount":5,"currency":"usd"}"#;

    fn raw(source: &str) -> RawId {
        format!("{source}/payment_event/2026-03-01/10/event-0123456789abcdef").parse().unwrap()
    }

    fn read(source: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<PaymentEvent> {
        let mut envelope = Envelope::bare(body, "2026-03-01T10:00:00Z".parse().unwrap());
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        envelope.headers = headers.collect();
        events(&raw(source), 0, &envelope)
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_bombs_are_not() {
        let packed = [("content-encoding", "gzip")];
        let events = read("stripe", &packed, &gzipped(PAID.as_bytes()));
        assert_eq!(events[0].reading.status, StatusCategory::Approved);
        for (headers, body, why) in [
            (&packed[..], gzipped(&vec![b'['; 70 << 20]), "more than 64 MiB"),
            (&packed[..], PAID.as_bytes().to_vec(), "can't be read"),
            (&[("content-encoding", "br")][..], PAID.as_bytes().to_vec(), "packed by 'br'"),
        ] {
            let events = read("stripe", headers, &body);
            assert_eq!((events.len(), events[0].reading.status), (1, StatusCategory::Unprocessed));
            assert!(events[0].metadata["reason"].as_str().unwrap().contains(why), "{:?}", events[0].metadata);
        }
    }

    #[test]
    fn who_an_event_is_of_and_how_sure() {
        for (source, body, provider, status, sure) in [
            ("stripe", PAID.to_owned(), "stripe", "APPROVED", "1"),
            (EVENTS, PAID.to_owned(), "stripe", "APPROVED", "0.7"),
            (EVENTS, format!(r#"{{"provider":"Stripe","raw_event":{PAID}}}"#), "stripe", "APPROVED", "1"),
            (EVENTS, PAID.replace("succeeded", "a_new_word"), "stripe", "UNKNOWN", "0.35"),
            ("acme", PAID.to_owned(), "acme", "UNPROCESSED", "0"),
            (EVENTS, "{}".to_owned(), "unknown", "UNPROCESSED", "0"),
        ] {
            let events = read(source, &[], body.as_bytes());
            let event = &events[0];
            let found =
                (event.provider.as_str(), event.reading.status.as_str(), event.confidence.to_string());
            assert_eq!(found, (provider, status, sure.to_owned()), "{source}: {body}");
        }
        let signed = read("stripe", &[(SIGNATURE_HEADER, "verified")], PAID.as_bytes());
        assert_eq!(signed[0].signature, SignatureState::Verified);
        assert_eq!(read("stripe", &[], PAID.as_bytes())[0].signature, SignatureState::Absent);
        assert_eq!(read("mollie", &[], b"id=tr_1")[0].signature, SignatureState::NotSigned);
    }

    #[test]
    fn each_record_is_an_event_with_an_id_of_its_own_and_the_same_every_time() {
        let body = format!("{PAID}\n{}\n", PAID.replace("pi_1", "pi_2"));
        let (first, again) = (read("stripe", &[], body.as_bytes()), read("stripe", &[], body.as_bytes()));
        assert_eq!(first, again);
        assert_eq!(first.iter().map(|event| event.record).collect::<Vec<_>>(), [0, 1]);
        assert_ne!(first[0].id, first[1].id);
    }

    proptest! {
        #[test]
        fn any_bytes_are_at_least_one_event(
            source in prop::sample::select(vec!["stripe", "adyen", "braintree", "worldpay", "acme", EVENTS]),
            body in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assert!(!read(source, &[], &body).is_empty());
        }
    }
}
