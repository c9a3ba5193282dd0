//! Accounts at brokers, and importing their trades.
//!
//! | | |
//! |---|---|
//! | `GET /api/v1/accounts` | all of them |
//! | `PUT /api/v1/accounts/{id}`, `DELETE` | makes, changes or forgets one that the configuration does not have |
//! | `POST /api/v1/accounts/{id}/import` | a file: what would be done with `dry_run=true`, and else done |
//! | `POST /api/v1/accounts/{id}/resume` | asks it again after its key was refused |
//! | `POST /api/v1/journal/analyze` | brings trades, positions and figures up to date now |

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use cauce_importer::{ImportError, Importer};
use cauce_ledger::{AccountBook, Ledger, Pause};
use cauce_maintain::{Maintainer, Rebuild};
use cauce_model::{Account, AccountId};
use cauce_protocols::brokers;
use cauce_tables::Planner;
use cauce_world::{ConfigError, KnownAccounts, World};
use chrono::Utc;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::intake::{name, refused, whole_of};
use crate::{ApiError, bad, internal, problem::Problem};

/// What the routes of accounts work with.
#[derive(Debug, Clone)]
pub struct Journal {
    /// Accounts.
    pub accounts: KnownAccounts,
    /// Where those are that were made here.
    pub ledger: Arc<dyn Ledger>,
    /// Imports files.
    pub importer: Importer,
    /// Makes the journal.
    pub maintainer: Maintainer,
    /// Bytes of a file at most.
    pub largest_body: usize,
}

impl Journal {
    /// Of the world's lake; `planner` keeps the footers that it reads.
    pub fn new(world: &World, planner: Planner, largest_body: usize) -> Result<Self, ConfigError> {
        Ok(Self {
            accounts: world.accounts(),
            ledger: Arc::clone(&world.ledger),
            importer: world.importer(planner.clone()),
            maintainer: Maintainer::new(Arc::clone(&world.store), planner, world.config.maintenance()?),
            largest_body,
        })
    }

    async fn account(&self, id: &str) -> Result<Account, ApiError> {
        let id = account_id(id)?;
        let found = self.accounts.get(&id).await.map_err(internal)?;
        let message = format!("there is no account '{id}'; PUT /api/v1/accounts/{id} makes it");
        found.ok_or(ApiError::NotFound { message })
    }
}

type Keeping = State<Arc<Journal>>;

pub(crate) fn routes() -> OpenApiRouter<Arc<Journal>> {
    OpenApiRouter::new()
        .routes(routes!(accounts))
        .routes(routes!(put_account, forget_account))
        .routes(routes!(import))
        .routes(routes!(resume))
        .routes(routes!(analyze))
        // The route counts by itself, so that its answer can say what to do instead.
        .layer(DefaultBodyLimit::disable())
}

/// The id of an account, as the path has it.
pub(super) fn account_id(id: &str) -> Result<AccountId, ApiError> {
    let wrong = |error: cauce_model::BadValue| ApiError::Unprocessable { message: error.to_string() };
    id.parse().map_err(wrong)
}

/// Accounts at brokers: what is known of each, whether the configuration has it, and why it is paused, if it is.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "trades",
               responses((status = 200, body = Object, description = "accounts; layouts: all formats of files; connectors: whom accounts can be fetched from")))]
async fn accounts(State(journal): Keeping) -> Result<Json<Value>, ApiError> {
    let paused = Pause::all(&*journal.ledger).await.map_err(internal)?;
    let accounts = journal.accounts.all().await.map_err(internal)?;
    let rows = accounts.values().map(|account| {
        let mut row = json!(account);
        row["is_configured"] = journal.accounts.is_configured(&account.id).into();
        let pause = paused.iter().find(|pause| pause.account_id == account.id);
        row["paused"] = json!(pause);
        row
    });
    let layouts = brokers::all().iter().map(|layout| layout.about());
    let layouts: Vec<Value> = layouts
        .map(|about| json!({ "name": about.name, "broker": about.broker, "title": about.title }))
        .collect();
    let connectors: Vec<&str> = brokers::connectors().iter().map(|connector| connector.name()).collect();
    Ok(Json(json!({ "accounts": rows.collect::<Vec<_>>(), "layouts": layouts, "connectors": connectors })))
}

