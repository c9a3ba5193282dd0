//! What payment providers say.
//!
//! | | |
//! |---|---|
//! | `POST /api/v1/events` | an event of any provider in any form, bare or as `{"raw_event": …, "provider": …}` |
//! | `POST /api/v1/webhooks/{provider}` | the address that a provider is given |
//!
//! It is kept first, then understood, then answered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use cauce_access::{Caller, Who};
use cauce_intake::{EventIndex, Place, Said, kept_headers};
use cauce_model::{EventId, SignatureState, StatusCategory};
use cauce_normalize::{EVENTS, PaymentEvent, SIGNATURE_HEADER, events};
use cauce_protocols::providers::{self, Forged, Signed};
use cauce_telemetry::WEBHOOKS_REFUSED;
use chrono::Utc;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::intake::{Push, Pushing, allowed, refused, whole};
use crate::{ApiError, internal, problem::Problem};

/// Who waits longer than this for the rules is told the id, and finds the rest at the event's address.
const AT_ONCE: Duration = Duration::from_secs(2);
/// The header by which whoever sends something again says that it is the same.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(crate) fn routes() -> OpenApiRouter<Arc<Push>> {
    OpenApiRouter::new().routes(routes!(event)).routes(routes!(webhook))
}

type Answered = Result<(StatusCode, Json<Value>), ApiError>;

