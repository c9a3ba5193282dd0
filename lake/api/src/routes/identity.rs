//! Users, keys, tokens. Passwords and secrets come in and go out once, and are never in the log.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode, header},
};
use cauce_access::{ApiKeys, Caller, Gate, KeyTerms, Password, Role, Scope, User, UserName, Users, Who};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiError, internal, problem::Problem};

type Gated = State<Arc<Gate>>;

pub(crate) fn routes() -> OpenApiRouter<Arc<Gate>> {
    OpenApiRouter::new()
        .routes(routes!(log_in, log_out))
        .routes(routes!(key_set))
        .routes(routes!(me))
        .routes(routes!(users, add_user))
        .routes(routes!(change_user, remove_user))
        .routes(routes!(api_keys, add_api_key))
        .routes(routes!(revoke_api_key))
}

/// What one says to log in.
#[derive(Deserialize, ToSchema)]
struct LogIn {
    /// The user.
    #[schema(example = "ana", max_length = 64)]
    username: String,
    /// The password.
    #[schema(example = "correct horse battery", format = "password", max_length = 1024)]
    password: String,
}

/// A token, and how long it is good for.
#[derive(Serialize, ToSchema)]
struct Token {
    /// Goes into the header Authorization, after "Bearer ".
    access_token: String,
    /// Always Bearer.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that it is good for.
    #[schema(example = 43200)]
    expires_in: i64,
    /// When it ends.
    #[schema(value_type = String, format = "date-time")]
    expires_at: DateTime<Utc>,
    /// Whose it is.
    username: String,
    /// What it may.
    #[schema(value_type = String, example = "analyst")]
    role: Role,
}

/// Log in: a token for a name and a password, as JSON or as a form. Who fails too often has to wait.
#[utoipa::path(post, path = "/admin/token", tag = "access",
               request_body(content((LogIn = "application/json"), (LogIn = "application/x-www-form-urlencoded"))),
               responses((status = 200, body = Token, description = "A token"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 401, body = Problem, content_type = "application/problem+json"),
                         (status = 429, body = Problem, content_type = "application/problem+json",
                          description = "Too many log-ins failed; Retry-After says how many seconds to wait")))]
async fn log_in(
    State(gate): Gated,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<([(header::HeaderName, &'static str); 1], Json<Token>), ApiError> {
    let LogIn { username, password } = read(&headers, &body, "username and password")?;
    let now = Utc::now();
    let address = peer.map(|peer| peer.0.0.ip());
    let (user, issued) = gate.log_in(&username, Password::said(password), address, now).await?;
    tracing::info!(user = %user.name, ?address, "logged in");
    let token = Token {
        access_token: issued.token,
        token_type: "Bearer",
        expires_in: (issued.expires_at - now).num_seconds(),
        expires_at: issued.expires_at,
        username: user.name.to_string(),
        role: user.role,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(token)))
}

/// Log out: the token of this request is no good any more.
#[utoipa::path(delete, path = "/admin/token", tag = "access",
               responses((status = 204, description = "It is no good any more"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "It is not a token of ours")))]
async fn log_out(State(gate): Gated, Extension(caller): Extension<Caller>) -> Result<StatusCode, ApiError> {
    if gate.log_out(&caller, Utc::now()).await.map_err(internal)? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let message = "only a token from POST /admin/token can be given back; a key is revoked, another issuer's token there";
    Err(ApiError::Unprocessable { message: message.to_owned() })
}

/// The keys that tokens are signed by, as a JSON Web Key Set.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "access",
               responses((status = 200, body = Object, description = "RFC 7517")))]
async fn key_set(State(gate): Gated) -> Result<Json<Value>, ApiError> {
    Ok(Json(gate.tokens.key_set().await.map_err(internal)?))
}

/// Who asks, and what it may.
#[utoipa::path(get, path = "/api/v1/me", tag = "access",
               responses((status = 200, body = Object, description = "who, role, scopes; is_open: there is no administrator \
                          yet, and whoever is on this machine is one")))]
async fn me(State(gate): Gated, Extension(caller): Extension<Caller>) -> Result<Json<Value>, ApiError> {
    let kind = match &caller.who {
        Who::Nobody => "nobody",
        Who::Local => "local",
        Who::User(_) => "user",
        Who::Key(_) => "key",
        Who::External(_) => "external",
    };
    let name = match &caller.who {
        Who::User(name) => Some(name.to_string()),
        Who::Key(key) => Some(key.name.clone()),
        Who::External(subject) => Some(subject.clone()),
        Who::Nobody | Who::Local => None,
    };
    let scopes = match &caller.who {
        Who::Key(key) => key.scopes.clone(),
        _ => Vec::new(),
    };
    Ok(Json(json!({
        "kind": kind, "name": name, "role": caller.role, "scopes": scopes,
        "is_open": caller.who == Who::Local, "is_market_public": gate.is_market_public(),
    })))
}