/// Makes an account, or changes all that is said of it.
#[utoipa::path(put, path = "/api/v1/accounts/{id}", tag = "trades",
               params(("id" = String, Path, description = "Small letters, digits, - and _", example = "binance-main")),
               request_body(content = Object, description = "owner, broker, starting_balance (text), trading_days (always or \
                            weekdays), enabled, group, and files: time_zone, layout, symbol, currency, date_order, \
                            broker_account, contract_sizes, columns, time_format, decimal_comma; and fetch: from (connectors), key and secret (where they are: env:NAME, ssm:NAME, \
                            secretsmanager:NAME#MEMBER), symbols"),
               responses((status = 200, body = Object, description = "The account"),
                         (status = 201, body = Object, description = "The account, which is new"),
                         (status = 409, body = Problem, content_type = "application/problem+json",
                          description = "The configuration has it, and alone can change it"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn put_account(
    State(journal): Keeping,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Account>), ApiError> {
    let id = account_id(&id)?;
    changeable(&journal, &id)?;
    let wrong = |message: String| ApiError::Unprocessable { message };
    let mut said: Value = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    let Some(members) = said.as_object_mut() else {
        return Err(wrong("an account is a JSON object".to_owned()));
    };
    members.insert("id".to_owned(), json!(id));
    let account: Account = serde_json::from_value(said).map_err(|error| wrong(error.to_string()))?;
    brokers::check(&account).map_err(wrong)?;
    let is_new = AccountBook::put(&*journal.ledger, &account).await.map_err(internal)?;
    tracing::info!(account = %account.id, is_new, "account changed");
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(account)))
}

fn changeable(journal: &Journal, id: &AccountId) -> Result<(), ApiError> {
    match journal.accounts.is_configured(id) {
        false => Ok(()),
        true => Err(ApiError::Conflict {
            message: format!("the account '{id}' is in the configuration, and is changed there"),
        }),
    }
}

/// Forgets an account. Its trades stay in the lake.
#[utoipa::path(delete, path = "/api/v1/accounts/{id}", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main")),
               responses((status = 204, description = "It is forgotten"),
                         (status = 404, body = Problem, content_type = "application/problem+json"),
                         (status = 409, body = Problem, content_type = "application/problem+json",
                          description = "The configuration has it, and alone can change it")))]
async fn forget_account(State(journal): Keeping, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id = account_id(&id)?;
    changeable(&journal, &id)?;
    match AccountBook::remove(&*journal.ledger, &id).await.map_err(internal)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::NotFound { message: format!("there is no account '{id}'") }),
    }
}

/// Imports a file of trades: export of a broker, page of MetaTrader, table of one's own. Each row is answered as new, duplicate,
/// skipped or error, with why; with dry_run=true nothing is kept. Its trades are in the lake when it is normalized, and its
/// figures when that is analyzed.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/import", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main"),
                      ("dry_run" = Option<bool>, Query, description = "true: only say what would be done"),
                      ("cauce-file" = Option<String>, Header, description = "What the file is called")),
               request_body(content = String, description = "The file", content_type = "application/octet-stream"),
               responses((status = 200, body = Object, description = "What would be done: layout, new, duplicates, skipped, \
                          errors, rows"),
                         (status = 201, body = Object, description = "The same, and raw_id and run_id: it is done"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 403, body = Problem, content_type = "application/problem+json"),
                         (status = 404, body = Problem, content_type = "application/problem+json"),
                         (status = 413, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "Nothing in it can be read; nothing was kept")))]
async fn import(
    State(journal): Keeping,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let dry_run = match query.as_deref() {
        None | Some("" | "dry_run=false") => false,
        Some("dry_run=true") => true,
        Some(other) => {
            return Err(bad("dry_run", Some(other.to_owned()), "can't be read", "dry_run=true, or nothing"));
        }
    };
    let account = journal.account(&id).await?;
    let instead = "split it, or use cauce import where the lake is";
    let bytes = whole_of(journal.largest_body, instead, &headers, body).await?;
    let name = name(&headers).unwrap_or_else(|| "file".to_owned());
    let now = Utc::now();
    if dry_run {
        let tried = journal.importer.try_file(&account, &name, &bytes, now).await.map_err(not_imported)?;
        return Ok((StatusCode::OK, Json(json!(tried))));
    }
    let imported = journal.importer.import_file(&account, &name, &bytes, now).await.map_err(not_imported)?;
    Ok((StatusCode::CREATED, Json(json!(imported))))
}

fn not_imported(error: ImportError) -> ApiError {
    match error {
        ImportError::Unreadable { .. } => ApiError::Unprocessable { message: error.to_string() },
        ImportError::Intake(error) => refused(error),
        other => internal(other),
    }
}

/// Lets an account be asked again that is paused because its key was refused.
#[utoipa::path(post, path = "/api/v1/accounts/{id}/resume", tag = "trades",
               params(("id" = String, Path, description = "The account", example = "binance-main")),
               responses((status = 204, description = "It is asked again"),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn resume(State(journal): Keeping, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id = journal.account(&id).await?.id;
    match Pause::lift(&*journal.ledger, &id).await.map_err(internal)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::NotFound { message: format!("the account '{id}' is not paused") }),
    }
}

/// Brings trades, positions and figures up to date now, and not with the next schedule.
#[utoipa::path(post, path = "/api/v1/journal/analyze", tag = "trades",
               responses((status = 200, body = Object, description = "objects: what was made again")))]
async fn analyze(State(journal): Keeping) -> Result<Json<Value>, ApiError> {
    let accounts = journal.accounts.all().await.map_err(internal)?;
    let made = journal.maintainer.analyze(&accounts, Rebuild::Stale).await.map_err(internal)?;
    Ok(Json(json!({ "objects": made })))
}
