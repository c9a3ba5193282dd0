//! What workers elsewhere push: kept verbatim as a raw object, and normalized like what was fetched here.
//!
//! | | |
//! |---|---|
//! | `POST /api/v1/ingest/{source}` | the body, whatever it is; 202 with the raw object |
//! | `POST /api/v1/ingest/{source}/upload` | 201 with a link for one `PUT` of what is too large for a request |

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
};
use cauce_access::Caller;
use cauce_intake::{Brought, Intake, IntakeError};
use cauce_ledger::Ledger;
use cauce_raw::Links;
use cauce_sources::{HttpTransport, Transport};
use cauce_world::{World, WorldError};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Certificates, Provider};
use crate::{ApiError, bad, internal, problem::Problem};

/// What the pushing routes work with.
#[derive(Debug, Clone)]
pub struct Push {
    /// Keeps what comes.
    pub intake: Intake,
    /// Links for large things, where the lake can give some.
    pub links: Option<Arc<dyn Links>>,
    /// Bytes of a body at most.
    pub largest_body: usize,
    /// Where events are noted.
    pub ledger: Arc<dyn Ledger>,
    /// How providers' webhooks are verified.
    pub providers: BTreeMap<String, Provider>,
    /// By which some of them sign.
    pub certificates: Certificates,
    /// The way to what their webhooks only name.
    pub transport: Arc<dyn Transport>,
    /// A model is asked about events that no rule knows.
    pub asks_model: bool,
}

impl Push {
    /// Into the world's lake.
    pub async fn new(world: &World, largest_body: usize) -> Result<Self, WorldError> {
        let transport: Arc<dyn Transport> = Arc::new(HttpTransport::new());
        let mut providers = BTreeMap::new();
        for (name, section) in world.config.providers.iter() {
            let secrets = world.reveal_all(section.secrets.iter()).await?;
            let api_key = world.reveal_all(&section.api_key).await?.pop();
            let (url, api) = (section.url.clone(), section.api.clone());
            providers.insert(name.to_owned(), Provider { secrets, url, api_key, api });
        }
        Ok(Self {
            intake: world.intake(),
            links: world.links.clone(),
            largest_body,
            ledger: Arc::clone(&world.ledger),
            providers,
            certificates: Certificates::by(Arc::clone(&transport)),
            transport,
            asks_model: world.config.model.is_on(),
        })
    }

    /// What a request to a function may bring: 6 MB as AWS counts, with the body in base64.
    pub const LARGEST_ON_AWS: usize = 4 << 20;
    /// What one may bring where nothing else sets a limit, so that a few at once fit into memory.
    pub const LARGEST: usize = 64 << 20;
    /// How long a link is good for.
    const LINK: Duration = Duration::from_secs(15 * 60);
}

/// The header that says when the bytes were obtained, RFC 3339.
const FETCHED_AT: &str = "cauce-fetched-at";
/// The header that says what the file is called.
const FILE: &str = "cauce-file";

pub(super) type Pushing = State<Arc<Push>>;

pub(crate) fn routes() -> OpenApiRouter<Arc<Push>> {
    OpenApiRouter::new()
        .routes(routes!(ingest))
        .routes(routes!(upload))
        // The route counts by itself, so that its answer can say what to do instead.
        .layer(DefaultBodyLimit::disable())
}

