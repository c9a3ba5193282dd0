use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "lake")]
use axum::{BoxError, error_handling::HandleErrorLayer};
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    middleware::{self, Next},
    response::Response,
};
use tower_http::{
    compression::CompressionLayer,
    cors::{AllowOrigin, CorsLayer},
    trace::TraceLayer,
};

#[cfg(feature = "lake")]
use cauce_telemetry::REQUESTS_SHED;
use cauce_telemetry::{HTTP_DURATION, HTTP_REQUESTS, join};
use cauce_world::{Config, ConfigError};
#[cfg(feature = "lake")]
use tower::{limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer};
use tracing::{Span, field::Empty};

#[cfg(feature = "lake")]
use crate::ApiError;
use crate::access::{Guard, guarded};

/// How answers are served.
#[derive(Debug, Clone, Default)]
pub struct Serving {
    /// Pages of other origins that may ask, such as `https://desk.example`; none if it is empty.
    pub allowed_origins: Vec<HeaderValue>,
}

impl Serving {
    /// As the configuration says.
    pub fn of(config: &Config) -> Result<Self, ConfigError> {
        let origin = |origin: &String| {
            let wrong = || {
                ConfigError::Wrong(format!(
                    "api.allowed_origins: '{origin}' is no origin such as https://desk.example"
                ))
            };
            let is_one =
                origin.split_once("://").is_some_and(|(_, rest)| !rest.is_empty() && !rest.contains('/'));
            HeaderValue::from_str(origin).ok().filter(|_| is_one).ok_or_else(wrong)
        };
        Ok(Self { allowed_origins: config.api.allowed_origins.iter().map(origin).collect::<Result<_, _>>()? })
    }
}

/// What every answer goes through.
pub(crate) fn layers(routes: Router, guard: Guard, serving: &Serving) -> Router {
    let routes = routes
        .layer(middleware::from_fn_with_state(Arc::new(guard), guarded))
        .layer(middleware::from_fn(counted))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(traced).on_failure(()));
    match serving.allowed_origins.is_empty() {
        true => routes,
        false => routes.layer(cross_origin(serving.allowed_origins.clone())),
    }
}

/// Tokens and keys come in headers, and no cookie is ever set: so no credentials, as browsers call them.
fn cross_origin(origins: Vec<HeaderValue>) -> CorsLayer {
    let named =
        |names: &[&'static str]| names.iter().copied().map(HeaderName::from_static).collect::<Vec<_>>();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(named(&["accept", "authorization", "content-type", "if-none-match", "x-api-key"]))
        .expose_headers(named(&[
            "etag",
            "cauce-newest-at",
            "cauce-is-complete",
            "cauce-gaps",
            "cauce-next",
            "retry-after",
        ]))
        .max_age(Duration::from_secs(3_600))
}

/// So many requests at once; the next one is told to come again, which costs nothing, instead of waiting with the others.
#[cfg(feature = "lake")]
pub(crate) fn bounded<S: Clone + Send + Sync + 'static>(routes: Router<S>, at_once: usize) -> Router<S> {
    let layers = tower::ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(at_once));
    routes.layer(layers)
}

#[cfg(feature = "lake")]
async fn overloaded(_: BoxError) -> ApiError {
    REQUESTS_SHED.add(["overloaded"], 1);
    ApiError::Overloaded { message: "more requests than are answered at once".to_owned() }
}

/// The span of a request: by route, as the figures.
fn traced(request: &Request) -> Span {
    let (method, route) = (method(request), route(request));
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        otel.name = format!("{method} {route}"),
        http.route = route,
        http.response.status_code = Empty,
    );
    if let Some(parent) = request.headers().get("traceparent").and_then(|parent| parent.to_str().ok()) {
        join(&span, parent);
    }
    span
}

/// Any word may be sent as a method, and each would be a series of its own.
fn method(request: &Request) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == request.method().as_str()).unwrap_or("other")
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str)
}

/// Counts requests and times them, by route and not by address: addresses hold ids.
async fn counted(request: Request, next: Next) -> Response {
    let route = route(&request).to_owned();
    let method = method(&request).to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    Span::current().record("http.response.status_code", i64::from(status));
    HTTP_DURATION.record([route.clone(), method.clone()], begun.elapsed().as_secs_f64());
    HTTP_REQUESTS.add([route, method, status.to_string()], 1);
    response
}
