//! What the market pays: now, and through time.

mod books;
mod history;

use std::sync::Arc;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(history::markets))
        .routes(routes!(history::history))
        .routes(routes!(history::spread))
        .routes(routes!(books::latest))
        .routes(routes!(books::offers))
        .routes(routes!(books::depth))
        .routes(routes!(books::liquidity))
        .routes(routes!(books::price))
        .routes(routes!(books::arbitrage))
}
