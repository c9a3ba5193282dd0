//! The group of those who push. It never reads the lake, and links no query engine.

use std::sync::Arc;

use cauce_api::{Push, push_routes, served};
use cauce_function::Function;
use cauce_intake::Intake;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("ingest").await?;
    let push = Push {
        intake: Intake::new(Arc::clone(&function.world.store)),
        ledger: Arc::clone(&function.world.ledger),
        uploads: function.world.uploads.clone(),
        largest_body: Push::LARGEST_ON_AWS,
    };
    function.serve(served(push_routes(push))).await
}
