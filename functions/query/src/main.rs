//! The groups of those who ask.

use std::sync::Arc;

use cauce_api::{Api, LargeAnswers, query_routes};
use cauce_function::Function;
use cauce_query::Lake;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("query").await?;
    let lake = Lake::new(Arc::clone(&function.world.store));
    let api = Api::new(&function.world, lake)?.behind_gateway(LargeAnswers::FROM_ON_AWS);
    function.serve(query_routes(api)).await
}
