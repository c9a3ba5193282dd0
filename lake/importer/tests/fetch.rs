//! Trades that are fetched of a broker on loopback, as strict as the real one.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use cauce_importer::{Cycle, FetchSettings, Fetcher, Logins, ServerSettings};
use cauce_ledger::{Acquired, Fetched, Lease, Pause, SqliteLedger};
use cauce_model::{Account, AccountResult, AccountStatus, Fetching};
use cauce_protocols::brokers::{Login, connectors};
use cauce_simulator::{Broker, BrokerAccount, Mood, SimulatedFill, Verifier, serve_broker};
use cauce_sources::HttpTransport;
use cauce_tables::{Derived, typed::Columns};
use chrono::{DateTime, TimeDelta, Utc};
use common::Lake;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};

/// Secrets by the names that the tests give places.
#[derive(Debug, Default)]
struct Keys(BTreeMap<String, String>);

#[async_trait]
impl Logins for Keys {
    async fn login(&self, fetching: &Fetching) -> Result<Login, String> {
        let key = fetching.key.to_string().trim_start_matches("env:").to_owned();
        let secret = self.0.get(&key).cloned().unwrap_or_else(|| secret(&key));
        if secret.is_empty() {
            Err(format!("the variable {key} is not set"))
        } else {
            Ok(Login { key, secret })
        }
    }
}

fn secret(key: &str) -> String {
    format!("secret of {key}")
}

fn account(id: &str, from: &[&str]) -> Account {
    let fetch = Fetching {
        from: from.iter().map(|name| (*name).to_owned()).collect(),
        key: format!("env:{id}").parse().unwrap(),
        secret: format!("env:{id}-secret").parse().unwrap(),
        symbols: Vec::new(),
    };
    Account { fetch: Some(fetch), ..Account::bare(id.parse().unwrap()) }
}

/// An account at the broker that bought bitcoin with tether.
fn buyer(id: &str, count: i64) -> BrokerAccount {
    let mut account = BrokerAccount::new(id, Verifier::Hmac(secret(id)));
    account.balances = balances(&[("BTC", count), ("USDT", 1_000)]);
    account.fills.insert("BTCUSDT".to_owned(), (1..=count).map(fill).collect());
    account
}

fn balances(of: &[(&str, i64)]) -> BTreeMap<String, String> {
    of.iter().map(|(asset, amount)| ((*asset).to_owned(), format!("{amount}.00000000"))).collect()
}

fn fill(id: i64) -> SimulatedFill {
    SimulatedFill {
        id,
        is_buyer: true,
        quantity: "0.00100000".to_owned(),
        price: format!("{}.50000000", 60_000 + id),
        commission: "0.00000100".to_owned(),
        commission_asset: "BTC".to_owned(),
        realized: None,
        at: at(id),
    }
}

fn at(minute: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(20) + TimeDelta::minutes(minute)
}

struct World {
    lake: Lake,
    broker: Arc<Broker>,
    fetcher: Fetcher,
}

impl World {
    async fn new() -> Self {
        // Its clock is a minute and a half before ours: what is signed by our own is refused.
        Self::with(Broker::new(TimeDelta::seconds(90), 1_000_000), Keys::default()).await
    }

    async fn with(broker: Broker, keys: Keys) -> Self {
        let (lake, broker) = (Lake::new(), Arc::new(broker));
        let (url, _serving) = serve_broker(Arc::clone(&broker)).await.unwrap();
        let server = |name: &str| {
            let timeout = Duration::from_secs(2);
            (
                name.to_owned(),
                ServerSettings { base_url: url.clone(), timeout, weight_per_minute: 60_000_000 },
            )
        };
        let fetcher = Fetcher {
            importer: lake.importer.clone(),
            ledger: Arc::new(SqliteLedger::in_memory().unwrap()),
            transport: Arc::new(HttpTransport::new()),
            logins: Arc::new(keys),
            settings: FetchSettings {
                servers: connectors().iter().map(|connector| server(connector.name())).collect(),
                account_time: Duration::from_secs(5),
                ..FetchSettings::default()
            },
        };
        Self { lake, broker, fetcher }
    }

