//! The group of those who run it.

use std::sync::Arc;

use cauce_api::{Api, admin_routes, served};
use cauce_function::Function;
use cauce_query::Lake;
use chrono::TimeDelta;

/// The gateway waits for 30 s, for a run by hand, too.
const RUN_LIMIT: TimeDelta = TimeDelta::seconds(24);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("admin").await?;
    let lake = Lake::new(Arc::clone(&function.world.store));
    let api = Api { run_limit: Some(RUN_LIMIT), ..Api::new(&function.world, lake)? };
    function.serve(served(admin_routes(api))).await
}
