//! Messages that come twice, out of order, or not at all; and those that can't be handled.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cauce_maintain::sweep;
use cauce_model::{RawId, TradeType};
use cauce_queue::{Queue, RawCreated, SqliteQueue};
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use cauce_simulator::{Simulator, SimulatorTransport};
use cauce_sources::{RunOptions, VirtualClock};
use cauce_tables::{CountedFile, Days, Planner, Table, Take};
use cauce_worker::Worker;
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path};

use crate::support::{TestLake, market};

/// A lake with the raw objects of four runs, not yet normalized.
async fn scraped() -> (TestLake, Vec<RawId>) {
    let lake = TestLake::new();
    let clock = VirtualClock::at("2026-03-01T10:00:00Z".parse().unwrap());
    let simulator = Arc::new(Simulator::new(3, Arc::new(clock.clone())));
    let transport = Arc::new(SimulatorTransport(simulator));
    let scraper = lake.scraper("http://simulated", Arc::new(clock.clone()), transport);
    for _ in 0..4 {
        let markets = TradeType::ALL.map(|side| market("USDT", "VES", side));
        scraper.run(&markets, &RunOptions::default()).await.unwrap();
        clock.advance(TimeDelta::minutes(10));
    }
    let mut ids: Vec<RawId> = lake.raw().list(|_| true).map_ok(|(id, _)| id).try_collect().await.unwrap();
    // In the order of their runs; a directory lists in its own.
    ids.sort();
    (lake, ids)
}

/// A worker with a queue of its own on the same lake.
async fn worker_with(lake: &TestLake, ids: &[&RawId]) -> Worker {
    let queue = Arc::new(SqliteQueue::in_memory().unwrap());
    for id in ids {
        queue.send(&RawCreated::of(id).body()).await.unwrap();
    }
    Worker { queue, ..lake.worker() }
}

