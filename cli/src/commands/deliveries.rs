use std::{sync::Arc, time::Instant};

use cauce_deliver::Cycle;
use cauce_ledger::Batch;
use cauce_model::RunStatus;
use cauce_tables::Planner;
use cauce_world::World;

use crate::{
    Done,
    args::{Deliveries, DeliveriesAction},
};

/// Trades on their way to other platforms.
pub(crate) async fn run(world: &World, asked: &Deliveries) -> anyhow::Result<Done> {
    match &asked.action {
        DeliveriesAction::List { json } => list(world, *json).await,
        DeliveriesAction::Retry { ids } => retry(world, ids).await,
        DeliveriesAction::Send { json } => send(world, *json).await,
    }
}

async fn list(world: &World, json: bool) -> anyhow::Result<Done> {
    let mut batches = Batch::all(&*world.ledger).await?;
    batches.retain(|batch| batch.answer.is_none());
    if json {
        println!("{}", serde_json::to_string_pretty(&batches)?);
        return Ok(Done::Whole);
    }
    for batch in &batches {
        let state = if batch.set_aside { "set aside" } else { "waiting" };
        let error = batch.last_error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        println!(
            "{}  {:<16} {state:<9} {} trades since {}, {} failures{error}",
            batch.id,
            batch.sink,
            batch.trades.len(),
            batch.made_at.format("%Y-%m-%d %H:%M:%S"),
            batch.failures
        );
    }
    if batches.is_empty() {
        println!("nothing waits");
    }
    Ok(Done::Whole)
}

async fn retry(world: &World, ids: &[String]) -> anyhow::Result<Done> {
    let (mut again, mut found) = (0, 0);
    for batch in Batch::all(&*world.ledger).await? {
        let is_named = ids.contains(&batch.id);
        found += usize::from(is_named);
        let is_wanted = batch.set_aside && (ids.is_empty() || is_named);
        if is_wanted && batch.retry(&*world.ledger).await? {
            again += 1;
        }
    }
    println!("{again} batches go again in the next cycle; cauce deliveries send makes one now");
    Ok(if found < ids.len() {
        println!("{} of the ids are of no batch that waits", ids.len() - found);
        Done::Partly
    } else {
        Done::Whole
    })
}

async fn send(world: &World, json: bool) -> anyhow::Result<Done> {
    let sinks = world.sinks().await;
    anyhow::ensure!(
        !sinks.is_empty(),
        "nothing says where trades are delivered; [[deliveries]] of the configuration does"
    );
    let deliverer = world.deliverer(Planner::new(Arc::clone(&world.store)));
    let report = match deliverer.cycle(&sinks, Instant::now() + world.config.brokers.cycle_time).await? {
        Cycle::Ended(report) => report,
        Cycle::Busy(lease) => {
            anyhow::bail!("another cycle is under way, until {} at the latest", lease.until)
        }
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        for batch in &report.batches {
            let error = batch.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            println!(
                "{}  {:<16} {:<9} {} created, {} duplicates, {} rejected{error}",
                batch.delivery_id,
                batch.sink,
                batch.status.as_str(),
                batch.created,
                batch.duplicates,
                batch.rejections.len()
            );
        }
        if report.batches.is_empty() {
            println!("nothing to deliver");
        }
    }
    // What is wrong with one of them, the cycle has said.
    let all_reached = sinks.values().all(Result::is_ok);
    Ok(match report.status() {
        RunStatus::Completed if all_reached => Done::Whole,
        RunStatus::Failed => Done::Not,
        _ => Done::Partly,
    })
}
