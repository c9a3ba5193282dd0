//! Days merged, sealed, collected and replayed by real processes, as a user does it and under SIGKILL.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cauce_model::{Market, RawId, RunId, TradeType};
use cauce_query::json_rows;
use cauce_queue::{Queue, RawCreated};
use cauce_raw::{Bundle, Envelope, kind};
use cauce_tables::Cover;
use chrono::{NaiveDate, TimeDelta};
use object_store::{ObjectStore, ObjectStoreExt, PutMode, UpdateVersion, path::Path as Key};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{metadata::KeyValue, properties::WriterProperties},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    crash::assert_equals_undisturbed,
    support::{Process, TestLake, cauce, eventually, free_port, market, run, sql},
};

/// How long the processes are disturbed, and how often at least.
const DISTURBED: Duration = Duration::from_secs(62);
const KILLS: usize = 100;
const ADS: i64 = 15;

fn page(fiat: &str, number: i64) -> Value {
    let ads = (0..ADS).map(|ad| {
        json!({
            "adv": { "advNo": format!("{fiat}{ad}"), "tradeType": "SELL", "asset": "USDT", "fiatUnit": fiat,
                     "price": format!("{}.{number:03}", 280 + ad), "surplusAmount": "500", "minSingleTransAmount": "10",
                     "maxSingleTransAmount": "5000", "tradeMethods": [{ "identifier": "PagoMovil" }] },
            "advertiser": { "userNo": format!("u{ad}"), "nickName": "Maker", "userType": "user" },
        })
    });
    json!({ "code": "000000", "data": ads.collect::<Vec<_>>(), "total": ADS, "success": true })
}

