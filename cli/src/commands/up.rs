use std::net::SocketAddr;

use crate::{Done, figures, lake_of, serving};
use cauce_world::World;
use tokio::sync::Notify;

/// Everything in one process.
pub(crate) async fn run(world: &World, listen: SocketAddr) -> anyhow::Result<Done> {
    let listener = serving::listen(listen).await?;
    println!("cauce is up: http://{}/", listener.local_addr()?);
    let lake = lake_of(world);
    let figures = figures::collect()?;
    let (scraper, worker) = (world.scraper(), world.worker());
    let (events, trades, analyzed) = (Notify::new(), Notify::new(), Notify::new());
    tokio::select! {
        ended = serving::schedule(world, &scraper) => ended?,
        ended = serving::normalize(&worker, &events, &trades) => ended?,
        ended = serving::paying(world, &lake, &events) => ended?,
        ended = serving::fetching(world, &lake) => ended?,
        ended = serving::analyzing(world, &lake, &trades, &analyzed) => ended?,
        ended = serving::delivering(world, &lake, &analyzed) => ended?,
        ended = serving::enriching(world) => ended?,
        ended = serving::rating(world) => ended?,
        ended = serving::polling(world) => ended?,
        ended = serving::taking_in(world) => ended?,
        ended = serving::sweeping(world, &lake) => ended?,
        ended = serving::maintaining(world, &lake) => ended?,
        ended = serving::api(world, lake.clone(), listener, figures) => ended?,
        asked = serving::asked_to_stop() => asked?,
    }
    Ok(Done::Whole)
}

/// The API and the page only.
pub(crate) async fn serve(world: &World, listen: SocketAddr) -> anyhow::Result<Done> {
    let listener = serving::listen(listen).await?;
    println!("cauce serves: http://{}/", listener.local_addr()?);
    let (lake, figures) = (lake_of(world), figures::collect()?);
    tokio::select! {
        ended = serving::api(world, lake, listener, figures) => ended?,
        asked = serving::asked_to_stop() => asked?,
    }
    Ok(Done::Whole)
}
