//! Routes, by group.

mod admin;
mod health;
mod market;
mod quality;
mod runs;

use std::sync::Arc;

use axum::{
    Json,
    http::Uri,
    response::{IntoResponse, Response},
};

pub(crate) use admin::routes as admin;
pub(crate) use health::routes as health;
pub(crate) use market::routes as market;
pub(crate) use quality::routes as quality;
pub(crate) use runs::routes as runs;

use crate::{Api, ApiError};

/// What every handler gets.
pub(crate) type Shared = axum::extract::State<Arc<Api>>;

/// The pairs of a query string, in the order in which they were given.
pub(crate) type Pairs = axum::extract::Query<Vec<(String, String)>>;

/// What every handler answers.
pub(crate) type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) async fn not_found(uri: Uri) -> Response {
    ApiError::NotFound { message: format!("there is no route {}", uri.path()) }.into_response()
}