/// An event of any provider, in any form: JSON, XML, CSV, form fields; bare, or as {"raw_event": …, "provider": …}. It is kept
/// verbatim first. The same sent again (its content, its Idempotency-Key, or the provider's own id of it) is answered with the
/// first one's id.
#[utoipa::path(post, path = "/api/v1/events", tag = "payments",
               params(("idempotency-key" = Option<String>, Header, description = "The same for the same event sent again")),
               request_body(content = String, description = "Any bytes", content_type = "application/octet-stream"),
               responses((status = 200, body = Object, description = "It was sent before: id of the first, duplicate"),
                         (status = 201, body = Object, description = "It is kept and understood: id, status, normalization_method, confidence_score, message, events"),
                         (status = 202, body = Object, description = "It is kept; its row follows: id"),
                         (status = 401, body = Problem, content_type = "application/problem+json"),
                         (status = 403, body = Problem, content_type = "application/problem+json"),
                         (status = 413, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn event(
    State(push): Pushing,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    allowed(&caller, EVENTS)?;
    let bytes = whole(&push, EVENTS, &headers, body).await?;
    let said = Said { source: EVENTS, headers: kept(&headers), received_at: Utc::now(), bytes: &bytes };
    answered(&push, &caller, said, &headers).await
}

/// The address that a provider is given. What is signed with one of the provider's secrets is taken from anybody; what is
/// not needs a key with the scope ingest. What is forged, or is sent again by somebody who saw it, is refused and kept as
/// evidence.
#[utoipa::path(post, path = "/api/v1/webhooks/{provider}", tag = "payments",
               params(("provider" = String, Path, description = "The provider's name", example = "stripe")),
               request_body(content = String, description = "What the provider sends", content_type = "application/octet-stream"),
               responses((status = 200, body = Object, description = "It was sent before: id of the first, duplicate"),
                         (status = 201, body = Object, description = "It is kept and understood: id, status, normalization_method, confidence_score, message, events"),
                         (status = 202, body = Object, description = "It is kept; its row follows: id"),
                         (status = 401, body = Problem, content_type = "application/problem+json", description = "It is not the provider's, and nobody with a key says it is"),
                         (status = 403, body = Problem, content_type = "application/problem+json"),
                         (status = 413, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn webhook(
    State(push): Pushing,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    cauce_intake::check_source(&provider).map_err(refused)?;
    let bytes = whole(&push, &provider, &headers, body).await?;
    let mut said =
        Said { source: &provider, headers: kept(&headers), received_at: Utc::now(), bytes: &bytes };
    match verified(&push, &said, query.as_deref().unwrap_or_default()) {
        Some(Ok(())) => {
            said.headers.insert(SIGNATURE_HEADER.to_owned(), SignatureState::Verified.to_string());
        }
        Some(Err(forged)) => {
            let evidence = push.intake.keep_forged(&said).await;
            let evidence = evidence.map_or_else(|error| error.to_string(), |id| id.to_string());
            WEBHOOKS_REFUSED.add([providers::find(&provider).map_or("unknown", |known| known.name())], 1);
            tracing::warn!(provider, %forged, evidence, "webhook refused");
            return Err(ApiError::Unauthorized { message: format!("this is not of {provider}: {forged}") });
        }
        // Nothing to verify it with: somebody with a key has to say that it is the provider's.
        None => match caller.who {
            Who::Nobody | Who::Local => {
                let message = format!(
                    "{provider} is not configured here with a secret to verify it by (providers.{provider}.secrets), so it \
                     needs a key with the scope ingest"
                );
                return Err(ApiError::Unauthorized { message });
            }
            _ => allowed(&caller, &provider)?,
        },
    }
    answered(&push, &caller, said, &headers).await
}

/// Whether it is signed by its provider; none where nothing can say so.
fn verified(push: &Push, said: &Said<'_>, query: &str) -> Option<Result<(), Forged>> {
    let provider = providers::find(said.source).filter(|provider| provider.signs())?;
    let settings = push.providers.get(said.source).filter(|settings| !settings.secrets.is_empty())?;
    let address = settings.url.as_deref();
    let signed = Signed { headers: &said.headers, body: said.bytes, query, address, now: said.received_at };
    Some(providers::verify(provider, &signed, settings.secrets.iter()))
}

fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = kept_headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    // Only we say it.
    kept.remove(SIGNATURE_HEADER);
    kept
}

async fn answered(push: &Push, caller: &Caller, said: Said<'_>, headers: &HeaderMap) -> Answered {
    if said.bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::Unprocessable { message: "it is empty; nothing was kept".to_owned() });
    }
    let index = EventIndex::new(Arc::clone(&push.ledger));
    let content = format!("content\0{}\0{}", said.source, blake3::hash(said.bytes).to_hex());
    let key = headers.get(IDEMPOTENCY_KEY).map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    let key = key.map(|key| format!("key\0{}\0{}\0{key}", caller.who, said.source));
    for known in [Some(&content), key.as_ref()].into_iter().flatten() {
        if let Some(first) = index.first(known).await.map_err(internal)? {
            return Ok(again(&first));
        }
    }
    let raw_id = push.intake.keep_event(&said).await.map_err(refused)?.id;
    // On a thread of its own, which may be left behind.
    let (raw, envelope) = (raw_id.clone(), said.envelope());
    let reading = tokio::task::spawn_blocking(move || events(&raw, 0, &envelope));
    let first_id = EventId::derive(&raw_id, 0, 0);
    let Ok(understood) = tokio::time::timeout(AT_ONCE, reading).await else {
        index.is_first(&content, &first_id).await.map_err(internal)?;
        let message = "kept; the rules take their time, and the event is at its address when they are done";
        return Ok((StatusCode::ACCEPTED, Json(json!({ "id": first_id.to_string(), "message": message }))));
    };
    let understood = understood.map_err(internal)?;
    for event in &understood {
        let place = Place { raw_id: raw_id.clone(), raw_pos: event.raw_pos, record: event.record };
        index.note(&event.id, &place).await.map_err(internal)?;
    }
    for known in [Some(&content), key.as_ref()].into_iter().flatten() {
        index.is_first(known, &first_id).await.map_err(internal)?;
    }
    // One event that its provider has sent before, in other words: it is kept, and it is the same event.
    if let [event] = understood.as_slice()
        && event.reading.event_id.is_some()
    {
        let first =
            index.is_first(&format!("event\0{}", event.identity), &event.id).await.map_err(internal)?;
        if first != event.id {
            return Ok(again(&first));
        }
    }
    Ok((StatusCode::CREATED, Json(created(first_id, &understood))))
}

fn again(first: &EventId) -> (StatusCode, Json<Value>) {
    let body = json!({ "id": first.to_string(), "duplicate": true, "message": "it was sent before" });
    (StatusCode::OK, Json(body))
}

fn created(id: EventId, events: &[PaymentEvent]) -> Value {
    let first = events.first();
    let message = match first {
        Some(event) if event.reading.status == StatusCategory::Unprocessed => {
            let why = event.metadata["reason"].as_str().unwrap_or_default();
            format!("kept and not understood yet: {why}")
        }
        Some(event) => format!("understood by the rules of {}", event.provider),
        None => "kept".to_owned(),
    };
    json!({
        "id": id.to_string(),
        "status": first.map(|event| event.reading.status.as_str()),
        "provider": first.map(|event| event.provider.as_str()),
        "normalization_method": first.map(|event| event.method.as_str()),
        "confidence_score": first.map(|event| event.confidence.to_string()),
        "message": message,
        "events": events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>(),
    })
}
