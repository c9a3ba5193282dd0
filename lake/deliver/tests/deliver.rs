//! Trades on their way to a platform on loopback that answers as it is told to.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use cauce_deliver::{Cycle, Deliverer, Sink, Sinks};
use cauce_importer::Importer;
use cauce_intake::Intake;
use cauce_ledger::{Batch, SqliteLedger};
use cauce_maintain::{Accounts, Maintainer, MaintenanceSettings, Rebuild};
use cauce_model::{Account, BatchResult, DeliveryStatus};
use cauce_raw::RawZone;
use cauce_sources::HttpTransport;
use cauce_tables::{DayBatch, Days, Planner, Table, write};
use chrono::{DateTime, Utc};
use object_store::{ObjectStore, memory::InMemory};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the platform answers next; after the last of them it takes everything.
#[derive(Debug, Default)]
struct Platform {
    next: VecDeque<(u16, String)>,
    /// Refuses whatever has this symbol, without saying so.
    hates: Option<String>,
    /// Keys of batches with their trades, in the order in which they came.
    seen: Vec<(String, Vec<Value>)>,
    /// Trades that it took, by their ids.
    has: BTreeMap<String, Value>,
}

async fn take(
    State(platform): State<Arc<Mutex<Platform>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut platform = platform.lock().unwrap();
    if headers.get("x-api-key").is_none_or(|key| key != "hunter2") {
        return (StatusCode::UNAUTHORIZED, String::new());
    }
    let said: Value = serde_json::from_slice(&body).unwrap();
    let trades = said["trades"].as_array().unwrap().clone();
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    platform.seen.push((key, trades.clone()));
    if let Some((status, body)) = platform.next.pop_front() {
        return (StatusCode::from_u16(status).unwrap(), body);
    }
    if platform.hates.as_ref().is_some_and(|hated| trades.iter().any(|trade| trade["symbol"] == **hated)) {
        return (StatusCode::UNPROCESSABLE_ENTITY, r#"{"message": "not that"}"#.to_owned());
    }
    let duplicates =
        trades.iter().filter(|trade| platform.has.contains_key(trade["trade_id"].as_str().unwrap())).count();
    for trade in &trades {
        platform.has.insert(trade["trade_id"].as_str().unwrap().to_owned(), trade.clone());
    }
    (StatusCode::OK, json!({ "created": trades.len() - duplicates, "duplicates": duplicates }).to_string())
}

struct World {
    store: Arc<dyn ObjectStore>,
    planner: Planner,
    importer: Importer,
    maintainer: Maintainer,
    accounts: Accounts,
    deliverer: Deliverer,
    platform: Arc<Mutex<Platform>>,
    sinks: Sinks,
}

fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let platform = Arc::new(Mutex::new(Platform::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/trades", listener.local_addr().unwrap());
        let router = Router::new().route("/trades", post(take)).with_state(Arc::clone(&platform));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (planner, raw) = (Planner::new(Arc::clone(&store)), RawZone::new(Arc::clone(&store)));
        let deliverer = Deliverer {
            store: Arc::clone(&store),
            planner: planner.clone(),
            raw: raw.clone(),
            ledger: Arc::new(SqliteLedger::in_memory().unwrap()),
            transport: Arc::new(HttpTransport::new()),
        };
        let sink = Sink { timeout: Duration::from_secs(5), ..Sink::at("platform", &url, "hunter2") };
        Self {
            importer: Importer { intake: Intake::new(Arc::clone(&store)), raw, planner: planner.clone() },
            maintainer: Maintainer::new(Arc::clone(&store), planner.clone(), MaintenanceSettings::default()),
            accounts: Accounts::new(),
            store,
            planner,
            deliverer,
            platform,
            sinks: [("platform".to_owned(), Ok(sink))].into(),
        }
    }

    /// Imports fills of an account, at minutes of a day, and makes its journal anew.
    async fn trade(&mut self, id: &str, symbol: &str, minutes: std::ops::Range<u32>) {
        let account = Account::bare(id.parse().unwrap());
        let header = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n";
        let row = |minute: u32| {
            let (hour, minute) = (minute / 60, minute % 60);
            format!(
                "2026-03-01 {hour:02}:{minute:02}:00,{symbol},BUY,100,1{},100USDT,0.1USDT\n",
                symbol.trim_end_matches("USDT")
            )
        };
        let text = header.to_owned() + &minutes.clone().map(row).collect::<String>();
        let name = format!("{symbol}-{}.csv", minutes.start);
        self.importer.import_file(&account, &name, text.as_bytes(), now()).await.unwrap();
        self.accounts.insert(account.id.clone(), account);
        self.normalize().await;
        self.maintainer.analyze(&self.accounts, Rebuild::Stale).await.unwrap();
    }

    async fn normalize(&self) {
        let raw = RawZone::new(Arc::clone(&self.store));
        let mut covered = BTreeSet::new();
        for table in [Table::TradeObservations, Table::OpsBatchRuns] {
            for file in self.planner.census(table, Days::ALL).await.unwrap() {
                covered.extend(file.covers().iter().map(|object| object.raw_id.clone()));
            }
        }
        for day in raw.days().await.unwrap() {
            let mut batch = DayBatch::new(day);
            for (id, _) in raw.on(day).await.unwrap().into_iter().filter(|(id, _)| !covered.contains(id)) {
                batch.read(&id, &raw.read(&id).await.unwrap());
            }
            for file in batch.finish().unwrap() {
                write(&self.store, &file).await.unwrap();
            }
        }
    }

    /// A cycle: what became of each batch.
    async fn cycle(&self) -> Vec<BatchResult> {
        let until = Instant::now() + Duration::from_secs(30);
        let Cycle::Ended(report) = self.deliverer.cycle(&self.sinks, until).await.unwrap() else {
            panic!("another cycle is under way")
        };
        report.batches
    }

    fn answers(&self, next: &[(u16, &str)]) {
        let next = next.iter().map(|(status, body)| (*status, (*body).to_owned()));
        self.platform.lock().unwrap().next.extend(next);
    }

    fn has(&self) -> usize {
        self.platform.lock().unwrap().has.len()
    }

    async fn waiting(&self) -> Vec<Batch> {
        Batch::all(&*self.deliverer.ledger).await.unwrap()
    }
}

fn statuses(results: &[BatchResult]) -> Vec<(DeliveryStatus, u32, u32, usize)> {
    let of =
        |result: &BatchResult| (result.status, result.created, result.duplicates, result.rejections.len());
    results.iter().map(of).collect()
}

use DeliveryStatus::{Delivered, Divided, SetAside, Waiting};

#[tokio::test]
async fn trades_go_out_once_in_batches_and_new_ones_after() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..230).await;
    assert_eq!(
        statuses(&world.cycle().await),
        [(Delivered, 100, 0, 0), (Delivered, 100, 0, 0), (Delivered, 30, 0, 0)]
    );
    assert_eq!(world.has(), 230);
    assert!(world.cycle().await.is_empty(), "nothing is new");
    world.trade("desk", "BTCUSDT", 300..301).await;
    world.trade("other", "BTCUSDT", 0..2).await;
    assert_eq!(statuses(&world.cycle().await), [(Delivered, 3, 0, 0)], "both accounts in one");
    let trade = world.platform.lock().unwrap().has.values().next().unwrap().clone();
    assert_eq!(
        (&trade["quantity"], &trade["fee"], &trade["fee_asset"]),
        (&json!("1"), &json!("0.1"), &json!("USDT"))
    );
}

