//! The group of those who run it.

use std::{sync::Arc, time::Duration};

use cauce_api::{Api, admin_routes};
use cauce_function::Function;
use cauce_query::Lake;
use chrono::TimeDelta;

/// The gateway waits for 30 s, for a run by hand, too.
const RUN_LIMIT: TimeDelta = TimeDelta::seconds(24);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("admin").await?;
    let lake = Lake::new(Arc::clone(&function.world.store));
    // Nothing goes on here after an answer: a run ends by its limit, and what it has is put before it is answered.
    let (run_limit, run_patience) = (Some(RUN_LIMIT), Duration::from_secs(29));
    let api = Api { run_limit, run_patience, ..Api::new(&function.world, lake)? };
    let gate = function.gate()?;
    function.serve(admin_routes(api, gate)).await
}
