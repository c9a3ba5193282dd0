//! The page: hand-written, embedded in the binary, without any outside request. The chart library is the one that the
//! crate `plotly` ships.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::get,
};

use crate::Api;

/// Assets change only with the build.
const CACHED: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");
/// Nothing from outside, and no inline script. Plotly sets styles on its elements.
const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

const JAVASCRIPT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/", get(index))
        .route("/assets/app.js", get(|| async { ([JAVASCRIPT, CACHED], include_str!("app.js")) }))
        .route("/assets/chart.js", get(|| async { ([JAVASCRIPT, CACHED], include_str!("chart.js")) }))
        .route("/assets/plotly.js", get(|| async { ([JAVASCRIPT, CACHED], PLOTLY.as_str()) }))
        .route("/assets/docs.js", get(|| async { ([JAVASCRIPT, CACHED], include_str!("docs.js")) }))
        .route("/assets/style.css", get(style))
}

/// What a page says of itself.
pub(crate) const HTML: [(HeaderName, &str); 2] = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), POLICY];

async fn index() -> impl IntoResponse {
    (HTML, include_str!("index.html"))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), CACHED], include_str!("style.css"))
}

/// The crate gives its scripts as HTML; the first of them is the library.
static PLOTLY: LazyLock<String> = LazyLock::new(|| {
    let html = plotly::Plot::offline_js_sources();
    let script = html.split_once('>').and_then(|(_, rest)| rest.split_once("</script>"));
    script.map(|(script, _)| script.to_owned()).unwrap_or_default()
});
