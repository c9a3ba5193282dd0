//! How fast raw objects go through the queue. `CAUCE_AWS_BUNDLES` says how many: few in a test, 10,000 for the figures in
//! docs/performance.md.

use std::time::{Duration, Instant};

use cauce_intake::{Brought, Intake};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};

use crate::{stack::Stack, support::eventually};

pub(crate) async fn bundles_through_the_queue(stack: &Stack) {
    let bundles: i64 =
        std::env::var("CAUCE_AWS_BUNDLES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let intake = Intake::new(stack.store());
    let begin: DateTime<Utc> = "2026-03-10T00:00:00Z".parse().unwrap();
    let begun = Instant::now();
    stream::iter(0..bundles)
        .for_each_concurrent(16, |number| {
            let intake = intake.clone();
            async move {
                let fetched_at = begin + TimeDelta::seconds(number);
                let bytes = format!("bundle {number}");
                let brought = Brought { source: "load", name: None, fetched_at, bytes: bytes.as_bytes() };
                intake.keep(&brought).await.unwrap();
            }
        })
        .await;
    let put = begun.elapsed().as_secs_f64();
    let limit = Duration::from_secs(60 + u64::try_from(bundles / 5).unwrap());
    eventually("all rows", limit, async || {
        let stats = stack.queue().stats().await.ok()?;
        (stats.waiting == 0 && stats.in_flight == 0).then_some(())
    })
    .await;
    let all = begun.elapsed().as_secs_f64();
    assert_eq!(
        stack.count("SELECT count(DISTINCT record) AS n FROM quarantine WHERE source = 'load'"),
        bundles
    );
    println!(
        "{bundles} bundles: put in {put:.1} s ({:.0}/s), rows after {all:.1} s ({:.0}/s)",
        bundles as f64 / put,
        bundles as f64 / all
    );
}
