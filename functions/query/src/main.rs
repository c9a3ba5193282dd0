//! The groups of those who ask. And, as a function of its own that the schedule starts, who watches how payments go: it
//! needs what answering needs, and nobody waits for it.

use std::sync::Arc;

use cauce_api::{Api, LargeAnswers, query_routes, watch_payments};
use cauce_function::{Function, Invocation};
use cauce_query::Lake;
use cauce_world::World;
use chrono::Utc;
use serde_json::{Map, Value, json};

/// Set, to anything, where this is the one that watches.
const WATCHES: &str = "CAUCE_WATCHES_PAYMENTS";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::var_os(WATCHES).is_some() {
        return Function::start("watch").await?.run(watch).await;
    }
    let function = Function::start("query").await?;
    let lake = Lake::new(Arc::clone(&function.world.store));
    let api = Api::new(&function.world, lake)?.behind_gateway(LargeAnswers::FROM_ON_AWS);
    function.serve(query_routes(api)).await
}

/// Judges the last full hour. What is unusual is in the figures, in the log, and in the answer.
async fn watch(world: Arc<World>, _: Map<String, Value>, _: Invocation) -> anyhow::Result<Value> {
    let unusual = watch_payments(&Lake::new(Arc::clone(&world.store)), Utc::now()).await?;
    for one in &unusual {
        let measure = one.measure.as_str();
        tracing::warn!(provider = one.provider, measure, value = ?one.value, usual = one.usual, "unusual hour");
    }
    Ok(json!({ "unusual": unusual }))
}
