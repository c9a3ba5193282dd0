//! Who may call what: every route with every caller, against the table that docs/access.md shows.
#![cfg(feature = "lake")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use cauce_access::{AccessSettings, ApiKeys, Gate, KeyTerms, Needs, Password, Role, Scope, Users};
use cauce_api::{
    Api, Door, Elsewhere, Figures, Function, Guard, Journal, Push, ROUTES, Route, Serving, admin_routes,
    journal_routes, openapi, push_routes, query_routes, served,
};
use cauce_model::{Market, RunId};
use cauce_query::Lake;
use cauce_tables::Planner;
use cauce_world::{Config, World};
use chrono::{TimeDelta, Utc};
use tower::ServiceExt;

const PASSWORD: &str = "correct horse battery";

/// Nobody is asked here.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Elsewhere for Nowhere {
    async fn start(&self, _: RunId, _: &Market) -> Result<(), String> {
        Ok(())
    }
}

struct Served {
    router: Router,
    gate: Gate,
}

async fn serve(settings: AccessSettings, serving: Serving) -> Served {
    let world = World::open("memory://", Config::example().unwrap()).await.unwrap();
    let gate = Gate::new(Arc::clone(&world.ledger), settings);
    let api = Api {
        elsewhere: Some(Arc::new(Nowhere)),
        run_patience: Duration::ZERO,
        figures: Some(Figures::of(String::new)),
        ..Api::new(&world, Lake::new(Arc::clone(&world.store))).unwrap()
    };
    let routes = query_routes(api.clone())
        .merge(admin_routes(api, gate.clone()))
        .merge(push_routes(Push::new(&world, Push::LARGEST).await.unwrap()))
        .merge(journal_routes(
            Journal::new(&world, Planner::new(Arc::clone(&world.store)), Push::LARGEST).unwrap(),
        ));
    let router = served(routes, Guard { gate: gate.clone(), door: Door::Outside }, &serving);
    Served { router, gate }
}

impl Served {
    async fn ask(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        if response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
            // It has no end.
            return (status, String::new());
        }
        let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Everybody that there can be, and what says so.
    async fn callers(&self) -> Vec<(&'static str, Option<String>)> {
        let now = Utc::now();
        let mut callers = vec![("nobody", None)];
        for role in Role::ALL {
            let (name, password) =
                (role.name().parse().unwrap(), Password::chosen(PASSWORD.to_owned()).unwrap());
            let user = Users::add(&*self.gate.ledger, name, role, password, now).await.unwrap().unwrap();
            let issued = self.gate.tokens.issue(&user, TimeDelta::hours(1), now).await.unwrap();
            callers.push((role.name(), Some(issued.token)));
        }
        let scopes = ["binance_p2p", "events", "stripe"].map(|source| Scope::IngestFrom(source.to_owned()));
        let scopes = scopes.to_vec();
        let (_, text) = ApiKeys::add(&*self.gate.ledger, "worker", KeyTerms::of(scopes), now).await.unwrap();
        callers.push(("ingest key", Some(text)));
        callers
    }
}

fn request(route: &Route, credentials: Option<&str>) -> Request<Body> {
    // A source, a venue and an id that are there or not: who may not is told so first.
    let path = route.path.replace("{source}", "binance_p2p").replace("{venue}", "binance_p2p");
    let path = path.replace("{provider}", "stripe");
    let path = path.replace("{file}", "app.js").replace("{name}", "nobody").replace("{id}", "none");
    let mut request = Request::builder().method(route.method).uri(path);
    if let Some(credentials) = credentials {
        request = request.header(header::AUTHORIZATION, format!("Bearer {credentials}"));
    }
    request.body(Body::empty()).unwrap()
}

