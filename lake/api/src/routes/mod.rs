//! Routes, by group.

mod accounts;
#[cfg(feature = "lake")]
mod admin;
#[cfg(feature = "lake")]
mod by_hand;
mod certificates;
mod events;
#[cfg(feature = "lake")]
mod health;
#[cfg(feature = "lake")]
mod identity;
mod intake;
#[cfg(feature = "lake")]
mod lists;
#[cfg(feature = "lake")]
mod live;
#[cfg(feature = "lake")]
mod market;
#[cfg(feature = "lake")]
mod metrics;
mod named;
#[cfg(feature = "lake")]
mod payment_metrics;
#[cfg(feature = "lake")]
mod payments;
#[cfg(feature = "lake")]
mod raw;
#[cfg(feature = "lake")]
mod runs;
#[cfg(feature = "lake")]
mod sql;
#[cfg(feature = "lake")]
mod trades;

pub use accounts::Journal;
pub(crate) use accounts::routes as accounts;
use axum::http::{Method, Uri};
#[cfg(feature = "lake")]
pub use by_hand::Elsewhere;
pub use certificates::Certificates;
pub(crate) use events::routes as events;
pub use intake::Push;
pub(crate) use intake::routes as intake;
#[cfg(feature = "lake")]
pub(crate) use lake::*;
#[cfg(feature = "lake")]
pub use live::Live;
#[cfg(feature = "lake")]
pub use metrics::{Figures, watch_payments};
use named::Provider;

use crate::ApiError;

#[cfg(feature = "lake")]
mod lake {
    use std::sync::Arc;

    use axum::Json;

    pub(crate) use super::{
        admin::routes as admin, by_hand::routes as by_hand, health::routes as health,
        identity::routes as identity, lists::routes as lists, live::routes as live, market::routes as market,
        metrics::routes as metrics, payment_metrics::routes as payment_metrics, payments::routes as payments,
        raw::routes as raw, runs::routes as runs, sql::routes as sql, trades::routes as trades,
    };
    use crate::{Api, ApiError};

    /// What every handler gets.
    pub(crate) type Shared = axum::extract::State<Arc<Api>>;

    /// What a handler answers that is no table.
    pub(crate) type Answer<T> = Result<Json<T>, ApiError>;
}

pub(crate) async fn not_found(uri: Uri) -> ApiError {
    ApiError::NotFound { message: format!("there is no route {}", uri.path()) }
}

pub(crate) async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    ApiError::WrongMethod { message: format!("{method} is not for {}", uri.path()) }
}
