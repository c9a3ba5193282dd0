//! The router: routes in groups, one kind of error, and the page. Functions and the command line serve the same one;
//! a function serves its groups of it.
//!
//! | group | routes | function |
//! |---|---|---|
//! | health | `GET /api/v1/health`, `/api/v1/health/{store,ledger,queue,lake}`, `/api/v1/health/venues/{venue}` | query |
//! | market | `GET /api/v1/markets`, `/api/v1/market/latest`, `/api/v1/prices/history` | query |
//! | quality | `GET /api/v1/quality` | query |
//! | runs | `GET /api/v1/runs`, `/api/v1/runs/{id}` | query |
//! | page | `GET /` and its assets | query |
//! | admin | `GET /admin/monitoring/summary`, `POST /api/v1/binance/offers` | admin |
//! | intake | `POST /api/v1/ingest/{source}`, `/api/v1/ingest/{source}/upload` | ingest |

mod error;
#[cfg(feature = "lake")]
mod page;
#[cfg(feature = "lake")]
mod params;
mod routes;
mod serving;

use axum::Router;
pub use error::ApiError;
pub(crate) use error::bad;
#[cfg(feature = "lake")]
pub use lake::*;
pub use routes::Push;

/// The group of those who push.
pub fn push_routes(push: Push) -> Router {
    routes::intake(push)
}

/// Routes as they are served: compressed, counted, in the log, and with an answer for addresses that are none.
pub fn served(routes: Router) -> Router {
    serving::layers(routes.fallback(routes::not_found))
}

#[cfg(feature = "lake")]
mod lake {
    use std::sync::Arc;

    use axum::Router;
    use cauce_ledger::Ledger;
    use cauce_query::Lake;
    use cauce_queue::Queue;
    use cauce_sources::Scraper;
    use cauce_world::{ConfigError, World};
    use chrono::{DateTime, TimeDelta, Utc};
    use object_store::ObjectStore;

    use crate::{page, routes};

    /// What the routes that read the lake answer from.
    #[derive(Debug, Clone)]
    pub struct Api {
        /// The lake.
        pub lake: Lake,
        /// Its store, for its health.
        pub store: Arc<dyn ObjectStore>,
        /// Runs under way, and breakers.
        pub ledger: Arc<dyn Ledger>,
        /// The queue, for its health.
        pub queue: Arc<dyn Queue>,
        /// Makes runs by hand.
        pub scraper: Scraper,
        /// How long a run by hand may take, where who asks does not wait for ever: what it has by then is its result.
        pub run_limit: Option<TimeDelta>,
        /// Age at which a market's newest snapshot is too old.
        pub freshness: TimeDelta,
        /// When this process started.
        pub started_at: DateTime<Utc>,
    }

    impl Api {
        /// Answers from `lake`, which is the world's.
        pub fn new(world: &World, lake: Lake) -> Result<Self, ConfigError> {
            Ok(Self {
                lake,
                store: Arc::clone(&world.store),
                ledger: Arc::clone(&world.ledger),
                queue: Arc::clone(&world.queue),
                scraper: world.scraper(),
                run_limit: None,
                freshness: world.config.maintenance()?.quality.freshness,
                started_at: Utc::now(),
            })
        }
    }

    /// The groups of those who ask.
    pub fn query_routes(api: Api) -> Router {
        Router::new()
            .merge(routes::health())
            .merge(routes::market())
            .merge(routes::quality())
            .merge(routes::runs())
            .merge(page::routes())
            .with_state(Arc::new(api))
    }

    /// The group of those who run it.
    pub fn admin_routes(api: Api) -> Router {
        Router::new().merge(routes::admin()).merge(routes::by_hand()).with_state(Arc::new(api))
    }
}
