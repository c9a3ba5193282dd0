//! The OpenAPI document, from the routes' own code, and a page that people read it on.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use cauce_access::Needs;
use cauce_query::Format;
use serde_json::Value;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        self, ContentBuilder, HeaderBuilder, Ref, RefOr, ResponseBuilder,
        path::{Operation, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    access::needs,
    problem::{CODES, Problem},
    rows::{
        AccountResult, Advertiser, CurvePoint, DepthLevel, LatestSnapshot, Liquidity, Offer, OfferChange,
        Opportunity, PaymentEventRow, Position, PriceAt, PriceBucket, QualityCheck, RequestError, RhythmPart,
        Run, SeenMarket, Snapshot, SpreadBucket, Time, Trade, TradeFigures,
    },
};

/// What every table says beside its rows.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes answers, and none is ever made")]
pub(crate) struct About {
    /// Time of the newest row; none if there is no row.
    newest_at: Option<Time>,
    /// Every snapshot behind the rows brought all that its venue announced; none where the rows don't say.
    is_complete: Option<bool>,
    /// Buckets without a snapshot; none where there are no buckets that could be.
    gaps: Option<u64>,
    /// What each column is.
    definitions: BTreeMap<String, String>,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $list:ident: $row:ty $(, $member:ident: $kind:ty)* })+) => { $(
        $(#[$doc])*
        #[derive(ToSchema)]
        #[allow(dead_code, reason = "it describes answers, and none is ever made")]
        pub(crate) struct $name {
            #[serde(flatten)]
            about: About,
            $list: Vec<$row>,
            $($member: $kind,)*
        }
    )+ };
}

tables! {
    /// Markets that have been seen.
    MarketsAnswer { markets: SeenMarket }
    /// A price history.
    PriceHistory { buckets: PriceBucket, interval: String, since: Time, until: Time, answered_from: String }
    /// A pair's spread.
    SpreadAnswer { buckets: SpreadBucket }
    /// Newest snapshots with their offers.
    LatestAnswer { markets: LatestSnapshot, at: Time }
    /// Offers that can be taken.
    OffersAnswer { offers: Offer, at: Time }
    /// A depth curve.
    DepthAnswer { levels: DepthLevel, at: Time }
    /// What stands in the first ten offers.
    LiquidityAnswer { markets: Liquidity, at: Time }
    /// Best offers at an amount.
    PriceAnswer { prices: PriceAt, at: Time }
    /// Opportunities.
    ArbitrageAnswer { opportunities: Opportunity, at: Time }
    /// Snapshots that were taken.
    SnapshotsAnswer { snapshots: Snapshot, next: Option<String> }
    /// What happened to offers.
    ChangesAnswer { changes: OfferChange, next: Option<String> }
    /// Advertisers.
    AdvertisersAnswer { advertisers: Advertiser, next: Option<String> }
    /// Checks of snapshots, and the markets that fell silent.
    QualityAnswer { checks: QualityCheck, next: Option<String>, silent_markets: Vec<Value>, freshness_seconds: i64,
                    since: Time }
    /// Runs.
    RunsAnswer { runs: Run, next: Option<String> }
    /// Payment events.
    EventsAnswer { events: PaymentEventRow, next: Option<String> }
    /// Requests that failed.
    ErrorsAnswer { errors: RequestError, next: Option<String> }
    /// Fills of an account.
    TradesAnswer { trades: Trade, next: Option<String> }
    /// What an account closed.
    PositionsAnswer { positions: Position, next: Option<String> }
    /// What an account's positions add up to.
    FiguresAnswer { stats: TradeFigures, next: Option<String> }
    /// What became of an account's imports.
    AccountResultsAnswer { results: AccountResult, next: Option<String> }
    /// What an account had made after each close.
    CurveAnswer { points: CurvePoint }
    /// What an account makes by hour or weekday.
    RhythmAnswer { parts: RhythmPart }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cauce",
        description = "What the market pays, how the collectors are, and what was paid: a lake's answers over HTTP. \
                       Decimals are text. Times are UTC. Tables come as JSON, NDJSON, CSV, Parquet or Arrow, by the \
                       header Accept or the parameter format. Errors are problem details (RFC 9457) with a code that \
                       does not change."
    ),
    components(schemas(Problem)),
    tags(
        (name = "market", description = "What the market pays: now, and through time"),
        (name = "quality", description = "Whether what was collected can be trusted"),
        (name = "runs", description = "What the collectors did"),
        (name = "sql", description = "Asking in SQL"),
        (name = "payments", description = "What payment providers say, and how payments go"),
        (name = "trades", description = "Accounts at brokers: their trades, positions and figures"),
        (name = "health", description = "Whether the parts answer"),
        (name = "intake", description = "Pushing what was collected elsewhere"),
        (name = "access", description = "Logging in; users and keys"),
        (name = "admin", description = "For those who run it"),
    )
)]
struct Document;

