//! Asks brokers for what their accounts traded since they were asked last, by a schedule.

use std::{sync::Arc, time::Duration};

use cauce_function::{Function, Invocation};
use cauce_importer::Cycle;
use cauce_tables::Planner;
use cauce_world::World;
use serde::Deserialize;
use serde_json::{Value, json};

/// Time to keep what was heard, and to count it.
const MARGIN: Duration = Duration::from_secs(60);

/// What the schedule says: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Function::start("fetch").await?.run(fetch).await
}

async fn fetch(world: Arc<World>, _: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let accounts = world.accounts().all().await?.into_values().collect();
    let fetcher = world.fetcher(Planner::new(Arc::clone(&world.store)));
    Ok(match fetcher.cycle(accounts, invocation.end_but(MARGIN)).await? {
        Cycle::Busy(lease) => json!({ "busy_until": lease.until }),
        Cycle::Ended(report) => {
            let trades: u32 = report.accounts.iter().map(|account| account.trades).sum();
            json!({
                "run_id": report.run_id,
                "accounts": report.accounts.len(),
                "failed": report.failed(),
                "trades": trades,
            })
        }
    })
}
