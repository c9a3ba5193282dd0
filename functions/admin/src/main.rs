//! The group of those who run it.

use std::sync::Arc;

use cauce_api::{Api, admin_routes, served};
use cauce_function::Function;
use cauce_query::Lake;
use chrono::Utc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let started_at = Utc::now();
    let function = Function::start("admin").await?;
    let world = &function.world;
    let api = Api {
        lake: Lake::new(Arc::clone(&world.store)),
        store: Arc::clone(&world.store),
        ledger: Arc::clone(&world.ledger),
        queue: Arc::clone(&world.queue),
        scraper: world.scraper(),
        freshness: world.config.maintenance()?.quality.freshness,
        started_at,
    };
    function.serve(served(admin_routes(api))).await
}
