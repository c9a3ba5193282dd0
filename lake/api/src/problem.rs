//! Why a request is not answered: problem details (RFC 9457) with a `code` that does not change, and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cauce_model::RunId;
#[cfg(feature = "lake")]
use cauce_query::QueryError;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Why a request is not answered.
#[derive(Debug)]
pub enum ApiError {
    /// 400: a parameter is missing, unknown or not of its form.
    BadParameter {
        /// Which.
        parameter: String,
        /// What was given; none if it is missing.
        value: Option<String>,
        /// What is wrong with it.
        message: String,
        /// What would be right.
        allowed: String,
    },
    /// 401: who asks did not say who it is, or said something that is not true.
    Unauthorized {
        /// What is missing or wrong.
        message: String,
    },
    /// 403: who asks is known, and may not.
    Forbidden {
        /// Why not.
        message: String,
    },
    /// 404: there is no such thing.
    NotFound {
        /// What there is not.
        message: String,
    },
    /// 405: the address is right, and the method is not.
    WrongMethod {
        /// What was tried.
        message: String,
    },
    /// 406: no form that is accepted can be given.
    NotAcceptable {
        /// What was asked for.
        message: String,
        /// What can be given.
        allowed: String,
    },
    /// 409: it is not as the request takes it to be.
    Conflict {
        /// What it is.
        message: String,
    },
    /// 413: more than one request may bring.
    TooLarge {
        /// Bytes at most.
        limit: usize,
        /// What to do instead.
        message: String,
    },
    /// 422: it is understood, and can't be done.
    Unprocessable {
        /// Why not.
        message: String,
    },
    /// 422: the answer is beyond a limit.
    BeyondLimit {
        /// Which.
        message: String,
    },
    /// 429: more than one may ask.
    TooOften {
        /// Of what.
        message: String,
        /// How long to wait.
        seconds: u64,
    },
    /// 503: the venue could not be asked, or not in full. The run says why.
    VenueFailed {
        /// The run.
        run_id: RunId,
        /// What failed.
        message: String,
    },
    /// 503: another is at it; try again.
    Busy {
        /// Who is.
        message: String,
    },
    /// 503: too many ask at once.
    Overloaded {
        /// What there is too little of.
        message: String,
    },
    /// 500: it is our fault. The log has the details.
    Internal {
        /// What failed.
        message: String,
    },
}

/// Problem details (RFC 9457), as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Where the code is explained.
    #[schema(example = "/api/v1/docs#bad_parameter", format = "uri-reference")]
    r#type: String,
    /// What the code means, the same for every such problem.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The problem's name, for programs. It does not change.
    code: &'static str,
    /// What to do.
    action: String,
    /// More facts, by code: `parameter`, `value`, `allowed`, `limit_bytes`, `run_id`, `retry_after_seconds`.
    #[serde(flatten)]
    facts: Map<String, Value>,
}

/// Every code: its status and what it means.
pub(crate) const CODES: [(&str, StatusCode, &str); 15] = [
    ("bad_parameter", StatusCode::BAD_REQUEST, "a parameter is missing, unknown or not of its form"),
    ("unauthorized", StatusCode::UNAUTHORIZED, "who asks is not known"),
    ("forbidden", StatusCode::FORBIDDEN, "who asks may not do this"),
    ("not_found", StatusCode::NOT_FOUND, "there is no such thing"),
    ("wrong_method", StatusCode::METHOD_NOT_ALLOWED, "the address is right, the method is not"),
    ("not_acceptable", StatusCode::NOT_ACCEPTABLE, "no form that is accepted can be given"),
    ("conflict", StatusCode::CONFLICT, "it is not as the request takes it to be"),
    ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "the body is more than one request may bring"),
    ("unprocessable", StatusCode::UNPROCESSABLE_ENTITY, "the request is understood and can't be done"),
    ("beyond_limit", StatusCode::UNPROCESSABLE_ENTITY, "the answer takes more than one may use"),
    ("too_often", StatusCode::TOO_MANY_REQUESTS, "who asks does so too often"),
    ("venue_failed", StatusCode::SERVICE_UNAVAILABLE, "the venue could not be asked"),
    ("busy", StatusCode::SERVICE_UNAVAILABLE, "another is at it"),
    ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "too many ask at once"),
    ("internal", StatusCode::INTERNAL_SERVER_ERROR, "it is our fault"),
];

