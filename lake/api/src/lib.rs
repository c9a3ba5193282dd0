//! The router: routes in groups, one kind of error, and the page. Functions and the command line serve the same one;
//! a function serves its groups of it.
//!
//! | group | routes | function |
//! |---|---|---|
//! | health | `/api/v1/health`, of each part and venue | query |
//! | market | `/api/v1/markets`, `/api/v1/market/…`, `/api/v1/prices/history`, offers' changes, advertisers | query |
//! | quality | `/api/v1/quality` | query |
//! | runs | `/api/v1/runs`, `/api/v1/runs/{id}`, `/api/v1/errors` | query |
//! | documents | `/api/v1/openapi.json`, `/api/v1/docs` | query |
//! | page | `GET /` and its assets | query |
//! | admin | `GET /admin/monitoring/summary`, `POST /api/v1/binance/offers` | admin |
//! | intake | `POST /api/v1/ingest/{source}`, `/api/v1/ingest/{source}/upload` | ingest |

#[cfg(feature = "lake")]
mod answer;
#[cfg(feature = "lake")]
mod documents;
#[cfg(feature = "lake")]
mod page;
#[cfg(feature = "lake")]
mod params;
mod problem;
mod routes;
#[cfg(feature = "lake")]
mod rows;
mod serving;

use std::sync::Arc;

use axum::Router;
#[cfg(feature = "lake")]
pub use lake::*;
pub use problem::ApiError;
pub(crate) use problem::{bad, internal};
pub use routes::Push;

/// The group of those who push.
pub fn push_routes(push: Push) -> Router {
    routes::intake().with_state(Arc::new(push)).into()
}

/// Routes as they are served: compressed, counted, in the log, and with an answer for addresses that are none.
pub fn served(routes: Router) -> Router {
    serving::layers(routes.fallback(routes::not_found).method_not_allowed_fallback(routes::wrong_method))
}

#[cfg(feature = "lake")]
mod lake {
    use std::sync::Arc;

    use axum::Router;
    use cauce_ledger::Ledger;
    use cauce_model::Fees;
    use cauce_query::Lake;
    use cauce_queue::Queue;
    use cauce_raw::Links;
    use cauce_sources::Scraper;
    use cauce_world::{ConfigError, World};
    use chrono::{DateTime, TimeDelta, Utc};
    use object_store::ObjectStore;
    use utoipa_axum::router::OpenApiRouter;

    pub use crate::answer::{KeptAnswers, LargeAnswers};
    use crate::{documents, page, routes};

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
        /// What trading costs beside the price.
        pub fees: Fees,
        /// Answers for who asks again.
        pub kept: KeptAnswers,
        /// Where answers go that are too large for a gateway, where there is one.
        pub large: Option<LargeAnswers>,
        /// Links into the lake, where it can give some.
        pub links: Option<Arc<dyn Links>>,
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
                fees: world.config.fees()?,
                kept: KeptAnswers::up_to(world.config.api.kept_answers),
                large: None,
                links: world.links.clone(),
                started_at: Utc::now(),
            })
        }

        /// Behind a gateway that takes no answer beyond `from` bytes: larger ones are fetched from the lake's store, if it
        /// gives links.
        pub fn behind_gateway(self, from: usize) -> Self {
            let store = Arc::clone(&self.store);
            let large = self.links.clone().map(|links| LargeAnswers { store, links, from });
            Self { large, ..self }
        }
    }

    fn asking() -> OpenApiRouter<Arc<Api>> {
        OpenApiRouter::new()
            .merge(routes::health())
            .merge(routes::market())
            .merge(routes::lists())
            .merge(routes::runs())
    }

    fn running() -> OpenApiRouter<Arc<Api>> {
        OpenApiRouter::new().merge(routes::admin()).merge(routes::by_hand())
    }

    /// The OpenAPI document of all groups.
    pub fn openapi() -> utoipa::openapi::OpenApi {
        documents::document([
            asking().into_openapi(),
            running().into_openapi(),
            routes::intake().into_openapi(),
        ])
    }

    /// The groups of those who ask.
    pub fn query_routes(api: Api) -> Router {
        let routes: Router<Arc<Api>> = asking().into();
        routes.merge(documents::routes()).merge(page::routes()).with_state(Arc::new(api))
    }

    /// The group of those who run it.
    pub fn admin_routes(api: Api) -> Router {
        running().with_state(Arc::new(api)).into()
    }
}
