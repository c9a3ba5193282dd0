//! Events that no rule knows, put before a language model. Its answers are raw objects, which become rows like all others.

use std::sync::Arc;

use anyhow::Context;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use cauce_function::{Function, Invocation, deliveries, failures};
use cauce_world::World;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Function::start("enrich").await?.run(enrich).await
}

async fn enrich(
    world: Arc<World>,
    event: SqsEvent,
    invocation: Invocation,
) -> anyhow::Result<SqsBatchResponse> {
    let enricher = world
        .enricher()
        .await?
        .context("no model is configured; [model] in the bucket's config names one")?;
    let handled = enricher.handle(deliveries(event), Some(invocation.half())).await?;
    Ok(failures(handled.failed))
}