/// Run `number` of a day, in the raw zone: two markets.
pub(crate) async fn scraped(lake: &TestLake, date: NaiveDate, number: i64) -> RawId {
    let taken = date.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::minutes(number);
    let mut bundle = Bundle::new("binance_p2p", kind::MARKET_SNAPSHOT, date, &format!("run{number:04}"));
    for fiat in ["VES", "ARS"] {
        let mut envelope = Envelope::bare(page(fiat, number).to_string().into_bytes(), taken);
        envelope.run_id = Some(RunId::starting(taken));
        envelope.page = Some(1);
        envelope.market = Some(Market { ..market("USDT", fiat, TradeType::Buy) });
        bundle.push(&envelope).unwrap();
    }
    let object = bundle.seal("pages").unwrap();
    lake.raw().put(&object).await.unwrap();
    object.id
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn text(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8(run(folder, arguments).stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_hand_days_are_sealed_collected_and_replayed_and_answers_stay() {
    let lake = TestLake::new();
    for number in 0..4 {
        scraped(&lake, day("2026-03-01"), number).await;
        lake.worker().drain(|_| ()).await.unwrap();
    }
    let folder = lake.folder.path();
    // The file that covers another is old enough at once.
    fs::write(folder.join("cauce.toml"), "[maintenance]\ngrace = \"1ms\"\n").unwrap();
    let ask = "SELECT count(*) AS n, sum(price) AS prices, count(DISTINCT snapshot_id) AS s FROM fact_offers";
    let before = sql(folder, ask);
    assert_eq!(before[0]["n"], 4 * 2 * ADS);

    let would = text(folder, &["seal", "--dry-run"]);
    assert!(
        would.contains("would seal tables/fact_offers/date=2026-03-01/seal-0.parquet: 120 rows"),
        "{would}"
    );
    assert!(!lake.path().join("tables").exists());
    text(folder, &["seal"]);
    assert_eq!(text(folder, &["seal"]).trim(), "nothing to seal: every day that is over is sealed");
    let collected: Value = serde_json::from_str(&text(folder, &["collect", "--json"])).unwrap();
    assert_eq!(collected.as_array().unwrap().len(), 16, "four tables of four files: {collected}");
    assert_eq!(sql(folder, ask), before);

    let replayed = text(folder, &["replay", "--since", "2026-03-01", "--until", "2026-03-01"]);
    assert!(
        replayed.contains("4 raw objects read again") && replayed.contains("nothing differs"),
        "{replayed}"
    );
    let trace = text(folder, &["lineage", "fact_offers", "offer_external_id = 'VES3'", "--limit", "1"]);
    assert!(trace.contains("raw/binance_p2p/market_snapshot/date=2026-03-01/run000"), "{trace}");
    let bucket = "bucket_start = '2026-03-01T00:00:00Z' AND fiat = 'VES'";
    let traces: Vec<Value> =
        serde_json::from_str(&text(folder, &["lineage", "price_history", bucket, "--json"])).unwrap();
    assert_eq!(traces.len(), 4, "a bucket of ten minutes comes from four snapshots");
    assert!(traces.iter().all(|trace| trace["record"].as_str().unwrap().contains("VES14")));
}

/// A role of the lake as a process, killed and started again until it is told to stop.
async fn killed_again_and_again(
    folder: &Path,
    name: &'static str,
    longest: u64,
    stop: &AtomicBool,
    kills: &AtomicUsize,
) {
    let mut moments = StdRng::seed_from_u64(name.len() as u64);
    while !stop.load(Ordering::Relaxed) {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut command: Command = match name {
            "up" | "up beside it" => cauce(folder, &["up", "--listen", &listen]),
            "normalizer" => cauce(folder, &["normalize", "--follow"]),
            one_shot => cauce(folder, &[one_shot]),
        };
        let mut process = Process::start(&mut command);
        // The moment of the kill is the point of the test.
        let end = Instant::now() + Duration::from_millis(moments.random_range(100..longest));
        while Instant::now() < end {
            if process.0.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if process.0.try_wait().unwrap().is_none() {
            kills.fetch_add(1, Ordering::Relaxed);
        }
        process.kill();
    }
}

/// Reads without end: every raw object has all of its rows or none, each once, and none that was there goes away.
async fn reading(lake: &TestLake, stop: &AtomicBool) -> (usize, BTreeSet<String>) {
    let reader = lake.lake();
    let (mut readings, mut seen) = (0, BTreeSet::new());
    while !stop.load(Ordering::Relaxed) {
        let rows = reader
            .sql("SELECT raw_id, count(*) AS n, count(DISTINCT concat(snapshot_id, offer_external_id)) AS different
                  FROM fact_offers GROUP BY raw_id")
            .await
            .unwrap();
        let mut now = BTreeSet::new();
        for row in json_rows(&rows) {
            assert!(row["n"] == 2 * ADS && row["different"] == 2 * ADS, "reading {readings}: {row:?}");
            now.insert(row["raw_id"].as_str().unwrap().to_owned());
        }
        let gone: Vec<_> = seen.difference(&now).collect();
        assert!(gone.is_empty(), "reading {readings}: {gone:?} were there before");
        seen = now;
        readings += 1;
    }
    (readings, seen)
}

/// Reads the seals alone, as DuckDB would: no raw object in two of them, and none goes away.
async fn globbing(lake: &TestLake, stop: &AtomicBool) -> usize {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let mut now = BTreeSet::new();
        for (_, bytes) in seals(lake).await {
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
            let cover = Cover::from_footer(reader.metadata()).unwrap();
            for object in cover.objects {
                assert_eq!(object.count, 2 * u32::try_from(ADS).unwrap());
                let first = now.insert(object.raw_id.as_str().to_owned());
                assert!(first, "{} is in two seals", object.raw_id);
            }
        }
        assert!(now.is_superset(&seen), "a sealed raw object is gone");
        seen = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    seen.len()
}

async fn seals(lake: &TestLake) -> Vec<(Key, bytes::Bytes)> {
    use futures::TryStreamExt;
    let folder = Key::from("tables/fact_offers");
    let listed: Vec<_> = lake.store.list(Some(&folder)).try_collect().await.unwrap();
    let mut found = Vec::new();
    for meta in listed {
        found.push((
            meta.location.clone(),
            lake.store.get(&meta.location).await.unwrap().bytes().await.unwrap(),
        ));
    }
    found
}

/// Marks a seal as made by older rules, so that there is something to replay.
async fn grown_old(lake: &TestLake, chosen: usize) {
    let seals = seals(lake).await;
    let Some((path, bytes)) = seals.get(chosen % seals.len().max(1)) else { return };
    let meta = lake.store.head(path).await.unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let mut cover = Cover::from_footer(builder.metadata()).unwrap();
    for object in &mut cover.objects {
        object.normalizer_version = 0;
    }
    let entry = KeyValue::new("cauce.cover".to_owned(), serde_json::to_string(&cover).unwrap());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, Arc::clone(builder.schema()), Some(properties)).unwrap();
    for batch in builder.build().unwrap() {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.close().unwrap();
    let expected = UpdateVersion { e_tag: meta.e_tag, version: None };
    // Unless a replay was first.
    let _ = lake.store.put_opts(path, out.into(), PutMode::Update(expected).into()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_again_and_again_every_reading_is_right() {
    let lake = TestLake::new();
    let folder = lake.folder.path().to_owned();
    fs::write(
        folder.join("cauce.toml"),
        "[schedule]\nscrape = \"1h\"\nsweep = \"2s\"\nmerge = \"1s\"\nseal = \"1s\"\n\
         [maintenance]\nsettle = \"1s\"\nlateness = \"1s\"\ngrace = \"6s\"\nseal_rows = 600\n\
         [retention]\nreplaced = \"1s\"\n\
         [venues.binance_p2p]\nbase_url = \"http://127.0.0.1:9\"\ntries = 1\n\
         [[markets]]\nvenue = \"binance_p2p\"\nasset = \"USDT\"\nfiat = \"VES\"\n",
    )
    .unwrap();
    let (stop, kills) = (AtomicBool::new(false), AtomicUsize::new(0));
    let feeding = async {
        let mut random = StdRng::seed_from_u64(9);
        let mut ids: Vec<RawId> = Vec::new();
        let days = [day("2026-03-01"), day("2026-03-02"), day("2026-03-03")];
        let end = Instant::now() + DISTURBED;
        while Instant::now() < end {
            let number = i64::try_from(ids.len()).unwrap();
            ids.push(scraped(&lake, days[random.random_range(0..days.len())], number).await);
            // What came long ago comes again, beside what is new.
            let again = &ids[random.random_range(0..ids.len())];
            lake.queue.send(&RawCreated::of(again).body()).await.unwrap();
            if random.random_range(0..12) == 0 {
                grown_old(&lake, random.random_range(0..100)).await;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        stop.store(true, Ordering::Relaxed);
        ids
    };
    let role = |name, longest| killed_again_and_again(&folder, name, longest, &stop, &kills);
    let roles = futures::future::join_all([
        role("up", 4_000),
        role("up beside it", 5_000),
        role("normalizer", 2_500),
        role("seal", 1_000),
        role("collect", 1_000),
        role("replay", 1_500),
    ]);
    let (ids, _, one, two, sealed) =
        tokio::join!(feeding, roles, reading(&lake, &stop), reading(&lake, &stop), globbing(&lake, &stop));
    let kills = kills.load(Ordering::Relaxed);
    println!(
        "{kills} kills, {} raw objects, {sealed} of them sealed, {} and {} readings",
        ids.len(),
        one.0,
        two.0
    );
    assert!(kills >= KILLS, "only {kills} kills");
    assert!(sealed > 20 && one.1.len() > 20 && one.0 > 10, "too little happened");

    // Undisturbed, everything comes to its end.
    eventually("all that was fed is normalized", Duration::from_secs(120), async || {
        run(&folder, &["normalize"]);
        let rows = sql(&folder, "SELECT count(DISTINCT raw_id) AS n FROM fact_offers");
        (rows[0]["n"] == i64::try_from(ids.len()).unwrap()).then_some(())
    })
    .await;
    run(&folder, &["seal"]);
    run(&folder, &["replay"]);
    let old = format!(
        "SELECT count(*) AS n FROM fact_offers WHERE normalizer_version <> {}",
        cauce_normalize::VERSION
    );
    assert_eq!(sql(&folder, &old)[0]["n"], 0);
    let expected: BTreeMap<&str, i64> = ids.iter().map(|id| (id.as_str(), 2 * ADS)).collect();
    let rows = sql(&folder, "SELECT raw_id, count(*) AS n FROM fact_offers GROUP BY raw_id");
    let found: BTreeMap<&str, i64> =
        rows.iter().map(|row| (row["raw_id"].as_str().unwrap(), row["n"].as_i64().unwrap())).collect();
    assert_eq!(found, expected);
    assert_equals_undisturbed(&folder, &lake.path()).await;
}
