//! What a language model said of an event that no rule knew. The answer is a raw object of its own, which names the event,
//! so that it is asked once and read again in every replay.

use cauce_model::{
    EventId, NormalizationMethod, Rate, RawId, Reading, SignatureState, StatusCategory, Subject,
};
use cauce_protocols::{document, model, providers};
use cauce_raw::{Envelope, kind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::payments::{PaymentEvent, nameless};

/// The source of models' answers.
pub const MODEL: &str = "model";

/// A model's answer, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAnswer {
    /// The raw object with the event.
    pub raw_id: RawId,
    /// Its line.
    pub raw_pos: i32,
    /// The event's place among those of the line.
    pub record: i32,
    /// Whose it is, as far as the rules know; `unknown` else.
    pub provider: String,
    /// What is the same for the same event sent again.
    pub identity: String,
    /// Whether it is signed.
    pub signature: String,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i32,
    /// Which model was asked.
    pub model: String,
    /// Which version of the question.
    pub question: u32,
    /// The event as it was sent: masked.
    pub sent: String,
    /// What the model wrote, verbatim.
    pub answer: String,
}

/// Whether a raw object holds models' answers.
pub fn holds_answers(raw: &RawId) -> bool {
    raw.kind() == kind::MODEL_ANSWER
}

/// The event in the words of a model. An answer that is not to be believed leaves it unprocessed, with why; an error is
/// that the object is no answer.
pub fn answered(raw_pos: i32, envelope: &Envelope<'_>) -> Result<PaymentEvent, String> {
    let kept: ModelAnswer =
        serde_json::from_slice(envelope.body.bytes()).map_err(|error| error.to_string())?;
    let signature: SignatureState = kept.signature.parse().map_err(|error| format!("{error}"))?;
    let sent = document::read_text(&kept.sent).map_err(|error| error.to_string())?;
    let sent = sent.first().ok_or("nothing was sent")?;
    let by_rules = providers::find(&kept.provider).is_some();
    let method = if by_rules { NormalizationMethod::Hybrid } else { NormalizationMethod::Ai };
    let about = |reason: Option<String>, unfounded: &[String]| {
        let mut about = json!({ "model": kept.model, "question": kept.question });
        if let Some(reason) = reason {
            about["reason"] = reason.into();
        }
        if !unfounded.is_empty() {
            about["unfounded"] = unfounded.into();
        }
        about
    };
    let unprocessed = || Reading::new(Subject::Other, StatusCategory::Unprocessed, "");
    let (reading, provider, confidence, metadata) = match model::said(&kept.answer, sent) {
        Ok(said) if said.confidence < Rate::percent(model::LEAST) => {
            let reason = format!("the model's answer is worth {} only", said.confidence);
            (unprocessed(), None, said.confidence, about(Some(reason), &said.unfounded))
        }
        Ok(said) => (said.reading, said.provider, said.confidence, about(None, &said.unfounded)),
        Err(why) => {
            let reason = format!("the model's answer can't be read: {why}");
            (unprocessed(), None, Rate::percent(0), about(Some(reason), &[]))
        }
    };
    let known = kept.provider != "unknown";
    let named = provider.map(|name| name.to_ascii_lowercase().replace(' ', "_")).filter(|_| !known);
    Ok(PaymentEvent {
        raw_pos,
        record: kept.record,
        id: EventId::derive(&kept.raw_id, kept.raw_pos, kept.record),
        provider: named.unwrap_or(kept.provider),
        reading: nameless(reading),
        method,
        confidence,
        signature,
        identity: kept.identity,
        metadata,
        normalized_at: envelope.known_since(),
        attempts: kept.attempts,
        received_at: Some(kept.received_at),
        unread: None,
    })
}
