//! The routes of payments over a lake in memory, as a worker and a reader see them.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use cauce_access::{ApiKeys, Gate, KeyTerms, Role, Scope};
use cauce_api::{Api, Door, Guard, Push, Serving, push_routes, query_routes, served};
use cauce_query::{Lake, json_rows};
use cauce_sources::Transport;
use cauce_world::{Config, World};
use chrono::Utc;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) struct Served {
    pub(crate) router: Router,
    pub(crate) world: World,
    /// Of a worker, who may bring events.
    pub(crate) key: String,
    /// Of a reader.
    pub(crate) reader: String,
}

pub(crate) async fn serve() -> Served {
    served_with("", None).await
}

/// With more of the configuration, and another way to providers.
pub(crate) async fn served_with(more: &str, transport: Option<Arc<dyn Transport>>) -> Served {
    // A secret that every process has in its environment.
    let text = &format!("[providers.stripe]\nsecrets = [\"env:PATH\"]\n{more}");
    let world = World::open("memory://", Config::parse(text).unwrap()).await.unwrap();
    let gate = Gate::new(Arc::clone(&world.ledger), world.config.access().unwrap());
    let api = Api::new(&world, Lake::new(Arc::clone(&world.store))).unwrap();
    let mut push = Push::new(&world, 1 << 20).await.unwrap();
    push.transport = transport.unwrap_or_else(|| Arc::clone(&push.transport));
    let routes = query_routes(api).merge(push_routes(push));
    let router = served(routes, Guard { gate, door: Door::Outside }, &Serving::default());
    let add = async |name: &str, scope| {
        ApiKeys::add(&*world.ledger, name, KeyTerms::of([scope]), Utc::now()).await.unwrap().1
    };
    let (key, reader) = (add("worker", Scope::Ingest).await, add("reader", Scope::Role(Role::Reader)).await);
    Served { router, world, key, reader }
}

impl Served {
    pub(crate) async fn ask(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (StatusCode, Value) {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.to_owned().into()).unwrap()).await
    }

    pub(crate) async fn event(&self, body: &str) -> Value {
        let (status, answer) = self.post("/api/v1/events", &[("x-api-key", &self.key)], body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    pub(crate) async fn found(&self, id: &Value) -> (StatusCode, Value) {
        self.read(&format!("/api/v1/events/{}", id.as_str().unwrap())).await
    }

    /// An answer to the reader.
    pub(crate) async fn read(&self, path: &str) -> (StatusCode, Value) {
        self.ask(Request::get(path).header("x-api-key", &self.reader).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<Value> {
        self.world.worker().drain(|_| ()).await.unwrap();
        let lake = Lake::new(Arc::clone(&self.world.store));
        json_rows(&lake.sql(sql).await.unwrap()).into_iter().map(Value::Object).collect()
    }
}
