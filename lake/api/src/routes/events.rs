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
use cauce_telemetry::{WEBHOOKS_FORGED, WEBHOOKS_REFUSED};
use chrono::Utc;
use futures::future::try_join_all;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    intake::{Push, Pushing, allowed, refused, whole},
    named::{self, Named},
};
use crate::{ApiError, internal, problem::Problem};

/// Who waits longer than this for the rules is told the id, and finds the rest at the event's address.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Bytes that are taken from whoever says only by a signature who it is.
const STRANGERS: usize = 1 << 20;
/// Events of one post whose places are noted while its sender waits.
const MOST_NOTED: usize = 100;
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
                         (status = 202, body = Object, description = "It is kept; its row follows, or a model is asked: id"),
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
    answered(&push, said, key(&caller, EVENTS, &headers)).await
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
    let may_bring = caller.may_ingest(&provider);
    if !may_bring && bytes.len() > STRANGERS {
        let message = format!("without a key a webhook has {STRANGERS} bytes at most");
        return Err(ApiError::TooLarge { limit: STRANGERS, message });
    }
    let is_signed = match verified(&push, &provider, &said, query).await? {
        Some(Ok(())) => true,
        Some(Err(why)) => return Err(forged(&push, &said, &why.to_string()).await),
        None => false,
    };
    let content_type = said.headers.get("content-type").cloned();
    let brought = match is_signed || may_bring {
        true => {
            let key = if is_signed { None } else { key(&caller, &provider, &headers) };
            if is_signed {
                // Who signs does not sign that header: anybody could have put it there.
                said.headers.insert(SIGNATURE_HEADER.to_owned(), SignatureState::Verified.to_string());
            }
            Some(answered(&push, said.clone(), key).await?)
        }
        false => None,
    };
    let named = named::resource(&push, &provider, content_type.as_deref(), &bytes).await?;
    match (named, brought) {
        // The provider itself says that it is so: who brought the name of it is no matter.
        (Named::Resource(resource), _) => answered(&push, of_provider(&said, &resource), None).await,
        (_, Some(answer)) => Ok(answer),
        (Named::Unknown, None) => Err(forged(&push, &said, "the provider does not know what it names").await),
        // Nothing to verify it with: somebody with a key has to say that it is the provider's.
        (Named::Nothing, None) => {
            if !matches!(caller.who, Who::Nobody | Who::Local) {
                allowed(&caller, &provider)?;
            }
            let message = format!(
                "{provider} is not configured here with a secret to verify it by (providers.{provider}.secrets), so it \
                 needs a key with the scope ingest, which may stand in the address (?key=…)"
            );
            Err(ApiError::Unauthorized { message })
        }
    }
}

/// What the provider itself answered.
fn of_provider<'s>(said: &Said<'s>, resource: &'s [u8]) -> Said<'s> {
    let headers = BTreeMap::from([
        ("content-type".to_owned(), "application/json".to_owned()),
        (SIGNATURE_HEADER.to_owned(), SignatureState::Verified.to_string()),
    ]);
    Said { headers, bytes: resource, ..*said }
}

/// Keeps as evidence what is not its provider's.
async fn forged(push: &Push, said: &Said<'_>, why: &str) -> ApiError {
    let provider = said.source;
    let evidence = push.intake.keep_forged(said).await;
    let evidence = evidence.map_or_else(|error| error.to_string(), |id| id.to_string());
    WEBHOOKS_REFUSED.add([providers::find(provider).map_or("unknown", |known| known.name())], 1);
    WEBHOOKS_FORGED.count(1);
    tracing::warn!(provider, why, evidence, "webhook refused");
    ApiError::Unauthorized { message: format!("this is not of {provider}: {why}") }
}

/// Whether it is signed by its provider; none where nothing can say so. Reading it takes time: it is done on a thread of
/// its own.
async fn verified(
    push: &Push,
    provider: &str,
    said: &Said<'_>,
    query: Option<String>,
) -> Result<Option<Result<(), Forged>>, ApiError> {
    let Some(known) = providers::find(provider).filter(|known| known.about().signs) else { return Ok(None) };
    let settings = push.providers.get(provider).filter(|settings| !settings.secrets.is_empty()).cloned();
    let Some(settings) = settings else { return Ok(None) };
    let (headers, body, now) = (said.headers.clone(), said.bytes.to_vec(), said.received_at);
    let asked = Signed { headers: &headers, body: &body, query: "", address: None, now, certificate: None };
    let certificate = match known.certificate(&asked) {
        Some(url) => push.certificates.get(&url).await,
        None => None,
    };
    let verifying = move || {
        let (query, address) = (query.as_deref().unwrap_or_default(), settings.url.as_deref());
        let certificate = certificate.as_deref();
        let signed = Signed { headers: &headers, body: &body, query, address, now, certificate };
        providers::verify(known, &signed, settings.secrets.iter().map(String::as_str))
    };
    tokio::task::spawn_blocking(verifying).await.map(Some).map_err(internal)
}

fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut kept = kept_headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    // Only we say it.
    kept.remove(SIGNATURE_HEADER);
    kept
}

/// By what its sender says that it is the same: of this caller, for this source.
fn key(caller: &Caller, source: &str, headers: &HeaderMap) -> Option<String> {
    let key = headers.get(IDEMPOTENCY_KEY)?;
    Some(format!("key\0{}\0{source}\0{}", caller.who, String::from_utf8_lossy(key.as_bytes())))
}

async fn answered(push: &Push, said: Said<'_>, key: Option<String>) -> Answered {
    if said.bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::Unprocessable { message: "it is empty; nothing was kept".to_owned() });
    }
    let index = EventIndex::new(Arc::clone(&push.ledger));
    // The same bytes of another form are something else.
    let form =
        ["content-type", "content-encoding"].map(|name| said.headers.get(name).cloned().unwrap_or_default());
    let hash = blake3::hash(said.bytes).to_hex();
    let content = format!("content\0{}\0{}\0{hash}", said.source, form.join("\0"));
    let keyed = key.as_ref().map(|key| format!("{key}\0{hash}"));
    for known in [Some(&content), keyed.as_ref()].into_iter().flatten() {
        if let Some(first) = index.first(known).await.map_err(internal)? {
            return Ok(again(&first));
        }
    }
    if let Some(key) = &key
        && index.first(key).await.map_err(internal)?.is_some()
    {
        let message = "this Idempotency-Key came with another body before; nothing was kept".to_owned();
        return Err(ApiError::Unprocessable { message });
    }
    let raw_id = push.intake.keep_event(&said).await.map_err(refused)?.id;
    let first_id = EventId::derive(&raw_id, 0, 0);
    for known in [key.as_ref(), keyed.as_ref()].into_iter().flatten() {
        index.is_first(known, &first_id).await.map_err(internal)?;
    }
    // On a thread of its own, which may be left behind.
    let (raw, envelope) = (raw_id.clone(), push.intake.envelope(&said));
    let reading = tokio::task::spawn_blocking(move || events(&raw, 0, &envelope));
    let Ok(understood) = tokio::time::timeout(AT_ONCE, reading).await else {
        let message = "kept; the rules take their time, and the event is at its address when they are done";
        return Ok((StatusCode::ACCEPTED, Json(json!({ "id": first_id.to_string(), "message": message }))));
    };
    let understood = understood.map_err(internal)?;
    // The others are found through the lake.
    let place = |event: &PaymentEvent| {
        (event.id, Place { raw_id: raw_id.clone(), raw_pos: event.raw_pos, record: event.record })
    };
    let places: Vec<(EventId, Place)> = understood.iter().take(MOST_NOTED).map(place).collect();
    try_join_all(places.iter().map(|(id, place)| index.note(id, place))).await.map_err(internal)?;
    // What only names something says the same each time that something has happened to it; what nobody understood may
    // be brought again in another way; and two customers are refused in the same words.
    let says_it_all = understood.iter().any(|event| {
        let reading = &event.reading;
        let is_named =
            [&reading.event_id, &reading.payment_id, &reading.operation_id].into_iter().any(Option::is_some);
        is_named && !matches!(reading.status, StatusCategory::NotAPayment | StatusCategory::Unprocessed)
    });
    if says_it_all {
        let first = index.is_first(&content, &first_id).await.map_err(internal)?;
        if first != first_id {
            return Ok(again(&first));
        }
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
    let waits = push.asks_model && understood.iter().any(|event| event.unread.is_some());
    let code = if waits { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((code, Json(created(first_id, &understood, waits))))
}

fn again(first: &EventId) -> (StatusCode, Json<Value>) {
    let body = json!({ "id": first.to_string(), "duplicate": true, "message": "it was sent before" });
    (StatusCode::OK, Json(body))
}

fn created(id: EventId, events: &[PaymentEvent], asks_model: bool) -> Value {
    let first = events.first();
    let message = match first {
        Some(event) if event.reading.status == StatusCategory::Unprocessed => {
            let why = event.metadata["reason"].as_str().unwrap_or_default();
            let next = if asks_model { "; a language model is asked" } else { "" };
            format!("kept and not understood yet: {why}{next}")
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
