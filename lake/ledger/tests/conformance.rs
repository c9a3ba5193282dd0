//! The embedded ledger keeps the promises of every ledger.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

use std::sync::Arc;

use cauce_ledger::{Ledger, SqliteLedger, conformance};

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    conformance::run(Arc::new(SqliteLedger::in_memory().unwrap())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    conformance::run(Arc::new(SqliteLedger::open(&folder.path().join("ledger.sqlite")).unwrap()))
        .await
        .unwrap();
}

#[tokio::test]
async fn two_processes_share_a_file_and_it_outlives_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/ledger.sqlite");
    let one = SqliteLedger::open(&file).unwrap();
    let two = SqliteLedger::open(&file).unwrap();
    assert!(one.put_if("key", "1", None).await.unwrap());
    assert!(!two.put_if("key", "2", None).await.unwrap());
    drop((one, two));
    let later = SqliteLedger::open(&file).unwrap();
    assert_eq!(later.get("key").await.unwrap().unwrap().value, "1");
}
