//! The router: routes in groups, one kind of error, and the page. Functions and the command line serve the same one;
//! a function serves its groups of it. Who may call what stands in [`ROUTES`], and is asked in front of all of them.
//!
//! | group | routes | function |
//! |---|---|---|
//! | health | `/api/v1/health`, of each part and venue, `/api/v1/metrics` | query |
//! | market | `/api/v1/markets`, `/api/v1/market/…`, `/api/v1/prices/history`, offers' changes, advertisers | query |
//! | quality | `/api/v1/quality` | query |
//! | runs | `/api/v1/runs`, `/api/v1/runs/{id}`, `/api/v1/errors` | query |
//! | raw | `/api/v1/raw` | query |
//! | payments | `/api/v1/events/{id}` | query |
//! | sql | `POST /api/v1/sql` | query |
//! | documents | `/api/v1/openapi.json`, `/api/v1/docs` | query |
//! | page | `GET /` and its assets | admin |
//! | access | `/admin/token`, `/admin/users`, `/admin/api-keys`, `/api/v1/me`, the key set | admin |
//! | admin | `GET /admin/monitoring/summary`, `POST /api/v1/binance/offers` | admin |
//! | trades | `/api/v1/trades`, `/api/v1/positions`, `/api/v1/stats`, `/api/v1/accounts/{id}/results`, `…/curve`, `…/rhythm` | query |
//! | accounts | `/api/v1/accounts`, `/api/v1/accounts/{id}/import`, `/api/v1/journal/analyze` | journal |
//! | intake | `POST /api/v1/ingest/{source}`, `/api/v1/ingest/{source}/upload`, `/api/v1/events`, `/api/v1/webhooks/{provider}` | ingest |

mod access;
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

pub use access::{Door, Function, Guard, ROUTES, Route};
use axum::Router;
#[cfg(feature = "lake")]
pub use lake::*;
pub use problem::ApiError;
pub(crate) use problem::{bad, internal};
pub use routes::{Certificates, Journal, Push};
pub use serving::Serving;

/// The group of those who push.
pub fn push_routes(push: Push) -> Router {
    routes::intake().merge(routes::events()).with_state(Arc::new(push)).into()
}

/// The group of accounts and of what is imported of them.
pub fn journal_routes(journal: Journal) -> Router {
    routes::accounts().with_state(Arc::new(journal)).into()
}

/// Routes as they are served: guarded, compressed, counted, in the log, and with an answer for addresses that are none.
pub fn served(routes: Router, guard: Guard, serving: &Serving) -> Router {
    let routes = routes.fallback(routes::not_found).method_not_allowed_fallback(routes::wrong_method);
    serving::layers(routes, guard, serving)
}

#[cfg(feature = "lake")]
mod lake {
    use std::{sync::Arc, time::Duration};

    use axum::Router;
    use cauce_access::Gate;
    use cauce_ledger::Ledger;
    use cauce_model::Fees;
    use cauce_query::{Analysts, Lake, SqlLimits};
    use cauce_queue::Queue;
    use cauce_raw::Links;
    use cauce_sources::Scraper;
    use cauce_world::{ConfigError, KnownAccounts, SqlSection, World};
    use chrono::{DateTime, TimeDelta, Utc};
    use object_store::ObjectStore;
    use utoipa_axum::router::OpenApiRouter;

    pub use crate::{
        answer::{KeptAnswers, LargeAnswers},
        routes::{Elsewhere, Figures, Live, watch_payments},
    };
    use crate::{documents, page, routes, serving::bounded};

    /// Within what a gateway waits for.
    const RUN_PATIENCE: Duration = Duration::from_secs(25);

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
        /// Makes runs by hand, where nothing goes on here after an answer.
        pub elsewhere: Option<Arc<dyn Elsewhere>>,
        /// How long who asks for a run by hand waits for its end; a longer one goes on, and its id is the answer.
        pub run_patience: Duration,
        /// Age at which a market's newest snapshot is too old.
        pub freshness: TimeDelta,
        /// Answers in SQL.
        pub analysts: Analysts,
        /// What trading costs beside the price.
        pub fees: Fees,
        /// Accounts at brokers.
        pub accounts: KnownAccounts,
        /// Answers for who asks again.
        pub kept: KeptAnswers,
        /// Where answers go that are too large for a gateway, where there is one.
        pub large: Option<LargeAnswers>,
        /// Says when there is something new.
        pub live: Live,
        /// Links into the lake, where it can give some.
        pub links: Option<Arc<dyn Links>>,
        /// What this process has counted, where it is this process that shows it.
        pub figures: Option<Figures>,
        /// Requests that are answered at once; others are told to come again.
        pub at_once: usize,
        /// When this process started.
        pub started_at: DateTime<Utc>,
    }

    impl Api {
        /// Answers from `lake`, which is the world's.
        pub fn new(world: &World, lake: Lake) -> Result<Self, ConfigError> {
            Ok(Self {
                analysts: Analysts::of(lake.clone(), limits(&world.config.sql)),
                lake,
                store: Arc::clone(&world.store),
                ledger: Arc::clone(&world.ledger),
                queue: Arc::clone(&world.queue),
                scraper: world.scraper(),
                elsewhere: None,
                run_patience: RUN_PATIENCE,
                freshness: world.config.maintenance()?.quality.freshness,
                fees: world.config.fees()?,
                accounts: world.accounts(),
                kept: KeptAnswers::up_to(world.config.api.kept_answers),
                large: None,
                live: Live::default(),
                links: world.links.clone(),
                figures: None,
                at_once: world.config.api.at_once.get(),
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

    fn limits(sql: &SqlSection) -> SqlLimits {
        let &SqlSection { time, memory_mib, rows, at_once } = sql;
        SqlLimits { time, memory: memory_mib << 20, rows, at_once }
    }

    fn asking() -> OpenApiRouter<Arc<Api>> {
        OpenApiRouter::new()
            .merge(routes::market())
            .merge(routes::lists())
            .merge(routes::runs())
            .merge(routes::raw())
            .merge(routes::payments())
            .merge(routes::payment_metrics())
            .merge(routes::sql())
            .merge(routes::trades())
    }

    fn running() -> OpenApiRouter<Arc<Api>> {
        OpenApiRouter::new().merge(routes::admin()).merge(routes::by_hand())
    }

    /// The OpenAPI document of all groups.
    pub fn openapi() -> utoipa::openapi::OpenApi {
        documents::document([
            routes::health().into_openapi(),
            asking().into_openapi(),
            running().into_openapi(),
            routes::identity().into_openapi(),
            routes::intake().into_openapi(),
            routes::events().into_openapi(),
            routes::accounts().into_openapi(),
        ])
    }

    /// The groups of those who ask.
    pub fn query_routes(api: Api) -> Router {
        let health: Router<Arc<Api>> = routes::health().into();
        bounded(asking().into(), api.at_once)
            .merge(health)
            .merge(routes::metrics())
            .merge(routes::live())
            .merge(documents::routes())
            .with_state(Arc::new(api))
    }

    /// The groups of those who run it and of whoever logs in, and the page: its chart library alone is more than a tenth of
    /// what the package of a function may be, and the function that answers questions has no room for it.
    pub fn admin_routes(api: Api, gate: Gate) -> Router {
        let running: Router<Arc<Api>> = running().into();
        let access: Router = routes::identity().with_state(Arc::new(gate)).into();
        running.merge(page::routes()).with_state(Arc::new(api)).merge(access)
    }
}