async fn offers(lake: &TestLake) -> Vec<String> {
    let rows = lake.ask("SELECT * FROM fact_offers ORDER BY raw_id, raw_pos, rank").await;
    rows.into_iter().map(|row| serde_json::Value::Object(row).to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_again_in_other_batches_and_orders_every_row_is_there_once() {
    let (calm, _) = scraped().await;
    calm.worker().drain(|_| ()).await.unwrap();
    let (lake, ids) = scraped().await;
    let market_objects: Vec<&RawId> = ids.iter().filter(|id| id.kind() == kind::MARKET_SNAPSHOT).collect();
    let [a, b, c, d] = market_objects[..] else { panic!("{ids:?}") };
    // Overlapping batches, alone, in another order, side by side.
    let batches: [&[&RawId]; 6] = [&[a, b], &[b, c], &[d], &[c, b, a], &[d, a], &[b]];
    let workers = futures::future::join_all(batches.map(|batch| worker_with(&lake, batch))).await;
    let drained = futures::future::join_all(workers.iter().map(|worker| worker.drain(|_| ()))).await;
    assert!(drained.into_iter().all(|drained| drained.unwrap().failed == 0));

    let planner = Planner::new(Arc::clone(&lake.store));
    let files = planner.census(Table::FactOffers, Days::ALL).await.unwrap();
    let supplied: Vec<_> = files.iter().flat_map(|file| file.supplies()).collect();
    assert_eq!(supplied.len(), 4, "each from one file: {supplied:?}");
    let in_part = |file: &CountedFile| matches!(file.rows(), Some(Take::Ranges { .. }));
    assert!(files.iter().any(in_part), "some file is read in part");
    let strip = |rows: Vec<String>| -> Vec<String> {
        // Run ids differ between the two lakes; everything else is the same.
        rows.iter()
            .map(|row| row.split_once("\"extraction_timestamp\"").unwrap().1.to_owned())
            .map(cut_lineage)
            .collect()
    };
    let (ours, expected) = (strip(offers(&lake).await), strip(offers(&calm).await));
    assert!(ours.len() > 300 && ours == expected, "{} rows, {} expected", ours.len(), expected.len());
}

fn cut_lineage(row: String) -> String {
    row.split_once("\"raw_id\"").map_or(row.clone(), |(before, _)| before.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_event_is_found_by_the_sweep() {
    let (lake, ids) = scraped().await;
    let lost = SqliteQueue::in_memory().unwrap();
    let (planner, now) = (Planner::new(Arc::clone(&lake.store)), Utc::now());
    let young = sweep(&lake.raw(), &planner, &lost, Days::ALL, TimeDelta::minutes(5), now).await.unwrap();
    assert_eq!((young.objects, young.queued), (ids.len() as u64, 0), "they may still be on their way");
    let found = sweep(&lake.raw(), &planner, &lost, Days::ALL, TimeDelta::zero(), now).await.unwrap();
    assert_eq!(found.queued, ids.len() as u64);
    Worker { queue: Arc::new(lost.clone()), ..lake.worker() }.drain(|_| ()).await.unwrap();
    let again = sweep(&lake.raw(), &planner, &lost, Days::ALL, TimeDelta::zero(), now).await.unwrap();
    assert_eq!(again.queued, 0, "all are covered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_two_tables_leaves_every_table_right() {
    let (lake, _) = scraped().await;
    lake.worker().drain(|_| ()).await.unwrap();
    let expected = offers(&lake).await;
    // What a worker leaves that died after some of its files: the offers are not there, the message comes back.
    let hot: Vec<_> = lake.store.list(Some(&Path::from("hot/fact_offers"))).try_collect().await.unwrap();
    for meta in hot {
        lake.store.delete(&meta.location).await.unwrap();
    }
    assert_eq!(offers(&lake).await.len(), 0);
    let planner = Planner::new(Arc::clone(&lake.store));
    sweep(&lake.raw(), &planner, &*lake.queue, Days::ALL, TimeDelta::zero(), Utc::now()).await.unwrap();
    // This time in batches of one.
    let mut alone = lake.worker();
    alone.settings.messages = 1;
    alone.drain(|_| ()).await.unwrap();
    assert!(offers(&lake).await == expected);
    let depth =
        &lake.ask("SELECT count(*) AS n, count(DISTINCT snapshot_id) AS d FROM fact_market_depth").await[0];
    assert_eq!((&depth["n"], &depth["d"]), (&8.into(), &8.into()), "covered twice, read once");
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_dies_alone_with_its_reasons_and_is_redriven_after_the_cure() {
    let (lake, _) = scraped().await;
    let at: DateTime<Utc> = "2026-03-01T11:00:00Z".parse().unwrap();
    let mut bundle = Bundle::new("binance_p2p", kind::FILE, at.date_naive(), "11");
    bundle.push(&Envelope::bare(&b"{}"[..], at)).unwrap();
    let cure = bundle.seal("poison").unwrap();
    let path = Path::from(cure.id.key());
    lake.store.put(&path, "not zstd".into()).await.unwrap();

    let drained = lake.worker().drain(|_| ()).await.unwrap();
    assert_eq!((drained.done, drained.failed), (8, 3), "four runs and their reports; the poison three times");
    let letters = lake.queue.dead_letters().await.unwrap();
    assert_eq!(RawCreated::parse(&letters[0].body).unwrap(), std::slice::from_ref(&cure.id));
    assert!(letters[0].attempts.iter().all(|attempt| attempt.reason.contains("is damaged")), "{letters:?}");
    // A sweep leaves it to whoever redrives it.
    let planner = Planner::new(Arc::clone(&lake.store));
    let swept =
        sweep(&lake.raw(), &planner, &*lake.queue, Days::ALL, TimeDelta::zero(), Utc::now()).await.unwrap();
    assert_eq!(swept.queued, 0);

    lake.store.put(&path, cure.bytes.clone().into()).await.unwrap();
    lake.queue.redrive(None).await.unwrap();
    let drained = lake.worker().drain(|_| ()).await.unwrap();
    assert_eq!((drained.done, drained.failed), (1, 0));
    let kept = lake.ask("SELECT rule FROM quarantine").await;
    assert_eq!(
        kept[0]["rule"], "unknown_shape",
        "an empty object is no page; it is kept, and the rule is named"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_nobody_knows_said_is_kept() {
    let lake = TestLake::new();
    let at: DateTime<Utc> = "2026-03-01T11:00:00Z".parse().unwrap();
    let mut bundle = Bundle::new("somebody", kind::FILE, at.date_naive(), "11");
    bundle.push(&Envelope::bare(&b"\xff\xfe hello"[..], at)).unwrap();
    RawZone::new(Arc::clone(&lake.store)).put(&bundle.seal("words").unwrap()).await.unwrap();
    lake.worker().drain(|_| ()).await.unwrap();
    let kept = lake.ask("SELECT source, rule, raw_key FROM quarantine").await;
    assert_eq!(
        (kept[0]["source"].as_str(), kept[0]["rule"].as_str()),
        (Some("somebody"), Some("unknown_source"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_tries_one_suspect_at_a_time_and_hands_back_what_it_has_no_time_for() {
    let (lake, ids) = scraped().await;
    let worker = worker_with(&lake, &ids.iter().collect::<Vec<_>>()).await;
    let (all, visibility) = (u32::try_from(ids.len()).unwrap(), Duration::from_millis(1));
    // Received once, by somebody who never came back.
    worker.queue.receive(all, visibility).await.unwrap();
    tokio::time::sleep(visibility * 5).await;
    let again = worker.queue.receive(all, Duration::from_secs(60)).await.unwrap();
    assert!(again.len() == ids.len() && again.iter().all(|delivery| delivery.receipts == 2));
    let handled = worker.handle(again, Some(Instant::now() + Duration::from_secs(60))).await.unwrap();
    assert_eq!(handled.counts.done, 1, "the others would have died with it");
    let rest = worker.queue.receive(all, Duration::from_secs(60)).await.unwrap();
    assert_eq!(rest.len(), ids.len() - 1, "they are there at once");

    let late = worker.handle(rest, Some(Instant::now())).await.unwrap();
    assert_eq!((late.counts.done, late.failed.len()), (0, 0), "nothing was begun, and nothing failed");
    let drained = worker.drain(|_| ()).await.unwrap();
    assert_eq!(drained.done, u64::from(all) - 1);
}
