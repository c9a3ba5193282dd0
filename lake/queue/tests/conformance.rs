//! The embedded queue keeps the promises of every queue.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cauce_queue::{Queue, SqliteQueue, conformance::Suite};
use chrono::{DateTime, TimeDelta, Utc};

/// The suite over a queue whose clock the suite moves.
async fn conforms(queue: SqliteQueue) {
    let passed = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&passed);
    let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
    let queue = queue.with_clock(move || start + TimeDelta::microseconds(clock.load(Ordering::SeqCst)));
    let let_pass = async |time: Duration| {
        passed.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    };
    let suite = Suite { visibility: Duration::from_secs(30), tells_late: true };
    suite.run(Arc::new(queue), let_pass).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    conforms(SqliteQueue::in_memory().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    conforms(SqliteQueue::open(&folder.path().join("queue.sqlite")).unwrap()).await;
}

#[tokio::test]
async fn messages_outlive_the_process_that_had_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.sqlite");
    let queue = SqliteQueue::open(&file).unwrap();
    queue.send("waiting").await.unwrap();
    queue.send("lent").await.unwrap();
    queue.receive(1, Duration::from_secs(60)).await.unwrap();
    drop(queue);
    let stats = SqliteQueue::open(&file).unwrap().stats().await.unwrap();
    assert_eq!((stats.waiting, stats.in_flight), (1, 1));
}

#[tokio::test]
async fn a_message_that_waits_is_not_doubled() {
    let queue = SqliteQueue::in_memory().unwrap();
    for _ in 0..3 {
        queue.send("same").await.unwrap();
    }
    assert_eq!(queue.stats().await.unwrap().waiting, 1);
}
