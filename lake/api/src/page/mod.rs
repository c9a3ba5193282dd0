//! The page: hand-written, embedded in the binary, without any outside request. The chart library is the one that the
//! crate `plotly` ships.

use std::{
    io::Write,
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use crate::{Api, ApiError};

/// Assets change only with the build.
const CACHED: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=300");
/// Nothing from outside, and no inline script. Plotly sets styles on its elements.
const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// Scripts and styles, by the name that the page asks for.
const ASSETS: [(&str, &str); 22] = [
    ("api.js", include_str!("api.js")),
    ("app.js", include_str!("app.js")),
    ("chart.js", include_str!("chart.js")),
    ("docs.js", include_str!("docs.js")),
    ("page-accounts.js", include_str!("page-accounts.js")),
    ("page-arbitrage.js", include_str!("page-arbitrage.js")),
    ("page-events.js", include_str!("page-events.js")),
    ("page-keys.js", include_str!("page-keys.js")),
    ("page-login.js", include_str!("page-login.js")),
    ("page-market.js", include_str!("page-market.js")),
    ("page-overview.js", include_str!("page-overview.js")),
    ("page-payment.js", include_str!("page-payment.js")),
    ("page-payments.js", include_str!("page-payments.js")),
    ("page-quality.js", include_str!("page-quality.js")),
    ("page-runs.js", include_str!("page-runs.js")),
    ("page-sql.js", include_str!("page-sql.js")),
    ("page-trades.js", include_str!("page-trades.js")),
    ("parts-payment.js", include_str!("parts-payment.js")),
    ("parts.js", include_str!("parts.js")),
    ("style.css", include_str!("style.css")),
    ("text.js", include_str!("text.js")),
    ("theme.js", include_str!("theme.js")),
];

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/", get(index)).route("/assets/{file}", get(asset))
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let kind =
        if file.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    let about = [(header::CONTENT_TYPE, kind), CACHED];
    if file == "plotly.js" {
        let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok());
        let takes_gzip =
            accepted.is_some_and(|accepted| accepted.split([',', ';']).any(|one| one.trim() == "gzip"));
        return Ok(match takes_gzip {
            true => (about, [(header::CONTENT_ENCODING, "gzip")], PLOTLY_COMPRESSED.clone()).into_response(),
            false => (about, PLOTLY.as_str()).into_response(),
        });
    }
    let found = ASSETS.into_iter().find(|(name, _)| *name == file);
    let (_, text) =
        found.ok_or_else(|| ApiError::NotFound { message: format!("there is no asset '{file}'") })?;
    Ok((about, text).into_response())
}

/// What a page says of itself.
pub(crate) const HTML: [(HeaderName, &str); 2] = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), POLICY];

async fn index() -> impl IntoResponse {
    (HTML, include_str!("index.html"))
}

/// The crate gives its scripts as HTML; the first of them is the library.
static PLOTLY: LazyLock<String> = LazyLock::new(|| {
    let html = plotly::Plot::offline_js_sources();
    let script = html.split_once('>').and_then(|(_, rest)| rest.split_once("</script>"));
    script.map(|(script, _)| script.to_owned()).unwrap_or_default()
});

/// Some megabytes, so compressed once and not for every answer.
static PLOTLY_COMPRESSED: LazyLock<Bytes> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(PLOTLY.as_bytes()).and_then(|()| encoder.finish());
    // Into memory, which does not fail.
    Bytes::from(written.unwrap_or_default())
});