/// Keeps the body, whatever it is, verbatim; it becomes rows by and by.
#[utoipa::path(post, path = "/api/v1/ingest/{source}", tag = "intake",
               params(("source" = String, Path, description = "Whose format it is", example = "binance_p2p"),
                      ("cauce-fetched-at" = Option<String>, Header, description = "When it was obtained (RFC 3339)"),
                      ("cauce-file" = Option<String>, Header, description = "What the file is called")),
               request_body(content = String, description = "Any bytes", content_type = "application/octet-stream"),
               responses((status = 202, body = Object, description = "It is kept: raw_id, key, new, bytes"),
                         (status = 401, body = Problem, content_type = "application/problem+json"),
                         (status = 403, body = Problem, content_type = "application/problem+json"),
                         (status = 413, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn ingest(
    State(push): Pushing,
    Path(source): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    allowed(&caller, &source)?;
    let fetched_at = fetched_at(&headers, Utc::now())?;
    let bytes = whole(&push, &source, &headers, body).await?;
    let name = name(&headers);
    let brought = Brought { source: &source, name: name.as_deref(), fetched_at, bytes: &bytes };
    let kept = push.intake.keep(&brought).await.map_err(refused)?;
    let answer = json!({ "raw_id": kept.id, "key": kept.id.key(), "new": kept.is_new, "bytes": bytes.len() });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// A link for one PUT of what is too large for a request.
#[utoipa::path(post, path = "/api/v1/ingest/{source}/upload", tag = "intake",
               params(("source" = String, Path, description = "Whose format it is", example = "binance_p2p"),
                      ("cauce-file" = Option<String>, Header, description = "What the file is called")),
               responses((status = 201, body = Object, description = "The link: method, url, expires_at, place"),
                         (status = 401, body = Problem, content_type = "application/problem+json"),
                         (status = 403, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn upload(
    State(push): Pushing,
    Path(source): Path<String>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    allowed(&caller, &source)?;
    let Some(links) = &push.links else {
        let message =
            "this lake is not in a bucket and gives no links; use cauce ingest where it is".to_owned();
        return Err(ApiError::Unprocessable { message });
    };
    let now = Utc::now();
    let place = Intake::place_for(&source, name(&headers).as_deref(), now).map_err(refused)?;
    let url = links.upload(&place, Push::LINK).await.map_err(internal)?;
    let until = now + TimeDelta::from_std(Push::LINK).map_err(internal)?;
    let answer = json!({ "method": "PUT", "url": url, "expires_at": until, "place": place.to_string() });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The guard let a key in, or an administrator; the key's scopes say of which sources.
pub(super) fn allowed(caller: &Caller, source: &str) -> Result<(), ApiError> {
    match caller.may_ingest(source) {
        true => Ok(()),
        false => Err(ApiError::Forbidden {
            message: format!(
                "{} may not push for '{source}'; it lacks the scope ingest:{source}",
                caller.who
            ),
        }),
    }
}

pub(super) async fn whole(
    push: &Push,
    source: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, ApiError> {
    let instead = match push.links {
        Some(_) => format!("POST /api/v1/ingest/{source}/upload gives a link for one PUT of it"),
        None => "split it, or use cauce ingest where the lake is".to_owned(),
    };
    whole_of(push.largest_body, &instead, headers, body).await
}

/// All of a body that is within a limit; else what to do `instead`.
pub(super) async fn whole_of(
    limit: usize,
    instead: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, ApiError> {
    let too_large =
        || ApiError::TooLarge { limit, message: format!("a body has {limit} bytes at most; {instead}") };
    let said: Option<usize> =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|said| said > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(said.unwrap_or(0));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let broken =
            |error| ApiError::Unprocessable { message: format!("the body did not arrive whole: {error}") };
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn fetched_at(headers: &HeaderMap, now: DateTime<Utc>) -> Result<DateTime<Utc>, ApiError> {
    let Some(value) = headers.get(FETCHED_AT) else { return Ok(now) };
    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let allowed = "a time like 2026-03-01T10:20:00Z that is not in the future";
    let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    match time {
        Ok(time) if time <= now + TimeDelta::minutes(5) => Ok(time),
        Ok(_) => Err(bad(FETCHED_AT, Some(text), "is in the future", allowed)),
        Err(_) => Err(bad(FETCHED_AT, Some(text), "is no time", allowed)),
    }
}

pub(super) fn name(headers: &HeaderMap) -> Option<String> {
    headers.get(FILE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

pub(super) fn refused(error: IntakeError) -> ApiError {
    match error {
        IntakeError::Raw(error) => internal(error),
        IntakeError::Source(_) | IntakeError::Empty => ApiError::Unprocessable { message: error.to_string() },
    }
}
