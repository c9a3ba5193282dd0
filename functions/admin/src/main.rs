//! The group of those who run it, and the page.

mod elsewhere;

use std::sync::Arc;

use cauce_api::{Api, Elsewhere, admin_routes};
use cauce_function::Function;
use cauce_query::Lake;
use elsewhere::ScrapeFunction;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let function = Function::start("admin").await?;
    let lake = Lake::new(Arc::clone(&function.world.store));
    // Nothing goes on here after an answer, so a run by hand is the scrape function's.
    let scrape: Arc<dyn Elsewhere> = Arc::new(ScrapeFunction::from_environment().await?);
    let api = Api { elsewhere: Some(scrape), ..Api::new(&function.world, lake)? };
    let gate = function.gate()?;
    function.serve(admin_routes(api, gate)).await
}
