//! Payment events: from the bytes of a webhook, an API's answer or a file to what was said of which payment.
//!
//! Every record of every body becomes an event. One that nobody understands is `UNPROCESSED`, with why.

use cauce_model::{
    EventId, NormalizationMethod, Rate, RawId, Reading, SignatureState, StatusCategory, Subject,
};
use cauce_protocols::{
    document::{self, Bytes, Node},
    providers::{self, Detected, Provider, Sent, detect},
};
use cauce_raw::{Envelope, kind};
use serde_json::{Map, Value, json};

use crate::masking::masked;

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
}

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
        body_hash: blake3::hash(body).to_hex()[..32].to_owned(),
        events: Vec::new(),
    };
    match document::read(Bytes { content_type, body }) {
        Ok(records) => {
            for record in &records {
                made.record(record, Sent { named, headers: &headers });
            }
        }
        Err(unreadable) => made.unprocessed(named, &unreadable.to_string(), &[]),
    }
    made.events
}

struct Making<'r> {
    raw: &'r RawId,
    raw_pos: i32,
    signature: Option<SignatureState>,
    body_hash: String,
    events: Vec<PaymentEvent>,
}

impl Making<'_> {
    fn record(&mut self, record: &Node, sent: Sent<'_>) {
        // As other systems bring it: `{ "raw_event": …, "provider": … }`.
        let Some(inner) = wrapped(record) else { return self.bare(record, sent) };
        let named = record.text_at("provider").map(|name| plain(&name)).filter(|name| !name.is_empty());
        let sent = Sent { named: sent.named.or(named.as_deref()), ..sent };
        match inner {
            Node::Text(text) => match document::read_text(text) {
                Ok(records) => records.iter().for_each(|record| self.bare(record, sent)),
                Err(unreadable) => self.unprocessed(sent.named, &unreadable.to_string(), &[]),
            },
            Node::List(records) => records.iter().for_each(|record| self.bare(record, sent)),
            record => self.bare(record, sent),
        }
    }

    fn bare(&mut self, record: &Node, sent: Sent<'_>) {
        let (provider, evidence) = match detect(sent, record) {
            Detected::Provider(provider, evidence) => (provider, evidence),
            Detected::WithoutRules { name } => {
                return self.unprocessed(Some(&name), "no rules for this provider", &[]);
            }
            Detected::Ambiguous { candidates } => {
                let names: Vec<&str> = candidates.iter().map(|(name, _)| *name).collect();
                return self.unprocessed(None, "more than one provider could have sent it", &names);
            }
            Detected::Unknown => return self.unprocessed(None, "no provider is recognized", &[]),
        };
        let readings = providers::read(provider, record);
        if readings.is_empty() {
            return self.unprocessed(
                Some(provider.name()),
                "the provider's rules don't know this shape",
                &evidence.seen,
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

    fn unprocessed(&mut self, provider: Option<&str>, why: &str, candidates: &[&str]) {
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
        let record = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        let signs = provider.is_some_and(|provider| provider.signs());
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
fn nameless(mut reading: Reading) -> Reading {
    for text in [&mut reading.message, &mut reading.reference].into_iter().flatten() {
        *text = masked(text);
    }
    reading
}
