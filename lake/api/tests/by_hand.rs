//! A run by hand answers when it has ended, or goes on when nobody waits for it any more; and a crowd is told to come
//! again.
#![allow(clippy::unwrap_used, reason = "a test stops at what it can't do")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use cauce_access::Gate;
use cauce_api::{Api, Door, Elsewhere, Guard, Serving, admin_routes, query_routes, served};
use cauce_model::{Market, RunId};
use cauce_query::Lake;
use cauce_simulator::{Simulator, SimulatorTransport};
use cauce_sources::{RunOptions, Scraper, SystemClock, reported};
use cauce_world::{Config, World};
use serde_json::Value;
use tower::ServiceExt;

async fn serve(change: impl FnOnce(Api) -> Api) -> (Router, World) {
    let world = World::open("memory://", Config::example().unwrap()).await.unwrap();
    let simulator = Arc::new(Simulator::new(7, Arc::new(SystemClock)));
    let scraper = Scraper { transport: Arc::new(SimulatorTransport(simulator)), ..world.scraper() };
    let api = Api { scraper, ..Api::new(&world, Lake::new(Arc::clone(&world.store))).unwrap() };
    let gate = Gate::new(Arc::clone(&world.ledger), world.config.access().unwrap());
    let api = change(api);
    let routes = query_routes(api.clone()).merge(admin_routes(api, gate.clone()));
    (served(routes, Guard { gate, door: Door::Emulator }, &Serving::default()), world)
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, String, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let named = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let said = named(header::LOCATION).or_else(|| named(header::RETRY_AFTER)).unwrap_or_default();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, said, serde_json::from_slice(&body).unwrap_or_default())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn by_hand() -> Request<Body> {
    let asked = r#"{"asset": "USDT", "fiat": "VES", "trade_type": "BUY"}"#;
    Request::post("/api/v1/binance/offers").body(asked.into()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_goes_on_after_its_answer() {
    let (router, world) = serve(|api| Api { run_patience: Duration::ZERO, ..api }).await;
    let (status, place, body) = ask(&router, by_hand()).await;
    assert_eq!((status, &body["status"]), (StatusCode::ACCEPTED, &"running".into()), "{body}");
    let id = body["run_id"].as_str().unwrap();
    assert_eq!(place, format!("/api/v1/runs/{id}"));
    let ended = async {
        // Once it has begun the place holds: while it runs, when it has ended, and when its rows are there.
        let mut has_begun = false;
        loop {
            let (status, _, run) = ask(&router, get(&place)).await;
            assert!(status == StatusCode::OK || !has_begun, "{run}");
            has_begun |= status == StatusCode::OK;
            if run["status"] == "completed" {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    world.worker().drain(|_| ()).await.unwrap();
    let (status, _, run) = ask(&router, get(&place)).await;
    assert_eq!(status, StatusCode::OK, "{run}");
    assert!(run["snapshots"][0]["total_offers_count"].as_u64().unwrap() > 0, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_one_says_its_count() {
    let (router, _world) = serve(|api| api).await;
    let (status, _, body) = ask(&router, by_hand()).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"completed".into()), "{body}");
    assert!(body["count"].as_u64().unwrap() > 0);
}

/// Another process, to which a run is handed.
#[derive(Debug)]
struct Other(Scraper);

#[async_trait]
impl Elsewhere for Other {
    async fn start(&self, run_id: RunId, market: &Market) -> Result<(), String> {
        let (scraper, market) = (self.0.clone(), market.clone());
        let options = RunOptions { run_id: Some(run_id), ..RunOptions::by_hand() };
        tokio::spawn(async move { scraper.run(&[market], &options).await.unwrap() });
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_made_elsewhere_says_its_count_or_goes_on_there() {
    let there = |api: Api| Api { elsewhere: Some(Arc::new(Other(api.scraper.clone()))), ..api };
    let (router, _world) = serve(there).await;
    let (status, _, body) = ask(&router, by_hand()).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"completed".into()), "{body}");
    assert!(body["count"].as_u64().unwrap() > 0);

    let (router, world) = serve(|api| Api { run_patience: Duration::ZERO, ..there(api) }).await;
    let (status, place, body) = ask(&router, by_hand()).await;
    assert_eq!((status, &body["status"]), (StatusCode::ACCEPTED, &"running".into()), "{body}");
    let id = body["run_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(place, format!("/api/v1/runs/{id}"));
    let raw = world.raw();
    let ended = async {
        while reported(&raw, id).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_told_to_come_again_at_once_and_health_is_not_of_it() {
    let (router, world) = serve(|api| Api { at_once: 1, ..api }).await;
    ask(&router, by_hand()).await;
    world.worker().drain(|_| ()).await.unwrap();
    let crowd: Vec<_> = (0..24).map(|_| ask(&router, get("/api/v1/market/offers"))).collect();
    let answers = futures::future::join_all(crowd).await;
    let of = |wanted: StatusCode| answers.iter().filter(move |(status, ..)| *status == wanted);
    assert!(of(StatusCode::OK).count() >= 1, "who came first is answered");
    let (_, again, body) = of(StatusCode::SERVICE_UNAVAILABLE).next().unwrap();
    assert_eq!((again.as_str(), &body["code"]), ("1", &"overloaded".into()), "{body}");
    assert_eq!(
        of(StatusCode::OK).count() + of(StatusCode::SERVICE_UNAVAILABLE).count(),
        24,
        "nothing else happens"
    );
    let crowd: Vec<_> = (0..24).map(|_| ask(&router, get("/api/v1/health"))).collect();
    assert!(futures::future::join_all(crowd).await.iter().all(|(status, ..)| *status == StatusCode::OK));
    let (status, ..) = ask(&router, get("/api/v1/market/offers")).await;
    assert_eq!(status, StatusCode::OK, "afterwards there is room");
}
