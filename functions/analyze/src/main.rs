//! The journal on a schedule: trades, positions and figures of every account that something changed for. What does not fit into
//! one invocation, the next goes on with.

use std::{sync::Arc, time::Duration};

use cauce_function::{Function, Invocation};
use cauce_ledger::{Acquired, Lease};
use cauce_maintain::Rebuild;
use cauce_tables::Planner;
use cauce_world::World;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};

/// Time to say that it is over.
const MARGIN: Duration = Duration::from_secs(5);
/// Who has it is at work; nobody else begins.
const LEASE: &str = "journal/analyze";

/// What the schedule says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// All accounts, and not only those for which something changed.
    #[serde(default)]
    all: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Function::start("analyze").await?.run(analyze).await
}

async fn analyze(world: Arc<World>, asked: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let owner = &invocation.request_id;
    let (end, now) = (invocation.end_but(MARGIN), Utc::now());
    let ttl = invocation.until(MARGIN) - now;
    if let Acquired::HeldBy(lease) = Lease::acquire(&*world.ledger, LEASE, owner, ttl, now).await? {
        return Ok(json!({ "busy_until": lease.until }));
    }
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let which = if asked.all { Rebuild::All } else { Rebuild::Stale };
    let accounts = world.accounts().all().await?;
    let made = tokio::time::timeout_at(end.into(), maintainer.analyze(&accounts, which)).await;
    Lease::release(&*world.ledger, LEASE, owner).await?;
    match made {
        Ok(made) => Ok(json!({ "objects": made?.len() })),
        Err(_) => {
            tracing::warn!("did not fit into this invocation; the next goes on");
            Ok(json!({ "objects": "goes on" }))
        }
    }
}
