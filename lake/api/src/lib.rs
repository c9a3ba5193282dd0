//! The router: routes in groups, one kind of error, and the page. Functions and the command line serve the same one.
//!
//! | group | routes |
//! |---|---|
//! | health | `GET /api/v1/health` |
//! | market | `GET /api/v1/markets`, `/api/v1/market/latest`, `/api/v1/prices/history` |
//! | quality | `GET /api/v1/quality` |
//! | runs | `GET /api/v1/runs`, `/api/v1/runs/{id}`, `POST /api/v1/binance/offers` |
//! | admin | `GET /admin/monitoring/summary` |
//! | page | `GET /` and its assets |

mod error;
mod page;
mod params;
mod routes;

use std::sync::Arc;

use axum::Router;
use cauce_ledger::Ledger;
use cauce_query::Lake;
use cauce_sources::Scraper;
use chrono::{DateTime, TimeDelta, Utc};
pub use error::ApiError;
use tower_http::{compression::CompressionLayer, trace::TraceLayer};

/// What the routes answer from.
#[derive(Debug, Clone)]
pub struct Api {
    /// The lake.
    pub lake: Lake,
    /// Runs under way.
    pub ledger: Arc<dyn Ledger>,
    /// Makes runs by hand.
    pub scraper: Scraper,
    /// Age at which a market's newest snapshot is too old.
    pub freshness: TimeDelta,
    /// When this process started.
    pub started_at: DateTime<Utc>,
}

/// All routes.
pub fn router(api: Api) -> Router {
    Router::new()
        .merge(routes::health())
        .merge(routes::market())
        .merge(routes::quality())
        .merge(routes::runs())
        .merge(routes::admin())
        .merge(page::routes())
        .fallback(routes::not_found)
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(Arc::new(api))
}
