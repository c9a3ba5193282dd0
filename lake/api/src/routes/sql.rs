//! SQL for analysts: one question, its rows as they come. Behind a gateway the whole answer at once, or a link to it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cauce_access::Caller;
use cauce_query::{Format, SqlAnswer, SqlRefused, Streaming};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Shared;
use crate::{
    Api, ApiError,
    answer::format_of,
    bad, internal,
    params::{FormParams, Params},
    problem::Problem,
};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(ask))
}

/// Bytes of an answer that are made before its first is sent: an error within them is a problem with its status, and one
/// after them breaks the answer off.
const BEFORE_FIRST: usize = 256 << 10;
/// Bytes of an answer that is not streamed.
const WHOLE: usize = 128 << 20;

/// A question. The body may also be the SQL itself, as text/plain or application/sql.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// One statement that reads.
    #[schema(example = "SELECT fiat, count(*) AS offers FROM fact_offers GROUP BY 1", max_length = 65536)]
    sql: String,
}

/// Ask in SQL: the lake's tables and views, only to read. Limits on time, memory, rows and questions at once are in the
/// configuration.
#[utoipa::path(post, path = "/api/v1/sql", tag = "sql", params(FormParams),
               request_body(content((Question = "application/json"), (String = "text/plain"), (String = "application/sql"))),
               responses((status = 200, body = Object, description = "columns: name and type of each; rows: an object each"),
                         (status = 303, description = "The answer is large: it is at the address in Location"),
                         (status = 400, body = Problem, content_type = "application/problem+json",
                          description = "It is no question, or does more than read"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "The answer is beyond a limit"),
                         (status = 503, body = Problem, content_type = "application/problem+json",
                          description = "As many ask as may at once")))]
async fn ask(
    State(api): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Params((form,)): Params<(FormParams,)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let format = format_of(&headers, form.format)?;
    let question = question(&headers, &body)?;
    tracing::info!(who = %caller.who, question, "sql");
    let answer = api.analysts.ask(&question).await?;
    let name = HeaderValue::from_static(format.content_type());
    let shared = [
        (header::CONTENT_TYPE, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept, authorization")),
    ];
    let mut chunks = Box::pin(encoded(answer, format)?);
    let most = if api.large.is_some() { WHOLE } else { BEFORE_FIRST };
    let mut begun = Vec::new();
    let mut is_whole = false;
    while begun.len() <= most {
        match chunks.try_next().await? {
            Some(chunk) => begun.extend_from_slice(&chunk),
            None => {
                is_whole = true;
                break;
            }
        }
    }
    let Some(large) = &api.large else {
        // What goes wrong from here on breaks the answer off, and whoever reads it is told by that.
        let first = stream::once(async { Ok(Bytes::from(begun)) });
        let rest = chunks.inspect_err(|error| tracing::warn!(?error, "an answer broke off"));
        let whole = first.chain(rest.map_err(|error| std::io::Error::other(format!("{error:?}"))));
        return Ok((shared, Body::from_stream(whole)).into_response());
    };
    if !is_whole {
        let message =
            format!("the answer has more than {WHOLE} bytes; narrow it, or read the tables themselves");
        return Err(ApiError::Unprocessable { message });
    }
    if begun.len() <= large.from {
        return Ok((shared, begun).into_response());
    }
    let tag = blake3::hash(&begun).to_hex()[..32].to_owned();
    let url = large.put(&tag, format, begun.into()).await.map_err(internal)?;
    let location = HeaderValue::from_str(&url).map_err(internal)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

fn question(headers: &HeaderMap, body: &[u8]) -> Result<String, ApiError> {
    let allowed = "SQL as text/plain, or {\"sql\": \"…\"} as application/json";
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("text/plain") || kind.eq_ignore_ascii_case("application/sql") {
        return String::from_utf8(body.to_vec()).map_err(|_| bad("body", None, "is not UTF-8", allowed));
    }
    let question: Result<Question, _> = serde_json::from_slice(body);
    question
        .map(|question| question.sql)
        .map_err(|error| bad("body", None, &format!("can't be read: {error}"), allowed))
}

/// The answer's bytes, batch by batch. JSON is an object around the rows.
fn encoded(
    answer: SqlAnswer,
    format: Format,
) -> Result<impl Stream<Item = Result<Bytes, ApiError>> + Send, ApiError> {
    let mut writer = Streaming::new(format, Arc::clone(&answer.schema)).map_err(internal)?;
    let begin = writer.begin().map_err(internal)?;
    let state = (Some((answer, writer)), Some(begin));
    Ok(stream::try_unfold(state, |(state, begin)| async move {
        if let Some(begin) = begin {
            return Ok(Some((Bytes::from(begin), (state, None))));
        }
        let Some((mut answer, mut writer)) = state else { return Ok(None) };
        match answer.next().await {
            Some(batch) => {
                let batch: RecordBatch = batch?;
                let bytes = writer.write(&batch).map_err(internal)?;
                Ok(Some((Bytes::from(bytes), (Some((answer, writer)), None))))
            }
            None => Ok(Some((Bytes::from(writer.finish().map_err(internal)?), (None, None)))),
        }
    }))
}

impl From<SqlRefused> for ApiError {
    fn from(refused: SqlRefused) -> Self {
        match refused {
            SqlRefused::Busy { .. } => Self::Busy { message: refused.to_string() },
            SqlRefused::TooLong { .. } | SqlRefused::TooManyRows { .. } | SqlRefused::TooMuchMemory(_) => {
                Self::BeyondLimit { message: refused.to_string() }
            }
            SqlRefused::Query(error) => error.into(),
        }
    }
}
