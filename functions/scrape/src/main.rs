//! Asks the markets of one venue and group. Two invocations of one schedule never ask side by side.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use cauce_function::{Function, Invocation};
use cauce_model::{Market, RunId, Venue};
use cauce_sources::{Outcome, RunOptions};
use cauce_world::{DEFAULT_GROUP, World};
use serde::Deserialize;
use serde_json::{Value, json};

/// Time for the last flush and the report.
const MARGIN: Duration = Duration::from_secs(20);

/// What the schedule says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// All venues, unless it names one.
    venue: Option<Venue>,
    /// The group of markets in the configuration.
    #[serde(default = "default_group")]
    group: String,
    /// Not markets, but what currencies are worth.
    #[serde(default)]
    rates: bool,
    /// One market, now: a run by hand, whose id is known to whoever asked for it.
    market: Option<Market>,
    /// That id.
    run_id: Option<RunId>,
}

fn default_group() -> String {
    DEFAULT_GROUP.to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    Function::start("scrape").await?.run(scrape).await
}

async fn scrape(world: Arc<World>, asked: Asked, invocation: Invocation) -> anyhow::Result<Value> {
    let Asked { venue, group, rates, market, run_id } = asked;
    if rates {
        return Ok(json!({ "raw_id": world.fetch_rates().await? }));
    }
    let until = Some(invocation.until(MARGIN));
    let trace_id = invocation.trace_id.clone();
    if let Some(market) = market {
        let options = RunOptions { run_id, until, trace_id, ..RunOptions::by_hand() };
        return said(world.scraper().run(&[market], &options).await?);
    }
    let of_venue = |market: &Market| venue.as_ref().is_none_or(|venue| *venue == market.venue);
    let markets: Vec<Market> = world.config.markets_in(&group).into_iter().filter(of_venue).collect();
    ensure!(
        !markets.is_empty(),
        "no [[markets]] of the group '{group}' fit; config/cauce.toml in the bucket has them"
    );
    let venue = venue.map_or_else(|| "all".to_owned(), |venue| venue.to_string());
    let options =
        RunOptions { schedule: Some(format!("{venue}/{group}")), until, trace_id, ..RunOptions::default() };
    said(world.scraper().run(&markets, &options).await?)
}

fn said(outcome: Outcome) -> anyhow::Result<Value> {
    Ok(match outcome {
        Outcome::Done(report) => json!({
            "run_id": report.run_id,
            "status": report.status,
            "offers": report.offers_received(),
            "errors": report.unresolved().count(),
        }),
        Outcome::Busy(lease) => json!({ "status": "busy", "run_id": lease.owner, "until": lease.until }),
        Outcome::Overtaken(run_id) => json!({ "status": "overtaken", "run_id": run_id }),
    })
}
