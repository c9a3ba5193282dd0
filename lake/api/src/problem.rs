use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cauce_model::RunId;
#[cfg(feature = "lake")]
use cauce_query::QueryError;
use serde_json::json;

/// Why a request is not answered. Every error is a JSON object with a stable `error`, and a `message` for people.
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
    /// 404: there is no such thing.
    NotFound {
        /// What there is not.
        message: String,
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
    /// 500: it is our fault. The log has the details.
    Internal {
        /// What failed.
        message: String,
    },
}

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
            QueryError::Failed(_) => Self::Internal { message: error.to_string() },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::BadParameter { parameter, value, message, allowed } => (
                StatusCode::BAD_REQUEST,
                json!({ "error": "bad_parameter", "parameter": parameter, "value": value, "message": message,
                        "allowed": allowed }),
            ),
            Self::Unauthorized { message } => {
                let body = json!({ "error": "unauthorized", "message": message });
                let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
                return (StatusCode::UNAUTHORIZED, challenge, Json(body)).into_response();
            }
            Self::Forbidden { message } => {
                (StatusCode::FORBIDDEN, json!({ "error": "forbidden", "message": message }))
            }
            Self::TooLarge { limit, message } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                json!({ "error": "too_large", "limit_bytes": limit, "message": message }),
            ),
            Self::Unprocessable { message } => {
                (StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": "unprocessable", "message": message }))
            }
            Self::NotFound { message } => {
                (StatusCode::NOT_FOUND, json!({ "error": "not_found", "message": message }))
            }
            Self::VenueFailed { run_id, message } => (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "error": "venue_failed", "run_id": run_id, "status": "failed", "message": message }),
            ),
            Self::Busy { message } => {
                (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "busy", "message": message }))
            }
            Self::Internal { message } => {
                tracing::error!(message, "request failed");
                (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": "internal", "message": message }))
            }
        };
        (status, Json(body)).into_response()
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
