//! Who may call which route, in one place. A route that is not here is for nobody.

use cauce_access::{Needs, Role};

/// The function that serves a route on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Reads the lake.
    Query,
    /// Users, keys, tokens, runs by hand.
    Admin,
    /// Creates raw objects.
    Ingest,
    /// Imports trades, and makes the journal.
    Journal,
}

impl Function {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Admin => "admin",
            Self::Ingest => "ingest",
            Self::Journal => "journal",
        }
    }

    /// What its role on AWS may, in words; the template has it in its own.
    pub fn permissions(self) -> &'static str {
        match self {
            Self::Query => {
                "read tables, hot files and raw objects; read where events are; put and read results; read users, keys and \
                 public signing keys; count requests; note who read what verbatim"
            }
            Self::Admin => {
                "read tables and hot files; users, keys, signing keys, log-ins; runs by hand, which put raw objects"
            }
            Self::Ingest => {
                "put raw objects; note where events are; read users, keys and public signing keys; count requests"
            }
            Self::Journal => {
                "read tables and hot files; put raw objects of trades and reports; put the journal; accounts; read users, keys and \
                 public signing keys; count requests"
            }
        }
    }
}

/// A route, and what it asks of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// GET, POST …
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// What it asks.
    pub needs: Needs,
    /// Who serves it on AWS.
    pub function: Function,
}

const fn of(function: Function, needs: Needs, method: &'static str, path: &'static str) -> Route {
    Route { method, path, needs, function }
}

use Function::{Admin, Ingest, Journal, Query};
use Needs::{Anybody, Known, Market, Nothing, Signed};

const READER: Needs = Needs::Role(Role::Reader);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// Every route.
pub const ROUTES: &[Route] = &[
    of(Admin, Nothing, "GET", "/"),
    of(Admin, Nothing, "GET", "/assets/{file}"),
    of(Query, Nothing, "GET", "/api/v1/openapi.json"),
    of(Query, Nothing, "GET", "/api/v1/docs"),
    of(Query, Nothing, "GET", "/api/v1/health"),
    of(Query, Nothing, "GET", "/api/v1/health/store"),
    of(Query, Nothing, "GET", "/api/v1/health/ledger"),
    of(Query, Nothing, "GET", "/api/v1/health/queue"),
    of(Query, Nothing, "GET", "/api/v1/health/lake"),
    of(Query, Nothing, "GET", "/api/v1/health/venues/{venue}"),
    of(Query, Market, "GET", "/api/v1/live"),
    of(Query, Market, "GET", "/api/v1/markets"),
    of(Query, Market, "GET", "/api/v1/market/latest"),
    of(Query, Market, "GET", "/api/v1/market/snapshots"),
    of(Query, Market, "GET", "/api/v1/market/offers"),
    of(Query, Market, "GET", "/api/v1/market/depth"),
    of(Query, Market, "GET", "/api/v1/market/liquidity"),
    of(Query, Market, "GET", "/api/v1/market/price"),
    of(Query, Market, "GET", "/api/v1/market/spread"),
    of(Query, Market, "GET", "/api/v1/market/arbitrage"),
    of(Query, Market, "GET", "/api/v1/prices/history"),
    of(Query, Market, "GET", "/api/v1/offers/changes"),
    of(Query, Market, "GET", "/api/v1/advertisers"),
    of(Query, Market, "GET", "/api/v1/advertisers/{venue}/{id}"),
    of(Query, Market, "GET", "/api/v1/quality"),
    of(Query, READER, "GET", "/api/v1/runs"),
    of(Query, READER, "GET", "/api/v1/runs/{id}"),
    of(Query, READER, "GET", "/api/v1/errors"),
    of(Query, READER, "GET", "/api/v1/raw"),
    of(Query, ADMIN, "GET", "/api/v1/raw/reads"),
    of(Query, READER, "GET", "/api/v1/events"),
    of(Query, READER, "GET", "/api/v1/events/{id}"),
    of(Query, READER, "GET", "/api/v1/payments/{provider}/{id}"),
    of(Query, READER, "GET", "/api/v1/metrics/summary"),
    of(Query, READER, "GET", "/api/v1/metrics/providers/{provider}"),
    of(Query, READER, "GET", "/api/v1/metrics/anomalies"),
    of(Query, READER, "GET", "/api/v1/metrics"),
    of(Query, Needs::Role(Role::Analyst), "POST", "/api/v1/sql"),
    of(Admin, Nothing, "GET", "/.well-known/jwks.json"),
    of(Admin, Nothing, "POST", "/admin/token"),
    of(Admin, Known, "DELETE", "/admin/token"),
    of(Admin, Anybody, "GET", "/api/v1/me"),
    of(Admin, ADMIN, "GET", "/admin/users"),
    of(Admin, ADMIN, "POST", "/admin/users"),
    of(Admin, ADMIN, "PATCH", "/admin/users/{name}"),
    of(Admin, ADMIN, "DELETE", "/admin/users/{name}"),
    of(Admin, ADMIN, "GET", "/admin/api-keys"),
    of(Admin, ADMIN, "POST", "/admin/api-keys"),
    of(Admin, ADMIN, "DELETE", "/admin/api-keys/{id}"),
    of(Admin, ADMIN, "GET", "/admin/monitoring/summary"),
    of(Admin, ADMIN, "POST", "/api/v1/binance/offers"),
    of(Query, READER, "GET", "/api/v1/trades"),
    of(Query, READER, "GET", "/api/v1/positions"),
    of(Query, READER, "GET", "/api/v1/stats"),
    of(Query, READER, "GET", "/api/v1/stats/definitions"),
    of(Query, READER, "GET", "/api/v1/accounts/{id}/results"),
    of(Query, READER, "GET", "/api/v1/accounts/{id}/curve"),
    of(Query, READER, "GET", "/api/v1/accounts/{id}/rhythm"),
    of(Journal, READER, "GET", "/api/v1/accounts"),
    of(Journal, ADMIN, "PUT", "/api/v1/accounts/{id}"),
    of(Journal, ADMIN, "DELETE", "/api/v1/accounts/{id}"),
    of(Journal, ADMIN, "POST", "/api/v1/accounts/{id}/import"),
    of(Journal, ADMIN, "POST", "/api/v1/accounts/{id}/resume"),
    of(Journal, ADMIN, "POST", "/api/v1/journal/analyze"),
    of(Ingest, Needs::Ingest, "POST", "/api/v1/ingest/{source}"),
    of(Ingest, Needs::Ingest, "POST", "/api/v1/ingest/{source}/upload"),
    of(Ingest, Needs::Ingest, "POST", "/api/v1/events"),
    of(Ingest, Signed, "POST", "/api/v1/webhooks/{provider}"),
];

/// Whether there is a route of this path, whatever its method.
pub(crate) fn is_known(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path)
}

/// What a route asks; none for one that nobody may call.
pub(crate) fn needs(method: &str, path: &str) -> Option<Needs> {
    let method = if method == "HEAD" { "GET" } else { method };
    let route = ROUTES.iter().find(|route| route.method == method && route.path == path);
    route.map(|route| route.needs)
}
