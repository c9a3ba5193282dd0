//! What is put under `inbox/<source>/` becomes a raw object and leaves the inbox.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use cauce_function::{Function, Invocation, deliveries, failures};
use cauce_world::World;

const RETRY_IN: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Function::start("inbox").await?.run(take).await
}

async fn take(world: Arc<World>, event: SqsEvent, _: Invocation) -> anyhow::Result<SqsBatchResponse> {
    let queue = world.inbox.as_deref().context("the inbox has no queue")?;
    let settled = world.intake().take_all(queue, deliveries(event), RETRY_IN).await?;
    Ok(failures(settled.failed))
}
