//! Delivers trades to other platforms, by a schedule.

use std::{sync::Arc, time::Duration};

use cauce_deliver::Cycle;
use cauce_function::{Function, Invocation};
use cauce_tables::Planner;
use cauce_world::World;
use serde::Deserialize;
use serde_json::{Value, json};

/// Time for the answer that is waited for, and for the report.
const MARGIN: Duration = Duration::from_secs(60);

/// What the schedule says: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Function::start("deliver").await?.run(deliver).await
}

async fn deliver(world: Arc<World>, _: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let sinks = world.sinks().await;
    let deliverer = world.deliverer(Planner::new(Arc::clone(&world.store)));
    let said = match deliverer.cycle(&sinks, invocation.end_but(MARGIN)).await? {
        Cycle::Busy(lease) => json!({ "busy_until": lease.until }),
        Cycle::Ended(report) => {
            json!({ "batches": report.batches.len(), "failed": report.failed() })
        }
    };
    // The others were served; somebody has to see to this one.
    match sinks.iter().find_map(|(name, sink)| Some((name, sink.as_ref().err()?))) {
        Some((name, why)) => anyhow::bail!("nothing is delivered to {name}: {why}"),
        None => Ok(said),
    }
}
