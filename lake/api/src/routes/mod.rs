//! Routes, by group.

#[cfg(feature = "lake")]
mod admin;
#[cfg(feature = "lake")]
mod health;
mod intake;
#[cfg(feature = "lake")]
mod market;
#[cfg(feature = "lake")]
mod quality;
#[cfg(feature = "lake")]
mod runs;

use axum::{
    http::Uri,
    response::{IntoResponse, Response},
};
pub use intake::Push;
pub(crate) use intake::routes as intake;
#[cfg(feature = "lake")]
pub(crate) use lake::*;

use crate::ApiError;

#[cfg(feature = "lake")]
mod lake {
    use std::sync::Arc;

    use axum::Json;

    pub(crate) use super::{
        admin::routes as admin,
        health::routes as health,
        market::routes as market,
        quality::routes as quality,
        runs::{by_hand_routes as by_hand, routes as runs},
    };
    use crate::{Api, ApiError};

    /// What every handler gets.
    pub(crate) type Shared = axum::extract::State<Arc<Api>>;

    /// The pairs of a query string, in the order in which they were given.
    pub(crate) type Pairs = axum::extract::Query<Vec<(String, String)>>;

    /// What every handler answers.
    pub(crate) type Answer<T> = Result<Json<T>, ApiError>;
}

pub(crate) async fn not_found(uri: Uri) -> Response {
    ApiError::NotFound { message: format!("there is no route {}", uri.path()) }.into_response()
}