/// All users.
#[utoipa::path(get, path = "/admin/users", tag = "access",
               responses((status = 200, body = Object, description = "users: username, role, created_at, disabled_at")))]
async fn users(State(gate): Gated) -> Result<Json<Value>, ApiError> {
    let users = Users::all(&*gate.ledger).await.map_err(internal)?;
    Ok(Json(json!({ "users": users.iter().map(User::shown).collect::<Vec<_>>() })))
}

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// 1 to 64 of a-z, 0-9 and . _ - @ +
    #[schema(example = "ana", min_length = 1, max_length = 64)]
    username: String,
    /// 12 characters at least.
    #[schema(example = "correct horse battery", format = "password", min_length = 12, max_length = 1024)]
    password: String,
    /// reader, analyst or admin.
    #[schema(example = "analyst")]
    role: String,
}

/// Make a user.
#[utoipa::path(post, path = "/admin/users", tag = "access", request_body = NewUser,
               responses((status = 201, body = Object, description = "The user"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "There is one of this name, or the password is weak")))]
async fn add_user(
    State(gate): Gated,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let NewUser { username, password, role } = read(&headers, &body, "username, password and role")?;
    let name: UserName = username.parse().map_err(unprocessable)?;
    let role: Role = role.parse().map_err(unprocessable)?;
    let password = Password::chosen(password).map_err(unprocessable)?;
    let added =
        Users::add(&*gate.ledger, name.clone(), role, password, Utc::now()).await.map_err(internal)?;
    let Some(user) = added else { return Err(unprocessable(format!("there is a user {name}"))) };
    tracing::info!(by = %caller.who, user = %user.name, %role, "user made");
    Ok((StatusCode::CREATED, Json(user.shown())))
}

/// What changes of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedUser {
    /// Another password; all tokens end.
    #[schema(format = "password", min_length = 12, max_length = 1024)]
    password: Option<String>,
    /// Another role, from the next request on.
    #[schema(example = "reader")]
    role: Option<String>,
    /// Shut out, at once, or let in again.
    disabled: Option<bool>,
}

/// Change a user.
#[utoipa::path(patch, path = "/admin/users/{name}", tag = "access", request_body = ChangedUser,
               params(("name" = String, Path, description = "The user", example = "ana")),
               responses((status = 200, body = Object, description = "The user"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 404, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "It is the last administrator, or the password is weak")))]
async fn change_user(
    State(gate): Gated,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let ChangedUser { password, role, disabled } = read(&headers, &body, "password, role or disabled")?;
    let (ledger, now) = (&*gate.ledger, Utc::now());
    let mut user = known(&gate, &name).await?;
    let role: Option<Role> = role.map(|role| role.parse()).transpose().map_err(unprocessable)?;
    let password = password.map(Password::chosen).transpose().map_err(unprocessable)?;
    if role.is_some_and(|role| role != Role::Admin) || disabled == Some(true) {
        not_the_last(&gate, &user).await?;
    }
    let missing = || no_user(&name);
    if let Some(role) = role {
        user = Users::set_role(ledger, &user.name, role, now).await.map_err(internal)?.ok_or_else(missing)?;
    }
    if let Some(password) = password {
        user =
            Users::set_password(ledger, &user.name, password).await.map_err(internal)?.ok_or_else(missing)?;
    }
    if let Some(disabled) = disabled {
        let since = disabled.then_some(now);
        user = Users::set_disabled(ledger, &user.name, since).await.map_err(internal)?.ok_or_else(missing)?;
    }
    tracing::info!(by = %caller.who, user = %user.name, role = %user.role, ?disabled, "user changed");
    Ok(Json(user.shown()))
}

/// Delete a user. All its tokens end.
#[utoipa::path(delete, path = "/admin/users/{name}", tag = "access",
               params(("name" = String, Path, description = "The user", example = "ana")),
               responses((status = 204, description = "It is gone"),
                         (status = 404, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json",
                          description = "It is the last administrator")))]
async fn remove_user(
    State(gate): Gated,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let user = known(&gate, &name).await?;
    not_the_last(&gate, &user).await?;
    Users::remove(&*gate.ledger, &user.name).await.map_err(internal)?;
    tracing::info!(by = %caller.who, user = %user.name, "user deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// All API keys, without their secrets.
#[utoipa::path(get, path = "/admin/api-keys", tag = "access",
               responses((status = 200, body = Object,
                          description = "keys: id, name, scopes, created_at, expires_at, revoked_at, last_used_at")))]
