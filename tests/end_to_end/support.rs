//! What the tests share: a lake of their own, the binary, a simulated venue.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_ledger::{Ledger, SqliteLedger};
use cauce_model::{Market, TradeType};
use cauce_query::Lake;
use cauce_queue::{Queue, QueueListener, SqliteQueue};
use cauce_raw::{Durability, NotifyingStore, RawZone, open, state_folder};
use cauce_simulator::Simulator;
use cauce_sources::{
    BreakerSettings, Clock, HttpTransport, Scraper, ScraperSettings, SystemClock, Transport, VenueSettings,
};
use cauce_worker::{Worker, WorkerSettings};
use object_store::ObjectStore;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A lake in a folder of its own, with its adapters.
pub(crate) struct TestLake {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) queue: Arc<SqliteQueue>,
}

impl TestLake {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("lake").display().to_string();
        let plain = open(&url, Durability::Relaxed).unwrap();
        let state = state_folder(&url).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::open(&state.join("ledger.sqlite")).unwrap());
        let queue = Arc::new(SqliteQueue::open(&state.join("queue.sqlite")).unwrap());
        let listener = QueueListener::new(Arc::clone(&queue) as Arc<dyn Queue>);
        let store: Arc<dyn ObjectStore> = Arc::new(NotifyingStore::new(plain, Arc::new(listener)));
        Self { folder, store, ledger, queue }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    pub(crate) fn raw(&self) -> RawZone {
        RawZone::new(Arc::clone(&self.store))
    }

    pub(crate) fn worker(&self) -> Worker {
        let settings = WorkerSettings { retry_in: Duration::ZERO, ..WorkerSettings::default() };
        let queue = Arc::clone(&self.queue) as Arc<dyn Queue>;
        Worker { queue, store: Arc::clone(&self.store), unread: None, settings }
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::new(Arc::clone(&self.store))
    }

    /// Rows of a query.
    pub(crate) async fn ask(&self, query: &str) -> Vec<Map<String, Value>> {
        cauce_query::json_rows(&self.lake().sql(query).await.unwrap())
    }

    /// A scraper with a clock and a way out of the test's choice.
    pub(crate) fn scraper(
        &self,
        base_url: &str,
        clock: Arc<dyn Clock>,
        transport: Arc<dyn Transport>,
    ) -> Scraper {
        let venue = VenueSettings {
            min_interval: Duration::from_millis(1),
            timeout: Duration::from_millis(700),
            tries: 3,
            breaker: BreakerSettings { failures: 50, ..BreakerSettings::default() },
            ..VenueSettings::at(base_url)
        };
        let venues = BTreeMap::from([("binance_p2p".parse().unwrap(), venue)]);
        let settings = ScraperSettings { venues, ..ScraperSettings::default() };
        Scraper { ledger: Arc::clone(&self.ledger), raw: self.raw(), clock, transport, settings }
    }
}

/// A venue on a port of its own.
pub(crate) async fn venue() -> (SocketAddr, Arc<Simulator>) {
    let simulator = Arc::new(Simulator::new(11, Arc::new(SystemClock)));
    let (address, _) =
        cauce_simulator::serve(Arc::clone(&simulator), ([127, 0, 0, 1], 0).into()).await.unwrap();
    (address, simulator)
}

pub(crate) fn http() -> Arc<dyn Transport> {
    Arc::new(HttpTransport::new())
}

pub(crate) fn market(asset: &str, fiat: &str, trade_type: TradeType) -> Market {
    let venue = "binance_p2p".parse().unwrap();
    Market { venue, asset: asset.parse().unwrap(), fiat: fiat.parse().unwrap(), trade_type }
}

/// The binary, on a lake in a folder.
pub(crate) fn cauce(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = binary(folder);
    command.args(["--lake", "lake"]).args(arguments);
    command
}

/// The binary, with nothing of the caller's environment that would change what it does.
pub(crate) fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cauce"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUCE_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = cauce(folder, arguments).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cauce {arguments:?}: {}\n{out}\n{err}", output.status);
    output
}

/// Makes the account `main`, and imports a purchase and a sale of it.
pub(crate) fn import_trades(folder: &Path) {
    let export = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n\
                  2026-03-01 10:00:00,BTCUSDT,BUY,50000,2BTC,100000USDT,0.001BTC\n\
                  2026-03-02 10:00:00,BTCUSDT,SELL,51000,1BTC,51000USDT,20USDT\n";
    std::fs::write(folder.join("export.csv"), export).unwrap();
    run(folder, &["account", "put", "main", "--broker", "binance"]);
    run(folder, &["import", "--account", "main", "export.csv"]);
}

pub(crate) fn sql(folder: &Path, query: &str) -> Vec<Map<String, Value>> {
    serde_json::from_slice(&run(folder, &["sql", query, "--format", "json"]).stdout).unwrap()
}

/// A process that is killed with the test, by its id.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// SIGKILL, and its end.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks again until the answer is there; a test that waits in vain says for what.
pub(crate) async fn eventually<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A configuration with these markets of the simulated venue.
pub(crate) fn configure(folder: &Path, base_url: &str, head: &str, markets: &[Market]) {
    let mut text = format!(
        "{head}\n[venues.binance_p2p]\nbase_url = \"{base_url}\"\nmin_interval_ms = 5\ntimeout_ms = 2000\ntries = 3\n"
    );
    for Market { venue, asset, fiat, trade_type } in markets {
        text += &format!(
            "[[markets]]\nvenue = \"{venue}\"\nasset = \"{asset}\"\nfiat = \"{fiat}\"\nsides = [\"{trade_type}\"]\n"
        );
    }
    fs::write(folder.join("cauce.toml"), text).unwrap();
}
