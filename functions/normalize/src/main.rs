//! Raw objects from the queue to hot files. Takes no new work when half of its time is gone.

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use cauce_function::{Function, Invocation, deliveries, failures};
use cauce_world::World;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Function::start("normalize").await?.run(normalize).await
}

async fn normalize(
    world: Arc<World>,
    event: SqsEvent,
    invocation: Invocation,
) -> anyhow::Result<SqsBatchResponse> {
    let handled = world.worker().handle(deliveries(event), Some(invocation.half())).await?;
    Ok(failures(handled.failed))
}