    async fn cycle(&self, accounts: &[Account]) -> BTreeMap<String, AccountResult> {
        let until = Instant::now() + Duration::from_secs(60);
        let Cycle::Ended(report) = self.fetcher.cycle(accounts.to_vec(), until).await.unwrap() else {
            panic!("another cycle is under way")
        };
        self.lake.normalize().await;
        report.accounts.into_iter().map(|result| (result.account_id.to_string(), result)).collect()
    }

    /// One account's cycle: status, new, known, and what could not be had.
    async fn once(&self, account: &Account) -> (AccountStatus, u32, u32, Option<String>) {
        let result = self.cycle(std::slice::from_ref(account)).await.remove(account.id.as_str()).unwrap();
        (result.status, result.trades, result.duplicates, result.error)
    }

    /// Ids of the trades of an account, with their symbols.
    async fn trades(&self, account: &Account) -> Vec<(String, String)> {
        let mut accounts = cauce_maintain::Accounts::new();
        accounts.insert(account.id.clone(), account.clone());
        self.lake.maintainer.analyze(&accounts, cauce_maintain::Rebuild::Stale).await.unwrap();
        let file = self.lake.planner.derived_of(Derived::FactTrades, &account.id).await.unwrap().unwrap();
        let mut trades = Vec::new();
        for batch in self.lake.planner.read(&file, &["symbol", "trade_external_id"]).await.unwrap() {
            let columns = Columns(&batch);
            let text = |name: &str, row: usize| columns.text(name).unwrap().value(row).to_owned();
            trades.extend(
                (0..batch.num_rows()).map(|row| (text("symbol", row), text("trade_external_id", row))),
            );
        }
        trades
    }
}

const IMPORTED: AccountStatus = AccountStatus::Imported;

#[tokio::test]
async fn a_history_is_fetched_page_by_page_and_then_only_what_is_new() {
    let (world, desk) = (World::new().await, account("desk", &["binance_spot"]));
    world.broker.put(buyer("desk", 2_500)).await;
    assert_eq!(world.once(&desk).await, (IMPORTED, 2_500, 0, None));
    assert_eq!(world.trades(&desk).await.len(), 2_500);

    let answered = world.broker.answered("desk").await;
    assert_eq!(world.once(&desk).await, (IMPORTED, 0, 0, None), "nothing was traded");
    let idle = world.broker.answered("desk").await - answered;
    assert!(idle <= 6, "balances, and a few symbols in turn: {idle}");

    world
        .broker
        .change("desk", |desk| {
            desk.balances = balances(&[("BTC", 2_500), ("USDT", 1_100)]);
            desk.fills.get_mut("BTCUSDT").unwrap().push(fill(2_501));
        })
        .await;
    assert_eq!(world.once(&desk).await, (IMPORTED, 1, 0, None));
    assert_eq!(world.trades(&desk).await.len(), 2_501);
}

#[tokio::test]
async fn who_dies_before_the_cursor_is_noted_asks_again_and_has_each_trade_once() {
    let (world, desk) = (World::new().await, account("desk", &["binance_spot"]));
    world.broker.put(buyer("desk", 1_200)).await;
    world.once(&desk).await;
    let key = "account-fetched/desk";
    let item = world.fetcher.ledger.get(key).await.unwrap().unwrap();
    world.fetcher.ledger.delete_if(key, item.version).await.unwrap();
    assert_eq!(world.once(&desk).await, (IMPORTED, 0, 1_200, None));
    assert_eq!(world.trades(&desk).await.len(), 1_200);
}