fn may(caller: &str, needs: Needs, is_public: bool) -> bool {
    let role: Option<Role> = caller.parse().ok();
    match needs {
        Needs::Nothing | Needs::Anybody => true,
        Needs::Known => caller != "nobody",
        Needs::Market => is_public || role.is_some(),
        Needs::Role(least) => role.is_some_and(|role| role.may(least)),
        // Nothing here is signed.
        Needs::Ingest | Needs::Signed => caller == "ingest key" || role == Some(Role::Admin),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_the_table_says() {
    for is_public in [false, true] {
        let settings = AccessSettings { public_market: is_public, ..AccessSettings::default() };
        let served = serve(settings, Serving::default()).await;
        let callers = served.callers().await;
        // What is asked for last is what ends a token.
        let (last, first): (Vec<&Route>, Vec<&Route>) =
            ROUTES.iter().partition(|route| (route.method, route.path) == ("DELETE", "/admin/token"));
        for route in first.into_iter().chain(last) {
            for (caller, credentials) in &callers {
                let (status, body) = served.ask(request(route, credentials.as_deref())).await;
                let is_in = status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN;
                let says = format!(
                    "{caller}: {} {} (public: {is_public}): {status} {body}",
                    route.method, route.path
                );
                assert_eq!(is_in, may(caller, route.needs, is_public), "{says}");
                if !is_in {
                    let expected =
                        if *caller == "nobody" { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
                    assert_eq!(status, expected, "{says}");
                }
                assert!(status != StatusCode::NOT_FOUND || route.path.contains('{'), "{says}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_document_is_in_the_table() {
    let document = serde_json::to_value(openapi()).unwrap();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let in_table: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(documented.difference(&in_table).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
    let pages =
        ["/", "/assets/{file}", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/live", "/api/v1/metrics"];
    for (method, path) in in_table.difference(&documented) {
        assert!(method == "GET" && pages.contains(&path.as_str()), "{method} {path} is in no document");
    }
    assert_eq!(in_table.len(), ROUTES.len(), "each is there once");
    let operation = &document["paths"]["/admin/users"]["post"];
    assert_eq!(operation["security"].as_array().unwrap().len(), 2);
    assert!(operation["description"].as_str().unwrap().contains("Needs the role admin"));
}

#[test]
fn the_guide_shows_the_table() {
    let mut callers = String::from(
        "| route | nobody | reader | analyst | admin | ingest key | function |\n|---|---|---|---|---|---|---|\n",
    );
    for route in ROUTES {
        let mark = |caller: &str| match (may(caller, route.needs, false), may(caller, route.needs, true)) {
            (true, _) => "yes",
            (false, true) => "if public",
            (false, false) => "",
        };
        let marks = ["nobody", "reader", "analyst", "admin", "ingest key"].map(mark).join(" | ");
        callers += &format!("| `{} {}` | {marks} | {} |\n", route.method, route.path, route.function.name());
    }
    let mut functions = String::from("| function | may |\n|---|---|\n");
    for function in [Function::Query, Function::Admin, Function::Ingest] {
        functions += &format!("| {} | {} |\n", function.name(), function.permissions());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.md");
    let guide = fs::read_to_string(path).unwrap();
    let mut wanted = guide.clone();
    for (name, table) in [("routes", callers), ("functions", functions)] {
        let (begin, end) = (format!("<!-- {name}: made from the code -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = wanted.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        wanted = format!("{before}{begin}{table}{end}{after}");
    }
    if std::env::var_os("CAUCE_UPDATE_DOCS").is_some() {
        fs::write(path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), wanted, "CAUCE_UPDATE_DOCS=1 writes it anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_use_and_log_out_over_http() {
    let served = serve(AccessSettings::default(), Serving::default()).await;
    served.callers().await;
    let post = |kind: &'static str, body: String| {
        let request = Request::post("/admin/token").header(header::CONTENT_TYPE, kind);
        served.ask(request.body(Body::from(body)).unwrap())
    };
    let (status, body) =
        post("application/json", format!(r#"{{"username":"admin","password":"{PASSWORD}"}}"#)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&answer["token_type"], &answer["role"]), (&"Bearer".into(), &"admin".into()));
    let form = format!("grant_type=password&username=reader&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(post("application/x-www-form-urlencoded", form).await.0, StatusCode::OK);
    let token = answer["access_token"].as_str().unwrap();
    let with_token = |method: &str, path: &str, body: &str| {
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        served.ask(request.body(Body::from(body.to_owned())).unwrap())
    };
    let (status, made) =
        with_token("POST", "/admin/api-keys", r#"{"name":"desk","scopes":["reader"]}"#).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    let by_key =
        || served.ask(Request::get("/api/v1/runs").header("x-api-key", key).body(Body::empty()).unwrap());
    assert_eq!(by_key().await.0, StatusCode::OK);
    let (_, listed) = with_token("GET", "/admin/api-keys", "").await;
    assert!(
        !listed.contains(&key[24..]) && listed.contains("last_used_at"),
        "the secret is shown once: {listed}"
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(with_token("DELETE", &format!("/admin/api-keys/{id}"), "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(by_key().await.0, StatusCode::FORBIDDEN, "revoked");
    let (status, body) = with_token("PATCH", "/admin/users/admin", r#"{"role":"reader"}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "the last administrator stays one: {body}");
    assert_eq!(with_token("DELETE", "/admin/users/reader", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(with_token("DELETE", "/admin/token", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(with_token("GET", "/admin/users", "").await.0, StatusCode::UNAUTHORIZED, "logged out");
    for _ in 0..5 {
        let wrong = post("application/json", r#"{"username":"analyst","password":"wrong"}"#.to_owned()).await;
        assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    }
    let request = Request::post("/admin/token")
        .body(Body::from(format!(r#"{{"username":"analyst","password":"{PASSWORD}"}}"#)));
    let response = served.router.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_may_ask_where_the_configuration_says_so() {
    let asked = |origin: &'static str| {
        Request::builder()
            .method("OPTIONS")
            .uri("/api/v1/markets")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
            .body(Body::empty())
            .unwrap()
    };
    let config = Config::parse("[api]\nallowed_origins = [\"https://desk.example\"]\n").unwrap();
    let served = serve(AccessSettings::default(), Serving::of(&config).unwrap()).await;
    let allowed = async |served: &Served, origin| {
        let response = served.router.clone().oneshot(asked(origin)).await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(allowed(&served, "https://desk.example").await.as_deref(), Some("https://desk.example"));
    assert_eq!(allowed(&served, "https://evil.example").await, None);
    let closed = serve(AccessSettings::default(), Serving::default()).await;
    assert_eq!(allowed(&closed, "https://desk.example").await, None);
    for wrong in ["*", "desk.example", "https://desk.example/page"] {
        let config = Config::parse(&format!("[api]\nallowed_origins = [\"{wrong}\"]\n")).unwrap();
        assert!(Serving::of(&config).is_err(), "{wrong}");
    }
}
