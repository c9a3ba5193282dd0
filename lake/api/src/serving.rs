use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{self, Next},
    response::Response,
};
use tower_http::{compression::CompressionLayer, trace::TraceLayer};

/// What every answer goes through.
pub(crate) fn layers(routes: Router) -> Router {
    routes
        .layer(middleware::from_fn(counted))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
}

/// Counts requests and times them, by route and not by address: addresses hold ids.
async fn counted(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let labels = [("route", route), ("method", method), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(begun.elapsed().as_secs_f64());
    response
}
