use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use chrono::Utc;
use serde_json::{Value, json};

use super::Shared;
use crate::Api;

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/health", get(health))
}

/// The process answers. Whether its parts do comes with the health of components.
async fn health(State(api): Shared) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": api.started_at,
        "uptime_seconds": (Utc::now() - api.started_at).num_seconds(),
    }))
}