async fn api_keys(State(gate): Gated) -> Result<Json<Value>, ApiError> {
    let mut keys = Vec::new();
    for key in ApiKeys::all(&*gate.ledger).await.map_err(internal)? {
        let last_used_at = ApiKeys::last_used_at(&*gate.ledger, &key).await.map_err(internal)?;
        let mut shown = key.shown();
        shown["last_used_at"] = json!(last_used_at);
        keys.push(shown);
    }
    Ok(Json(json!({ "keys": keys })))
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// Who has it.
    #[schema(example = "worker in Caracas", min_length = 1, max_length = 100)]
    name: String,
    /// What it is good for: ingest, ingest:SOURCE, reader, analyst, admin.
    #[schema(example = json!(["ingest:binance_p2p"]), min_items = 1, max_items = 20)]
    scopes: Vec<String>,
    /// Days until it ends by itself; never if it is not said.
    #[schema(minimum = 1, maximum = 3650, example = 90)]
    expires_in_days: Option<u16>,
    /// Requests a minute that it may make; as many as is configured for all if it is not said.
    #[serde(default)]
    #[schema(minimum = 1, example = 600)]
    per_minute: Option<u32>,
}

/// Make an API key. Its text is in this answer, and nowhere else.
#[utoipa::path(post, path = "/admin/api-keys", tag = "access", request_body = NewKey,
               responses((status = 201, body = Object, description = "The key; key is its text, shown this once"),
                         (status = 400, body = Problem, content_type = "application/problem+json"),
                         (status = 422, body = Problem, content_type = "application/problem+json")))]
async fn add_api_key(
    State(gate): Gated,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, [(header::HeaderName, &'static str); 1], Json<Value>), ApiError> {
    let fields = "name, scopes, expires_in_days and per_minute";
    let NewKey { name, scopes, expires_in_days, per_minute } = read(&headers, &body, fields)?;
    if per_minute == Some(0) {
        return Err(unprocessable("per_minute is 1 or more"));
    }
    if !(1..=100).contains(&name.chars().count()) || !(1..=20).contains(&scopes.len()) {
        return Err(unprocessable("a key has a name of 1 to 100 characters, and 1 to 20 scopes"));
    }
    let scopes: Vec<Scope> =
        scopes.iter().map(|scope| scope.parse()).collect::<Result<_, _>>().map_err(unprocessable)?;
    let days = expires_in_days.map(i64::from);
    if days.is_some_and(|days| !(1..=3_650).contains(&days)) {
        return Err(unprocessable("expires_in_days is from 1 to 3650"));
    }
    let now = Utc::now();
    let terms = KeyTerms { scopes, expires_at: days.map(|days| now + TimeDelta::days(days)), per_minute };
    let (key, text) = ApiKeys::add(&*gate.ledger, &name, terms, now).await.map_err(internal)?;
    tracing::info!(by = %caller.who, key = key.id, name, "key made");
    let mut answer = key.shown();
    answer["key"] = text.into();
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)))
}

/// Take an API key back.
#[utoipa::path(delete, path = "/admin/api-keys/{id}", tag = "access",
               params(("id" = String, Path, description = "The key's id", example = "0123456789abcdef")),
               responses((status = 204, description = "It is no good any more"),
                         (status = 404, body = Problem, content_type = "application/problem+json")))]
async fn revoke_api_key(
    State(gate): Gated,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !ApiKeys::revoke(&*gate.ledger, &id, Utc::now()).await.map_err(internal)? {
        return Err(ApiError::NotFound { message: format!("there is no key '{id}'") });
    }
    tracing::info!(by = %caller.who, key = id, "key revoked");
    Ok(StatusCode::NO_CONTENT)
}

/// A body in JSON or, if it says so, a form.
fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8], allowed: &str) -> Result<T, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let read = match kind.starts_with("application/x-www-form-urlencoded") {
        true => serde_urlencoded::from_bytes(body).map_err(|error| error.to_string()),
        false => serde_json::from_slice(body).map_err(|error| error.to_string()),
    };
    read.map_err(|error| crate::bad("body", None, &format!("can't be read: {error}"), allowed))
}

fn unprocessable(why: impl ToString) -> ApiError {
    ApiError::Unprocessable { message: why.to_string() }
}

fn no_user(name: &str) -> ApiError {
    ApiError::NotFound { message: format!("there is no user '{name}'") }
}

async fn known(gate: &Gate, name: &str) -> Result<User, ApiError> {
    let Ok(name) = name.parse::<UserName>() else { return Err(no_user(name)) };
    let found = Users::get(&*gate.ledger, &name).await.map_err(internal)?;
    found.ok_or_else(|| no_user(name.as_str()))
}

/// Somebody must be left who can make others.
async fn not_the_last(gate: &Gate, user: &User) -> Result<(), ApiError> {
    let all = Users::all(&*gate.ledger).await.map_err(internal)?;
    let is_left =
        |other: &User| other.name != user.name && other.role == Role::Admin && other.disabled_at.is_none();
    match user.role != Role::Admin || all.iter().any(is_left) {
        true => Ok(()),
        false => Err(unprocessable(format!("{} is the last administrator; make another first", user.name))),
    }
}