#[tokio::test]
async fn while_it_is_down_batches_wait_go_first_and_are_set_aside_at_last() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..150).await;
    world.answers(&[(503, "down"), (500, "")]);
    assert_eq!(statuses(&world.cycle().await), [(Waiting, 0, 0, 0)], "the others are not even tried");
    // Another process, after a restart: all that it has is the ledger and the lake.
    world.trade("desk", "BTCUSDT", 200..201).await;
    assert_eq!(statuses(&world.cycle().await), [(Waiting, 0, 0, 0)]);
    let results = world.cycle().await;
    assert_eq!(
        results.iter().map(|result| (result.status, result.trades, result.attempt)).collect::<Vec<_>>(),
        [(Delivered, 100, 3), (Delivered, 50, 1), (Delivered, 1, 1)]
    );
    let seen: Vec<String> = world.platform.lock().unwrap().seen.iter().map(|(key, _)| key.clone()).collect();
    assert!(seen[0] == seen[1] && seen[1] == seen[2], "one key for all tries");
    assert_eq!(world.has(), 151);

    world.trade("desk", "BTCUSDT", 300..310).await;
    world.answers(&[(500, "{\"message\": \"chokes\"}"); 3]);
    let three = [world.cycle().await, world.cycle().await, world.cycle().await].concat();
    assert_eq!(three.iter().map(|result| result.status).collect::<Vec<_>>(), [Waiting, Waiting, SetAside]);
    assert_eq!(world.waiting().await[0].last_error.as_deref(), Some("status 500: chokes"));
    world.trade("desk", "BTCUSDT", 320..321).await;
    assert_eq!(statuses(&world.cycle().await), [(Delivered, 1, 0, 0)], "what is set aside holds up nothing");
    assert_eq!(world.has(), 152);
    for batch in world.waiting().await {
        assert!(batch.retry(&*world.deliverer.ledger).await.unwrap());
    }
    assert_eq!(statuses(&world.cycle().await), [(Delivered, 10, 0, 0)]);
    assert_eq!((world.has(), world.waiting().await.len()), (162, 0), "nothing was dropped");
}

