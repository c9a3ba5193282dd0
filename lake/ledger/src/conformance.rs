//! What every ledger must do. Each adapter's tests call [`run`]; an adapter is one when it passes.

use std::sync::Arc;

use cauce_model::RunId;
use chrono::{DateTime, TimeDelta, Utc};

use crate::{Acquired, Job, Jobs, Lease, Ledger, LedgerError, Slots, update};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000 + second)
}

/// Runs the suite on an empty ledger. A panic says which promise is broken.
///
/// # Panics
/// If the ledger breaks a promise.
pub async fn run(ledger: Arc<dyn Ledger>) -> Result<(), LedgerError> {
    items_are_written_conditionally(&*ledger).await?;
    concurrent_updates_are_all_counted(&ledger).await?;
    a_lease_has_one_owner(&*ledger).await?;
    slots_keep_their_distance(&*ledger).await?;
    jobs_come_and_go(&*ledger).await
}

async fn items_are_written_conditionally(ledger: &dyn Ledger) -> Result<(), LedgerError> {
    assert_eq!(ledger.get("a").await?, None);
    assert!(ledger.put_if("a", "1", None).await?);
    assert!(!ledger.put_if("a", "2", None).await?, "an item that exists is not made again");
    let first = ledger.get("a").await?.map(|item| item.version).unwrap_or_default();
    assert!(ledger.put_if("a", "2", Some(first)).await?);
    assert!(!ledger.put_if("a", "3", Some(first)).await?, "an old version is not replaced");
    assert_eq!(ledger.get("a").await?.map(|item| item.value), Some("2".to_owned()));
    assert!(!ledger.delete_if("a", first).await?, "an old version is not deleted");
    assert!(!ledger.put_if("none", "1", Some(1)).await?, "an item that is not there has no version");
    assert!(ledger.put_if("ab", "x", None).await?);
    assert!(ledger.put_if("a%", "y", None).await?);
    let keys: Vec<String> = ledger.list("a").await?.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "a%", "ab"]);
    assert_eq!(ledger.list("a%").await?.len(), 1, "a prefix is not a pattern");
    Ok(())
}

async fn concurrent_updates_are_all_counted(ledger: &Arc<dyn Ledger>) -> Result<(), LedgerError> {
    let add = |ledger: Arc<dyn Ledger>| async move {
        for _ in 0..10 {
            update(&*ledger, "counter", |count: Option<u32>| (Some(count.unwrap_or(0) + 1), ())).await?;
        }
        Ok::<(), LedgerError>(())
    };
    let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(add(Arc::clone(ledger)))).collect();
    for task in tasks {
        assert!(matches!(task.await, Ok(Ok(()))), "an update failed");
    }
    let count: Option<u32> = crate::read(&**ledger, "counter").await?;
    assert_eq!(count, Some(80));
    Ok(())
}

async fn a_lease_has_one_owner(ledger: &dyn Ledger) -> Result<(), LedgerError> {
    let ttl = TimeDelta::seconds(30);
    assert_eq!(Lease::acquire(ledger, "scrape", "one", ttl, at(0)).await?, Acquired::Yes);
    let held = Acquired::HeldBy(Lease { owner: "one".to_owned(), until: at(30) });
    assert_eq!(Lease::acquire(ledger, "scrape", "two", ttl, at(29)).await?, held);
    assert_eq!(Lease::acquire(ledger, "scrape", "one", ttl, at(20)).await?, Acquired::Yes, "renewed");
    Lease::release(ledger, "scrape", "two").await?;
    assert!(matches!(Lease::acquire(ledger, "scrape", "two", ttl, at(49)).await?, Acquired::HeldBy(_)));
    assert_eq!(Lease::acquire(ledger, "scrape", "two", ttl, at(50)).await?, Acquired::Yes, "expired");
    Lease::release(ledger, "scrape", "two").await?;
    assert_eq!(Lease::acquire(ledger, "scrape", "one", ttl, at(50)).await?, Acquired::Yes, "given back");
    Ok(())
}

async fn slots_keep_their_distance(ledger: &dyn Ledger) -> Result<(), LedgerError> {
    let pace = TimeDelta::seconds(2);
    assert_eq!(Slots::reserve(ledger, "venue", pace, at(0)).await?, at(0));
    assert_eq!(Slots::reserve(ledger, "venue", pace, at(0)).await?, at(2));
    assert_eq!(Slots::reserve(ledger, "other", pace, at(0)).await?, at(0), "each venue has its own");
    Slots::postpone(ledger, "venue", at(60)).await?;
    Slots::postpone(ledger, "venue", at(10)).await?;
    assert_eq!(Slots::reserve(ledger, "venue", pace, at(5)).await?, at(60));
    assert_eq!(Slots::reserve(ledger, "venue", pace, at(100)).await?, at(100), "no slot lies in the past");
    Ok(())
}

async fn jobs_come_and_go(ledger: &dyn Ledger) -> Result<(), LedgerError> {
    let run_id = RunId::starting(at(0));
    let job =
        Job { run_id, job: "p2p_scrape".to_owned(), started_at: at(0), markets: 3, alive_until: at(30) };
    Jobs::start(ledger, &job).await?;
    assert!(Jobs::beat(ledger, run_id, TimeDelta::seconds(30), at(10)).await?);
    assert_eq!(Jobs::get(ledger, run_id).await?, Some(Job { alive_until: at(40), ..job }));
    assert_eq!(Jobs::all(ledger).await?.len(), 1);
    Jobs::end(ledger, run_id).await?;
    Jobs::end(ledger, run_id).await?;
    assert!(!Jobs::beat(ledger, run_id, TimeDelta::seconds(30), at(20)).await?, "a closed run is told so");
    assert_eq!(Jobs::all(ledger).await?, []);
    Ok(())
}
