use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use cauce_query::Summary;

use super::{Answer, Shared};
use crate::Api;

/// Open to whoever reaches this process, which listens on loopback only; who may ask comes with authentication.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/admin/monitoring/summary", get(summary))
}

async fn summary(State(api): Shared) -> Answer<Summary> {
    Ok(Json(api.lake.summary().await?))
}