#[tokio::test]
async fn rows_that_are_not_wanted_stop_no_other_and_keep_their_reason() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..5).await;
    world.answers(&[(
        422,
        r#"{"errors": [{"index": 1, "message": "too old"}, {"index": 3, "message": "too old"}]}"#,
    )]);
    let results = world.cycle().await;
    assert_eq!(statuses(&results), [(Divided, 0, 0, 2), (Delivered, 3, 0, 0)]);
    assert_eq!(results[0].rejections[0].reason, "too old");
    assert!(world.cycle().await.is_empty(), "they are answered, and not sent again");

    // A platform that refuses all of a batch for one of its rows, and does not say which.
    world.platform.lock().unwrap().hates = Some("ETHUSDT".to_owned());
    world.trade("desk", "BTCUSDT", 100..140).await;
    world.trade("desk", "ETHUSDT", 120..121).await;
    let results = world.cycle().await;
    let rejected: Vec<_> = results.iter().flat_map(|result| &result.rejections).collect();
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].reason, "status 422: not that");
    assert_eq!((world.has(), world.waiting().await.len()), (43, 0));
}

#[tokio::test]
async fn what_it_has_it_says_and_who_asks_for_patience_is_not_counted_against_a_batch() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..3).await;
    world.answers(&[(429, ""), (429, ""), (429, ""), (409, "")]);
    for _ in 0..3 {
        assert_eq!(statuses(&world.cycle().await), [(Waiting, 0, 0, 0)]);
    }
    assert_eq!(statuses(&world.cycle().await), [(Delivered, 0, 3, 0)]);
}

#[tokio::test]
async fn who_dies_after_keeping_batches_delivers_no_trade_under_two_keys() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..120).await;
    world.answers(&[(503, "")]);
    world.cycle().await;
    // As if it had died before what it gave was noted.
    let given = object_store::path::Path::from("deliveries/platform/account=desk.json");
    object_store::ObjectStoreExt::delete(&world.store, &given).await.unwrap();
    let key = "delivery-state/platform";
    let item = world.deliverer.ledger.get(key).await.unwrap().unwrap();
    world.deliverer.ledger.delete_if(key, item.version).await.unwrap();
    world.trade("desk", "BTCUSDT", 200..210).await;
    world.cycle().await;
    let platform = world.platform.lock().unwrap();
    let sent: Vec<&str> = platform.seen[1..]
        .iter()
        .flat_map(|(_, trades)| trades)
        .map(|trade| trade["trade_id"].as_str().unwrap())
        .collect();
    assert_eq!((sent.len(), sent.iter().collect::<BTreeSet<_>>().len()), (130, 130));
}

#[tokio::test]
async fn what_was_answered_is_in_the_lake_also_where_the_cycle_died_before_it_was() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..2).await;
    world.answers(&[(503, "")]);
    world.cycle().await;
    // As it stands in the ledger between the answer and the report.
    let batch = world.waiting().await.remove(0);
    let answer = BatchResult {
        sink: batch.sink.clone(),
        delivery_id: batch.id.clone(),
        status: Delivered,
        trades: 2,
        created: 1,
        duplicates: 0,
        rejections: vec![cauce_model::Rejection { trade_id: "x".to_owned(), reason: "too old".to_owned() }],
        attempt: 2,
        http_status: Some(200),
        error: None,
        duration_ms: 5,
    };
    let answered = Batch { answer: Some(answer), trades: Vec::new(), hashes: Vec::new(), ..batch };
    answered.put(&*world.deliverer.ledger).await.unwrap();
    assert!(world.cycle().await.is_empty(), "nothing is sent again");
    assert!(world.waiting().await.is_empty());
    let mut reports = String::new();
    for day in world.deliverer.raw.days().await.unwrap() {
        for (id, _) in world.deliverer.raw.on(day).await.unwrap() {
            if id.kind() == cauce_raw::kind::DELIVERY_REPORT {
                reports += std::str::from_utf8(&world.deliverer.raw.read(&id).await.unwrap()).unwrap();
            }
        }
    }
    assert!(reports.contains("too old"), "{reports}");
}

#[tokio::test]
async fn a_sink_without_its_key_stops_no_other_and_a_wrong_key_is_said() {
    let mut world = World::new().await;
    world.trade("desk", "BTCUSDT", 0..1).await;
    world.sinks.insert("a-missing".to_owned(), Err("the variable KEY is not set".to_owned()));
    let Ok(right) = world.sinks["platform"].clone() else { panic!("it is right") };
    world
        .sinks
        .insert("wrong".to_owned(), Ok(Sink { key: "other".to_owned(), name: "wrong".to_owned(), ..right }));
    let results = world.cycle().await;
    assert_eq!(statuses(&results), [(Delivered, 1, 0, 0), (Waiting, 0, 0, 0)]);
    assert!(results[1].error.as_deref().is_some_and(|error| error.contains("the key is not taken")));
}
