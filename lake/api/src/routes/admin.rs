use std::sync::Arc;

use axum::{Json, extract::State};
use cauce_query::Summary;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Shared};
use crate::Api;

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(summary))
}

/// What the collectors did in the last 24 hours.
#[utoipa::path(get, path = "/admin/monitoring/summary", tag = "admin",
               responses((status = 200, body = Object,
                          description = "last_successful_run, error_count_last_24h, offers_last_24h")))]
async fn summary(State(api): Shared) -> Answer<Summary> {
    Ok(Json(api.lake.summary().await?))
}
