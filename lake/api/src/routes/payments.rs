//! Payment events, read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use cauce_intake::{EventIndex, Place};
use cauce_model::EventId;
use cauce_normalize::{PaymentEvent, events, open};
use cauce_raw::{RawError, RawZone};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Shared};
use crate::{Api, ApiError, bad, internal, problem::Problem};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(one))
}

/// One payment event, as it is understood today, without the bytes that it was read from.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "payments",
               params(("id" = String, Path, description = "The event", format = "uuid")),
               responses((status = 200, body = Object, description = "The columns of fact_payment_events"),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn one(State(api): Shared, Path(id): Path<String>) -> Answer<Map<String, Value>> {
    let id: EventId = id.parse().map_err(|error: cauce_model::BadValue| {
        bad("id", Some(id.clone()), &error.to_string(), "the id of an event")
    })?;
    let unknown = || ApiError::NotFound { message: format!("there is no event {id}") };
    let index = EventIndex::new(Arc::clone(&api.ledger));
    let place = match index.place(&id).await.map_err(internal)? {
        Some(place) => Some(place),
        // It came another way: in a file, or from before the index.
        None => in_lake(&api, &id).await?,
    };
    let Place { raw_id, raw_pos, record } = place.ok_or_else(unknown)?;
    let object = match RawZone::new(Arc::clone(&api.store)).read(&raw_id).await {
        Ok(object) => object,
        Err(RawError::Store(object_store::Error::NotFound { .. })) => return Err(unknown()),
        Err(error) => return Err(internal(error)),
    };
    let lines = open(&object);
    let line = lines.iter().find(|line| line.pos() == raw_pos);
    let envelope = line.and_then(|line| line.envelope().ok()).ok_or_else(unknown)?;
    let found = events(&raw_id, raw_pos, envelope).into_iter().find(|event| event.record == record);
    Ok(Json(columns(&found.ok_or_else(unknown)?, envelope.known_since())))
}

async fn in_lake(api: &Api, id: &EventId) -> Result<Option<Place>, ApiError> {
    let Some(row) = api.lake.payment_event(id).await? else { return Ok(None) };
    let number =
        |name: &str| row.get(name).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    let raw_id = row.get("raw_id").and_then(Value::as_str).and_then(|raw_id| raw_id.parse().ok());
    let place = raw_id.zip(number("raw_pos")).zip(number("record"));
    Ok(place.map(|((raw_id, raw_pos), record)| Place { raw_id, raw_pos, record }))
}

/// The event in the columns of its table.
fn columns(event: &PaymentEvent, received_at: DateTime<Utc>) -> Map<String, Value> {
    let reading = &event.reading;
    let latency = reading.occurred_at.map(|occurred| (received_at - occurred).num_milliseconds());
    let row = json!({
        "event_id": event.id.to_string(), "provider": event.provider, "provider_event_id": reading.event_id,
        "provider_payment_id": reading.payment_id, "provider_operation_id": reading.operation_id,
        "provider_reference": reading.reference, "merchant_id": reading.merchant_id,
        "merchant_name": reading.merchant_name, "country": reading.country,
        "event_type": reading.subject.as_str(), "status_category": reading.status.as_str(),
        "failure_reason": reading.reason.map(|reason| reason.as_str()),
        "provider_event_type": reading.native_event, "provider_status": reading.native_status,
        "provider_code": reading.code, "provider_message": reading.message,
        "payment_method": reading.payment_method, "card_brand": reading.card_brand,
        "amount_minor": reading.money.map(|money| money.minor),
        "currency": reading.money.map(|money| money.currency.code()),
        "authorized_minor": reading.totals.authorized, "captured_minor": reading.totals.captured,
        "refunded_minor": reading.totals.refunded, "disputed_minor": reading.totals.disputed,
        "occurred_at": reading.occurred_at, "received_at": received_at,
        "latency_ms": latency.filter(|millis| *millis >= 0),
        "normalization_method": event.method.as_str(), "confidence_score": event.confidence.to_string(),
        "signature": event.signature.as_str(), "metadata": event.metadata,
        "normalizer_version": cauce_normalize::VERSION,
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}
