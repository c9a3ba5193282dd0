//! Payment events, read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_intake::{EventIndex, Place};
use cauce_model::{EventId, Money, StatusCategory};
use cauce_normalize::{PaymentEvent, answered, events, holds_answers, open};
use cauce_query::PaymentEvents;
use cauce_raw::{RawError, RawZone};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
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
    let found = match index.place(&id).await.map_err(internal)? {
        Some(place) => read_at(&api, &place).await?,
        // It came another way, in a file, or among many: it is where its row is.
        None => in_lake(&api, &id).await?,
    };
    let mut found = found.ok_or_else(unknown)?;
    if found.is_unread
        && let Some(answer) = index.answer(&id).await.map_err(internal)?
        && let Some(answered) = read_at(&api, &answer).await?
    {
        found = answered;
    }
    let (amount_usd, rate_date) = match found.worth_on {
        Some((money, day)) => api.lake.worth_on(money, day).await?.unzip(),
        None => (None, None),
    };
    let mut columns = found.columns;
    columns.insert("amount_usd".to_owned(), amount_usd.into());
    columns.insert("fx_rate_date".to_owned(), rate_date.flatten().into());
    Ok(Json(columns))
}

/// An event, as it is understood.
struct Found {
    /// Columns of its table; not where it stands.
    columns: Map<String, Value>,
    /// Whether nobody has understood it.
    is_unread: bool,
    /// Its amount, and the day on which it was worth something.
    worth_on: Option<(Money, NaiveDate)>,
}

/// The event that stands somewhere, normalized again; none where nothing stands.
async fn read_at(api: &Api, Place { raw_id, raw_pos, record }: &Place) -> Result<Option<Found>, ApiError> {
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
        let day = event.reading.occurred_at.unwrap_or(received_at).date_naive();
        Found {
            columns: columns(&event, received_at),
            is_unread: event.reading.status == StatusCategory::Unprocessed,
            worth_on: event.reading.money.map(|money| (money, day)),
        }
    }))
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

/// An event's row in the lake.
async fn in_lake(api: &Api, id: &EventId) -> Result<Option<Found>, ApiError> {
    let Some(mut columns) = api.lake.payment_event(id).await? else { return Ok(None) };
    for place in ["raw_id", "raw_pos", "record", "identity", "date"] {
        columns.remove(place);
    }
    // JSON in a column is JSON in the answer.
    let metadata = columns.get("metadata").and_then(Value::as_str);
    let metadata = metadata.and_then(|metadata| serde_json::from_str(metadata).ok()).unwrap_or(Value::Null);
    columns.insert("metadata".to_owned(), metadata);
    let text = |name: &str| columns.get(name).and_then(Value::as_str);
    let money = || {
        let minor = columns.get("amount_minor")?.as_i64()?;
        Some(Money { minor, currency: text("currency")?.parse().ok()? })
    };
    let day = || {
        let time: DateTime<Utc> = text("occurred_at").or(text("received_at"))?.parse().ok()?;
        Some(time.date_naive())
    };
    let is_unread = text("status_category") == Some(StatusCategory::Unprocessed.as_str());
    Ok(Some(Found { is_unread, worth_on: money().zip(day()), columns }))
}

/// The event in the columns of its table.
fn columns(event: &PaymentEvent, received_at: DateTime<Utc>) -> Map<String, Value> {
    let reading = &event.reading;
    let latency = reading.occurred_at.map(|occurred| (received_at - occurred).num_milliseconds());
    // With as many digits as the column has.
    let confidence = Decimal::from_i128_with_scale(event.confidence.units(), 6);
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
        "normalization_method": event.method.as_str(), "confidence_score": confidence.to_string(),
        "signature": event.signature.as_str(), "metadata": event.metadata,
        "normalizer_version": cauce_normalize::VERSION,
    });
    match row {
        Value::Object(row) => row,
        _ => Map::new(),
    }
}
