//! The group of those who push. It never reads the lake, and links no query engine.

use cauce_api::{Push, push_routes};
use cauce_function::Function;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("ingest").await?;
    let push = Push::new(&function.world, Push::LARGEST_ON_AWS).await?;
    function.serve(push_routes(push)).await
}