#[cfg(feature = "lake")]
impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Refused(message) => Self::BadParameter {
                parameter: "query".to_owned(),
                value: None,
                message,
                allowed: "a narrower or corrected question".to_owned(),
            },
            QueryError::NoMemory(_) => Self::Overloaded { message: error.to_string() },
            QueryError::Failed(_) => Self::Internal { message: error.to_string() },
        }
    }
}

/// Our fault.
pub(crate) fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::Internal { message: error.to_string() }
}

impl ApiError {
    /// The code, what is wrong, what to do, and what more is known.
    fn said(self) -> (&'static str, String, String, Value) {
        let again = || "try again in a moment".to_owned();
        match self {
            Self::BadParameter { parameter, value, message, allowed } => {
                let detail = match &value {
                    Some(value) => format!("{parameter} '{value}' {message}"),
                    None => format!("{parameter} {message}"),
                };
                let action = format!("give {parameter} as: {allowed}");
                let facts = json!({ "parameter": parameter, "value": value, "allowed": allowed });
                ("bad_parameter", detail, action, facts)
            }
            Self::Unauthorized { message } => {
                let action = "say who you are by an API key or a token: X-Api-Key, or Authorization: Bearer"
                    .to_owned();
                ("unauthorized", message, action, Value::Null)
            }
            Self::Forbidden { message } => {
                let action = "ask an administrator for a key or a role that may".to_owned();
                ("forbidden", message, action, Value::Null)
            }
            Self::NotFound { message } => {
                ("not_found", message, "see /api/v1/docs for what there is".to_owned(), Value::Null)
            }
            Self::WrongMethod { message } => {
                ("wrong_method", message, "see /api/v1/docs for the right one".to_owned(), Value::Null)
            }
            Self::NotAcceptable { message, allowed } => {
                ("not_acceptable", message, format!("accept one of {allowed}"), json!({ "allowed": allowed }))
            }
            Self::Conflict { message } => (
                "conflict",
                message,
                "look at what is there, and ask for something else".to_owned(),
                Value::Null,
            ),
            Self::TooLarge { limit, message } => {
                ("too_large", message.clone(), message, json!({ "limit_bytes": limit }))
            }
            Self::Unprocessable { message } => (
                "unprocessable",
                message,
                "mend the request; the same again fails again".to_owned(),
                Value::Null,
            ),
            Self::BeyondLimit { message } => (
                "beyond_limit",
                message,
                "ask for less: a shorter time, fewer columns, an aggregate, LIMIT".to_owned(),
                Value::Null,
            ),
            Self::TooOften { message, seconds } => {
                ("too_often", message, format!("wait {seconds} s"), json!({ "retry_after_seconds": seconds }))
            }
            Self::VenueFailed { run_id, message } => {
                let action = format!("see /api/v1/runs/{run_id}, and try again later");
                ("venue_failed", message, action, json!({ "run_id": run_id, "run_status": "failed" }))
            }
            Self::Busy { message } => ("busy", message, again(), Value::Null),
            Self::Overloaded { message } => ("overloaded", message, again(), Value::Null),
            Self::Internal { message } => {
                tracing::error!(message, "request failed");
                ("internal", message, again(), Value::Null)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let wait = match &self {
            Self::TooOften { seconds, .. } => *seconds,
            Self::Overloaded { .. } => 1,
            _ => 5,
        };
        let (code, detail, action, facts) = self.said();
        let (_, status, title) = CODES.into_iter().find(|(name, ..)| *name == code).unwrap_or(CODES[14]);
        let facts = match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        };
        let r#type = format!("/api/v1/docs#{code}");
        let problem = Problem { r#type, title, status: status.as_u16(), detail, code, action, facts };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
            }
            _ => {}
        }
        response
    }
}

/// 400 for one parameter.
pub(crate) fn bad(name: &str, value: Option<String>, message: &str, allowed: &str) -> ApiError {
    ApiError::BadParameter {
        parameter: name.to_owned(),
        value,
        message: message.to_owned(),
        allowed: allowed.to_owned(),
    }
}
