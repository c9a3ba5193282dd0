//! Payment events, read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_intake::{EventIndex, Place};
use cauce_model::{EventId, StatusCategory};
use cauce_normalize::{PaymentEvent, answered, events, holds_answers, open};
use cauce_query::PaymentEvents;
use cauce_raw::{RawError, RawZone};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Shared};
use crate::{
    Api, ApiError,
    answer::{Listed, page},
    bad,
    documents::EventsAnswer,
    internal,
    params::{FormParams, PageParams, Params, PeriodParams, some},
    problem::Problem,
    rows,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(payment))
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
    let place = place.ok_or_else(unknown)?;
    let mut found = read_at(&api, &place).await?.ok_or_else(unknown)?;
    if found.0.reading.status == StatusCategory::Unprocessed
        && let Some(answer) = index.answer(&id).await.map_err(internal)?
        && let Some(answered) = read_at(&api, &answer).await?
    {
        found = answered;
    }
    let (event, received_at) = found;
    let mut columns = columns(&event, received_at);
    let (amount_usd, rate_date) = in_dollars(&api, &event, received_at).await?;
    columns.insert("amount_usd".to_owned(), amount_usd);
    columns.insert("fx_rate_date".to_owned(), rate_date);
    Ok(Json(columns))
}

/// The event that stands somewhere, and when it was received; none where nothing stands.
async fn read_at(
    api: &Api,
    Place { raw_id, raw_pos, record }: &Place,
) -> Result<Option<(PaymentEvent, DateTime<Utc>)>, ApiError> {
    let object = match RawZone::new(Arc::clone(&api.store)).read(raw_id).await {
        Ok(object) => object,
        Err(RawError::Store(object_store::Error::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(internal(error)),
    };
    let lines = open(&object);
    let line = lines.iter().find(|line| line.pos() == *raw_pos);
    let Some(envelope) = line.and_then(|line| line.envelope().ok()) else { return Ok(None) };
    let found = match holds_answers(raw_id) {
        true => answered(*raw_pos, envelope).ok(),
        false => events(raw_id, *raw_pos, envelope).into_iter().find(|event| event.record == *record),
    };
    Ok(found.map(|event| {
        let received_at = event.received_at.unwrap_or_else(|| envelope.known_since());
        (event, received_at)
    }))
}

/// What the amount was worth, and the day of the rate.
async fn in_dollars(
    api: &Api,
    event: &PaymentEvent,
    received_at: DateTime<Utc>,
) -> Result<(Value, Value), ApiError> {
    let Some(money) = event.reading.money else { return Ok((Value::Null, Value::Null)) };
    let day = event.reading.occurred_at.unwrap_or(received_at).date_naive();
    let worth = api.lake.worth_on(money, day).await?;
    Ok(worth.map_or((Value::Null, Value::Null), |(usd, day)| (usd.into(), day.into())))
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct EventParams {
    /// A provider such as stripe.
    #[param(min_length = 1, example = "stripe")]
    provider: Option<String>,
    /// APPROVED, AUTHORIZED, PENDING, DECLINED, FAILED, CANCELLED, EXPIRED, REFUNDED, PARTIALLY_REFUNDED, CHARGEBACK, NOT_A_PAYMENT, UNKNOWN or UNPROCESSED.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, example = "DECLINED")]
    status: Option<StatusCategory>,
    /// The provider's id of a payment.
    #[param(min_length = 1)]
    payment: Option<String>,
    /// The merchant's own reference.
    #[param(min_length = 1)]
    reference: Option<String>,
}

/// Payment events, newest first, by when they happened.
#[utoipa::path(get, path = "/api/v1/events", tag = "payments", params(EventParams, PeriodParams, PageParams, FormParams),
               responses((status = 200, body = EventsAnswer)))]
async fn list(
    State(api): Shared,
    headers: HeaderMap,
    Params((which, period, at, form)): Params<(EventParams, PeriodParams, PageParams, FormParams)>,
) -> Result<Response, ApiError> {
    let list = PaymentEvents {
        period: period.period(Utc::now())?,
        provider: which.provider,
        status: which.status.map(|status| status.to_string()),
        payment_id: which.payment,
        reference: which.reference,
    };
    let until = list.period.until;
    let listed = Listed {
        list: &list,
        name: "events",
        timed_by: "happened_at",
        until,
        form: &form,
        at: &at,
        before: Vec::new(),
    };
    page::<rows::PaymentEventRow>(&api, &headers, listed).await
}

/// What became of a payment, with its events in the order in which they happened, a thousand at most.
#[utoipa::path(get, path = "/api/v1/payments/{provider}/{id}", tag = "payments",
               params(("provider" = String, Path, description = "The provider's name", example = "stripe"),
                      ("id" = String, Path, description = "The provider's id of the payment")),
               responses((status = 200, body = Object, description = "payment: a row of payments_in_usd, none until it is made; events: rows of payment_events"),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn payment(
    State(api): Shared,
    Path((provider, id)): Path<(String, String)>,
) -> Answer<Map<String, Value>> {
    let found = api.lake.payment(&provider, &id).await?;
    let unknown =
        || ApiError::NotFound { message: format!("nothing is known of {provider}'s payment '{id}'") };
    found.map(Json).ok_or_else(unknown)
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
        "normalized_at": event.normalized_at, "attempts": event.attempts,
        "other_payment_ids": (!reading.other_payment_ids.is_empty()).then(|| reading.other_payment_ids.join(",")),
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
