//! How payments go: figures of a period, and providers that are not themselves.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cauce_query::{Lake, PaymentsQuestion};
use chrono::{DurationRound, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Shared;
use crate::{
    ApiError,
    answer::{Basis, answer_json},
    bad,
    params::{Moment, Params, some},
    problem::Problem,
    rows::{AnomaliesAnswer, PaymentMetrics},
};

pub(crate) fn routes() -> OpenApiRouter<Arc<crate::Api>> {
    OpenApiRouter::new().routes(routes!(summary)).routes(routes!(provider)).routes(routes!(anomalies))
}

/// Which days, and which payments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct WhichParams {
    /// The first day, UTC: a day like 2026-03-01. Thirty days with the last one if it is not said.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, format = "date", example = "2026-03-01")]
    start_date: Option<Moment>,
    /// The last day, which counts: a day like 2026-03-31. Today if it is not said.
    #[serde(deserialize_with = "some")]
    #[param(value_type = Option<String>, format = "date", example = "2026-03-31")]
    end_date: Option<Moment>,
    /// A country such as BR.
    #[param(min_length = 1)]
    country: Option<String>,
    /// A merchant's id at its provider.
    #[param(min_length = 1)]
    merchant_id: Option<String>,
    /// A way of paying such as card or pix.
    #[param(min_length = 1)]
    payment_method: Option<String>,
    /// A currency such as BRL.
    #[param(min_length = 1)]
    currency: Option<String>,
}

impl WhichParams {
    fn question(self, provider: Option<String>) -> Result<PaymentsQuestion, ApiError> {
        let day = |moment: Moment| moment.0.date_naive();
        let last = self.end_date.map_or_else(|| Utc::now().date_naive(), day);
        let first = self.start_date.map_or_else(|| last - TimeDelta::days(29), day);
        if first > last {
            let allowed = format!("a day from start_date on, which is {first}");
            return Err(bad("end_date", Some(last.to_string()), "is before start_date", &allowed));
        }
        let Self { country, merchant_id, payment_method, currency, .. } = self;
        let capital = |text: String| text.to_ascii_uppercase();
        Ok(PaymentsQuestion {
            first,
            last,
            provider,
            country: country.map(capital),
            merchant_id,
            payment_method,
            currency: currency.map(capital),
        })
    }
}

async fn answered(
    api: &crate::Api,
    headers: &HeaderMap,
    asked: &PaymentsQuestion,
) -> Result<Response, ApiError> {
    let end: NaiveDate = asked.last.succ_opt().unwrap_or(asked.last);
    let until = end.and_time(NaiveTime::MIN).and_utc();
    let basis = Basis { question: format!("{asked:?}"), reads: asked.reads(), until };
    answer_json(api, headers, &basis, async { Ok(Box::pin(api.lake.payment_metrics(asked)).await?) }).await
}

/// How payments went in a period: by status, provider, country, merchant, way of paying, currency and hour of the week; success
/// rates with their interval at 95 %, how long events took, and why payments failed. A payment counts once, by what became of it,
/// on the day of its first event; it succeeded if money was taken or reserved, and failed if it was declined, failed or expired.
#[utoipa::path(get, path = "/api/v1/metrics/summary", tag = "payments", params(WhichParams),
               responses((status = 200, body = PaymentMetrics)))]
async fn summary(
    State(api): Shared,
    headers: HeaderMap,
    Params((which,)): Params<(WhichParams,)>,
) -> Result<Response, ApiError> {
    answered(&api, &headers, &which.question(None)?).await
}

/// The same for one provider.
#[utoipa::path(get, path = "/api/v1/metrics/providers/{provider}", tag = "payments",
               params(("provider" = String, Path, description = "The provider's name", example = "stripe"), WhichParams),
               responses((status = 200, body = PaymentMetrics),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn provider(
    State(api): Shared,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Params((which,)): Params<(WhichParams,)>,
) -> Result<Response, ApiError> {
    let asked = which.question(Some(provider.clone()))?;
    let known = cauce_protocols::providers::find(&provider).is_some();
    if !known && !api.lake.has_provider(&provider).await? {
        return Err(ApiError::NotFound {
            message: format!("no rules are for the provider '{provider}', and nothing is known of it"),
        });
    }
    answered(&api, &headers, &asked).await
}

/// The last full hour of each provider beside the same hour of the eight weeks before: payments, and the share that succeeded.
#[utoipa::path(get, path = "/api/v1/metrics/anomalies", tag = "payments", responses((status = 200, body = AnomaliesAnswer)))]
async fn anomalies(State(api): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
    let now = Utc::now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let basis = Basis { question: format!("anomalies {hour}"), reads: Lake::anomalies_read(), until: now };
    let judged = async {
        let judged = api.lake.payment_anomalies(now).await?;
        let anomalies = judged.iter().filter(|one| one.is_anomaly).count();
        Ok(json!({ "until": hour, "anomalies": anomalies, "judged": judged }))
    };
    answer_json(&api, &headers, &basis, judged).await
}