/// The document over the routes of all groups.
pub(crate) fn document(groups: impl IntoIterator<Item = openapi::OpenApi>) -> openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    for group in groups {
        document.merge(group);
    }
    for (address, path) in &mut document.paths.paths {
        let operations = [
            ("GET", &mut path.get),
            ("POST", &mut path.post),
            ("PATCH", &mut path.patch),
            ("DELETE", &mut path.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                guard(operation, needs(method, address));
                complete(operation);
            }
        }
    }
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert(
        "key".to_owned(),
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Api-Key"))).into(),
    );
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    schemes.insert("token".to_owned(), SecurityScheme::Http(token).into());
    document
}

/// Says who may call it, and what others are told.
fn guard(operation: &mut Operation, needs: Option<Needs>) {
    let needs = match needs {
        None | Some(Needs::Nothing) => {
            operation.security = Some(Vec::new());
            return;
        }
        Some(needs) => needs,
    };
    let either = ["key", "token"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
    let mut ways = either.to_vec();
    if matches!(needs, Needs::Market | Needs::Anybody) {
        ways.push(SecurityRequirement::default());
    }
    operation.security = Some(ways);
    let described = operation.description.take().map_or_else(String::new, |words| words + "\n\n");
    operation.description = Some(format!("{described}Needs {needs}."));
    let refusals = [
        ("401", "It is not known who asks"),
        ("403", "Who asks may not"),
        ("429", "Who asks does so too often; Retry-After says how many seconds to wait"),
    ];
    for (status, description) in refusals {
        problem(operation, status, description);
    }
}

fn problem(operation: &mut Operation, status: &str, description: &str) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let problem =
        ResponseBuilder::new().description(description).content("application/problem+json", content);
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem.build().into());
}

/// What follows from what a route is: other forms of a table, and the errors that any route may answer.
fn complete(operation: &mut Operation) {
    let parameters = operation.parameters.iter().flatten();
    let parameters: Vec<_> = parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .collect();
    let is_table = parameters.iter().any(|parameter| parameter.name == "format");
    let takes_query = parameters.iter().any(|parameter| parameter.parameter_in == ParameterIn::Query);
    let responses = &mut operation.responses.responses;
    if is_table {
        if let Some(RefOr::T(table)) = responses.get_mut("200") {
            for format in Format::ALL.into_iter().skip(1) {
                table.content.insert(format.media_type().to_owned(), ContentBuilder::new().build().into());
            }
            let tag = HeaderBuilder::new().description(Some("Changes when the answer does")).build();
            table.headers.insert("ETag".to_owned(), tag.into());
        }
        let known =
            ResponseBuilder::new().description("Who asks has this answer: its tag was in If-None-Match");
        responses.insert("304".to_owned(), known.build().into());
        let elsewhere =
            ResponseBuilder::new().description("The answer is large: it is at the address in Location");
        responses.insert("303".to_owned(), elsewhere.build().into());
    }
    if takes_query {
        problem(operation, "400", "A parameter is missing, unknown or not of its form");
    }
    if is_table {
        problem(operation, "406", "No form that is accepted can be given");
    }
    problem(operation, "default", "Why there is no answer");
}

/// The document, and the page on which it can be read. It is made when it is asked for first.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    static JSON: LazyLock<String> = LazyLock::new(|| crate::openapi().to_json().unwrap_or_default());
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()) };
    Router::new().route("/api/v1/openapi.json", get(document)).route("/api/v1/docs", get(page))
}

async fn page() -> impl IntoResponse {
    (crate::page::HTML, PAGE.as_str())
}

/// The reference page shows the document by a script of its own; problems are explained without one.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let problem = |(code, status, title): &(&str, axum::http::StatusCode, &str)| {
        format!(
            "<dt id=\"{code}\"><code>{code}</code> <span class=\"note\">{}</span></dt><dd>{title}</dd>",
            status.as_u16()
        )
    };
    let problems: String = CODES.iter().map(problem).collect();
    include_str!("page/docs.html").replace("<!-- problems -->", &problems)
});
