//! The group of accounts, and of importing their trades. It reads what is known of an account, and links no query engine.

use std::sync::Arc;

use cauce_api::{Journal, Push, journal_routes};
use cauce_function::Function;
use cauce_tables::Planner;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("journal").await?;
    let planner = Planner::new(Arc::clone(&function.world.store));
    let journal = Journal::new(&function.world, planner, Push::LARGEST_ON_AWS)?;
    function.serve(journal_routes(journal)).await
}