#[tokio::test]
async fn a_key_of_ed25519_signs_too() {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let public = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap().public_key().as_ref().to_vec();
    let body = BASE64_STANDARD.encode(pkcs8.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let keys = Keys([("desk".to_owned(), pem)].into());
    let world = World::with(Broker::new(TimeDelta::zero(), 1_000_000), keys).await;
    let desk = BrokerAccount { verifier: Verifier::Ed25519(public), ..buyer("desk", 3) };
    world.broker.put(desk).await;
    assert_eq!(world.once(&account("desk", &["binance_spot"])).await, (IMPORTED, 3, 0, None));
}

#[tokio::test]
async fn futures_are_found_by_what_they_cost_and_ids_are_of_one_symbol_and_market() {
    let world = World::new().await;
    let mut traded = buyer("desk", 2);
    let usd = |id| SimulatedFill {
        commission_asset: "USDT".to_owned(),
        realized: Some("0".to_owned()),
        ..fill(id)
    };
    traded.fills.insert("fapi:BTCUSDT".to_owned(), (1..=1_500).map(usd).collect());
    traded.fills.insert("fapi:ETHUSDT".to_owned(), vec![usd(1), usd(2)]);
    traded
        .fills
        .insert("dapi:BTCUSD_PERP".to_owned(), vec![SimulatedFill { quantity: "1".to_owned(), ..fill(1) }]);
    world.broker.put(traded).await;
    let desk = account("desk", &["binance_spot", "binance_usd_m", "binance_coin_m"]);
    assert_eq!(world.once(&desk).await, (IMPORTED, 1_505, 0, None));
    let trades = world.trades(&desk).await;
    assert_eq!(trades.len(), 1_505);
    assert_eq!(trades.iter().filter(|(symbol, _)| symbol == "BTCUSD_PERP").count(), 1);

    world.broker.change("desk", |desk| desk.fills.get_mut("fapi:ETHUSDT").unwrap().push(usd(3))).await;
    assert_eq!(world.once(&desk).await, (IMPORTED, 1, 0, None));
}

#[tokio::test]
async fn a_symbol_of_the_account_is_looked_for_through_all_of_its_time() {
    let world = World::new().await;
    let mut traded = BrokerAccount::new("desk", Verifier::Hmac(secret("desk")));
    // Older than what incomes tell of.
    let old = SimulatedFill { at: Utc::now() - TimeDelta::days(150), ..fill(40) };
    traded.fills.insert("fapi:SOLUSDT".to_owned(), vec![old, SimulatedFill { at: at(0), ..fill(41) }]);
    world.broker.put(traded).await;
    let mut desk = account("desk", &["binance_usd_m"]);
    desk.fetch.as_mut().unwrap().symbols = vec!["SOLUSDT".to_owned()];
    assert_eq!(world.once(&desk).await, (IMPORTED, 2, 0, None));
}

#[tokio::test]
async fn a_key_that_may_not_read_futures_reads_what_it_may() {
    let world = World::new().await;
    world.broker.put(BrokerAccount { mood: Mood::NoFutures, ..buyer("desk", 3) }).await;
    let desk = account("desk", &["binance_usd_m", "binance_spot"]);
    let (status, new, _, error) = world.once(&desk).await;
    assert_eq!((status, new), (AccountStatus::Partial, 3));
    assert!(error.as_deref().is_some_and(|error| error.contains("enableFutures is false")), "{error:?}");
    assert!(Pause::all(&*world.fetcher.ledger).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_key_may_be_of_another_account_there_and_begins_anew() {
    let (world, mut desk) = (World::new().await, account("desk", &["binance_spot"]));
    world.broker.put(buyer("desk", 5)).await;
    assert_eq!(world.once(&desk).await, (IMPORTED, 5, 0, None));
    let mut other = buyer("other", 4);
    for fill in other.fills.values_mut().flatten() {
        fill.price = "70000".to_owned();
    }
    world.broker.put(other).await;
    desk.fetch.as_mut().unwrap().key = "env:other".parse().unwrap();
    // Their ids are lower than those that were had of the first.
    assert_eq!(world.once(&desk).await, (IMPORTED, 4, 0, None));
}

#[tokio::test]
async fn what_the_lake_could_not_keep_is_asked_for_again() {
    let (mut world, desk) = (World::new().await, account("desk", &["binance_spot"]));
    world.broker.put(buyer("desk", 30_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let store = cauce_raw::open(lake.to_str().unwrap(), cauce_raw::Durability::Relaxed).unwrap();
    let memory = world.fetcher.importer.raw.clone();
    world.fetcher.importer.raw = cauce_raw::RawZone::new(store);
    // Nothing can be put where a file is in the way.
    std::fs::create_dir_all(&lake).unwrap();
    std::fs::write(lake.join("raw"), "in the way").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let failed = world.fetcher.cycle(vec![desk.clone()], until).await;
    assert!(failed.is_err(), "not even the report: {failed:?}");
    world.fetcher.importer.raw = memory;
    world.fetcher.settings.account_time = Duration::from_secs(30);
    assert_eq!(world.once(&desk).await, (IMPORTED, 30_000, 0, None));
}

#[tokio::test]
async fn a_symbol_that_there_is_not_stops_no_other() {
    let world = World::new().await;
    world.broker.put(buyer("desk", 3)).await;
    let mut desk = account("desk", &["binance_spot"]);
    desk.fetch.as_mut().unwrap().symbols = vec!["AAAUSDT".to_owned()];
    let (status, new, _, error) = world.once(&desk).await;
    assert_eq!((status, new), (AccountStatus::Partial, 3));
    assert!(
        error.as_deref().is_some_and(|error| error.contains("AAAUSDT") && error.contains("-1121")),
        "{error:?}"
    );
}

#[tokio::test]
async fn one_that_hangs_one_revoked_and_one_corrupt_cost_the_others_nothing() {
    let world = World::new().await;
    let ids: Vec<String> = (0..200).map(|number| format!("desk-{number}")).collect();
    for id in &ids {
        let mood = match id.as_str() {
            "desk-10" => Mood::Hanging,
            "desk-20" => Mood::Revoked,
            "desk-30" => Mood::Corrupt,
            "desk-40" => Mood::NotPermitted,
            _ => Mood::Well,
        };
        world.broker.put(BrokerAccount { mood, ..buyer(id, 4) }).await;
    }
    let accounts: Vec<Account> = ids.iter().map(|id| account(id, &["binance_spot"])).collect();
    let begun = Instant::now();
    let results = world.cycle(&accounts).await;
    // The one that hangs has five seconds; the others go on beside it.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let status = |id: &str| results[id].status;
    assert_eq!(status("desk-10"), AccountStatus::Failed);
    assert_eq!(status("desk-20"), AccountStatus::KeyRevoked);
    assert_eq!(status("desk-30"), AccountStatus::Partial);
    assert_eq!(status("desk-40"), AccountStatus::KeyNotPermitted);
    let whole = results.values().filter(|result| (result.status, result.trades) == (IMPORTED, 4));
    assert_eq!(whole.count(), 196);
    let reason = results["desk-40"].error.clone().unwrap();
    assert!(reason.contains("enableReading is false"), "{reason}");
    assert!(results["desk-30"].error.as_deref().is_some_and(|error| error.contains("BTCUSDT")));

    let mut paused: Vec<String> = Pause::all(&*world.fetcher.ledger)
        .await
        .unwrap()
        .into_iter()
        .map(|pause| pause.account_id.to_string())
        .collect();
    paused.sort();
    assert_eq!(paused, ["desk-20", "desk-40"], "those with a key to be seen to, and no other");

    world.broker.change("desk-20", |desk| desk.mood = Mood::Well).await;
    assert_eq!(world.once(&accounts[20]).await.0, AccountStatus::Skipped, "until somebody says so");
    Pause::lift(&*world.fetcher.ledger, &accounts[20].id).await.unwrap();
    assert_eq!(world.once(&accounts[20]).await, (IMPORTED, 4, 0, None));
    world.broker.change("desk-30", |desk| desk.mood = Mood::Well).await;
    assert_eq!(
        world.once(&accounts[30]).await,
        (IMPORTED, 4, 0, None),
        "what was left out is asked for again"
    );
}

#[tokio::test]
async fn a_broker_that_wants_to_be_left_alone_is() {
    let world = World::with(Broker::new(TimeDelta::zero(), 30), Keys::default()).await;
    world.broker.put(buyer("desk", 3)).await;
    let desk = account("desk", &["binance_spot"]);
    let (status, _, _, error) = world.once(&desk).await;
    assert_eq!(status, AccountStatus::Failed);
    assert!(error.as_deref().is_some_and(|error| error.contains("left alone")), "{error:?}");
    let answered = world.broker.answered("desk").await;
    let (status, _, _, error) = world.once(&desk).await;
    assert_eq!(status, AccountStatus::Failed);
    assert!(error.as_deref().is_some_and(|error| error.contains("its time was over")), "{error:?}");
    assert_eq!(world.broker.answered("desk").await, answered, "nobody asked before its time");
}

#[tokio::test]
async fn a_secret_that_is_not_there_or_not_the_keys_fails_its_account_only() {
    let keys = Keys([("none".to_owned(), String::new()), ("wrong".to_owned(), "another".to_owned())].into());
    let world = World::with(Broker::new(TimeDelta::zero(), 1_000_000), keys).await;
    for id in ["none", "wrong", "right"] {
        world.broker.put(buyer(id, 1)).await;
    }
    let accounts = ["none", "wrong", "right"].map(|id| account(id, &["binance_spot"]));
    let results = world.cycle(&accounts).await;
    let said = |id: &str| (results[id].status, results[id].error.clone().unwrap_or_default());
    assert_eq!(said("none"), (AccountStatus::Failed, "the variable none is not set".to_owned()));
    assert_eq!(said("wrong").0, AccountStatus::Failed);
    assert!(said("wrong").1.contains("the secret is not that of the key"), "{}", said("wrong").1);
    assert!(!said("wrong").1.contains("signature="), "no signature in what is kept");
    assert_eq!(said("right"), (IMPORTED, String::new()));
}

#[tokio::test]
async fn cycles_do_not_overlap_and_the_one_longest_not_asked_comes_first() {
    let world = World::new().await;
    let now = Utc::now();
    let held = Lease::acquire(&*world.fetcher.ledger, "journal/fetch", "other", TimeDelta::minutes(5), now);
    assert_eq!(held.await.unwrap(), Acquired::Yes);
    let until = Instant::now() + Duration::from_secs(5);
    let cycle = world.fetcher.cycle(vec![account("desk", &["binance_spot"])], until).await.unwrap();
    assert!(matches!(cycle, Cycle::Busy(lease) if lease.owner == "other"));
    Lease::release(&*world.fetcher.ledger, "journal/fetch", "other").await.unwrap();

    world.broker.put(buyer("a", 1)).await;
    world.broker.put(buyer("b", 1)).await;
    let accounts = ["a", "b"].map(|id| account(id, &["binance_spot"]));
    world.cycle(&accounts[..1]).await;
    let mut late = world.fetcher.clone();
    late.settings.at_once = 1;
    // There is time for the first only if that one hangs.
    world.broker.change("b", |desk| desk.mood = Mood::Hanging).await;
    let until = Instant::now() + Duration::from_millis(1_500);
    let Cycle::Ended(report) = late.cycle(accounts.to_vec(), until).await.unwrap() else { panic!("busy") };
    let status: Vec<AccountStatus> = report.accounts.iter().map(|result| result.status).collect();
    assert_eq!(status, [AccountStatus::Skipped, AccountStatus::Failed]);
}

#[tokio::test]
async fn no_key_and_no_signature_is_kept() {
    let (world, desk) = (World::new().await, account("desk-key", &["binance_spot"]));
    world.broker.put(buyer("desk-key", 3)).await;
    world.once(&desk).await;
    let fetched = Fetched::get(&*world.fetcher.ledger, &desk.id).await.unwrap().unwrap();
    assert!(fetched.cursors.contains_key("binance_spot"));
    let raw = &world.lake.importer.raw;
    let mut seen = 0;
    for day in raw.days().await.unwrap() {
        for (id, _) in raw.on(day).await.unwrap() {
            let text = String::from_utf8(raw.read(&id).await.unwrap().to_vec()).unwrap();
            assert!(!text.contains("signature=") && !text.contains("secret of"), "{text}");
            seen += usize::from(text.contains("myTrades?symbol=BTCUSDT&fromId=0"));
        }
    }
    assert_eq!(seen, 1, "the question stands beside its answer");
}
