//! Maintenance by schedules: each names its tasks. What does not fit into one invocation, the next goes on with: every
//! task can stop anywhere.

use std::{sync::Arc, time::Duration};

use cauce_function::{Function, Invocation};
use cauce_ledger::{Acquired, Lease};
use cauce_maintain::Task;
use cauce_tables::Planner;
use cauce_world::World;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Time to say that it is over.
const MARGIN: Duration = Duration::from_secs(5);

/// What the schedule says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    tasks: Vec<Task>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Function::start("maintain").await?.run(maintain).await
}

async fn maintain(world: Arc<World>, asked: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let maintainer = world.maintainer(Planner::new(Arc::clone(&world.store)))?;
    let mut done = Map::new();
    for task in asked.tasks {
        let (lease, owner) = (format!("maintenance/{}", task.name()), &invocation.request_id);
        let end = invocation.end_but(MARGIN);
        let now = Utc::now();
        let ttl = invocation.until(MARGIN) - now;
        // Saves work; nothing depends on it.
        if let Acquired::HeldBy(lease) = Lease::acquire(&*world.ledger, &lease, owner, ttl, now).await? {
            done.insert(task.name().to_owned(), json!({ "busy_until": lease.until }));
            continue;
        }
        let performed =
            tokio::time::timeout_at(end.into(), maintainer.perform(task, &*world.queue, now)).await;
        Lease::release(&*world.ledger, &lease, owner).await?;
        let Ok(performed) = performed else {
            tracing::warn!(task = task.name(), "did not fit into this invocation; the next goes on");
            done.insert(task.name().to_owned(), json!("goes on"));
            break;
        };
        done.insert(task.name().to_owned(), json!(performed?));
    }
    Ok(Value::Object(done))
}
