//! Takes over the events that the system before keeps in PostgreSQL, by a schedule.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use cauce_function::{Function, Invocation};
use cauce_world::World;
use serde::Deserialize;
use serde_json::{Value, json};

/// Time for the batch that is under way.
const MARGIN: Duration = Duration::from_secs(60);

/// What the schedule says: nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Function::start("poll").await?.run(poll).await
}

async fn poll(world: Arc<World>, _: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let poller = world
        .poller()
        .await?
        .context("no database is configured; [poller] in the bucket's config names one")?;
    Ok(json!(poller.poll(Some(invocation.end_but(MARGIN))).await?))
}
