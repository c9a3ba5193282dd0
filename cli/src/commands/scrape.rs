use cauce_model::{Market, MarketStatus, RunReport, RunStatus, TradeType};
use cauce_sources::{Outcome, RunOptions};
use cauce_world::World;
use indicatif::ProgressBar;

use crate::{Done, args::Scrape, commands::demo::style};

/// One run. Its raw objects wait in the queue for `cauce normalize`, or for a `cauce up` on the same lake.
pub(crate) async fn run(world: &World, scrape: &Scrape) -> anyhow::Result<Done> {
    let markets = chosen(world, scrape)?;
    let bar = ProgressBar::new(markets.len() as u64).with_style(style()?).with_message("markets");
    let shown = bar.clone();
    let progress = std::sync::Arc::new(move |ended: usize, _: usize, _: &_| shown.set_position(ended as u64));
    let options = RunOptions { progress: Some(progress), ..RunOptions::default() };
    let outcome = world.scraper().run(&markets, &options).await?;
    bar.finish_and_clear();
    let report = match outcome {
        Outcome::Done(report) => report,
        Outcome::Busy(lease) => {
            anyhow::bail!("run {} is under way until {}; try again then", lease.owner, lease.until)
        }
        Outcome::Overtaken(run_id) => anyhow::bail!("run {run_id} was closed by another before it ended"),
    };
    if scrape.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(match report.status {
        RunStatus::Completed | RunStatus::Running => Done::Whole,
        RunStatus::Partial => Done::Partly,
        RunStatus::Failed => Done::Not,
    })
}

/// The configured markets that were asked for; a pair that is not configured, if asset and currency were named.
fn chosen(world: &World, scrape: &Scrape) -> anyhow::Result<Vec<Market>> {
    let fits = |market: &Market| {
        scrape.venue.as_ref().is_none_or(|venue| *venue == market.venue)
            && scrape.asset.as_ref().is_none_or(|asset| *asset == market.asset)
            && scrape.fiat.as_ref().is_none_or(|fiat| *fiat == market.fiat)
            && scrape.side.is_none_or(|side| side == market.trade_type)
    };
    let configured: Vec<Market> = world.config.markets().into_iter().filter(fits).collect();
    if !configured.is_empty() {
        return Ok(configured);
    }
    let (Some(asset), Some(fiat)) = (&scrape.asset, &scrape.fiat) else {
        anyhow::bail!(
            "no configured market fits; name --asset and --fiat to ask for one that is not configured"
        );
    };
    let venue = scrape.venue.clone().map_or_else(|| "binance_p2p".parse(), Ok)?;
    let sides = scrape.side.map_or_else(|| TradeType::ALL.to_vec(), |side| vec![side]);
    let market =
        |trade_type| Market { venue: venue.clone(), asset: asset.clone(), fiat: fiat.clone(), trade_type };
    Ok(sides.into_iter().map(market).collect())
}

fn print(report: &RunReport) {
    println!("run {} {}", report.run_id, report.status.as_str());
    for result in &report.markets {
        let status = match result.status {
            MarketStatus::Complete => "complete",
            MarketStatus::Truncated => "truncated",
            MarketStatus::Empty => "empty",
            MarketStatus::Failed => "failed",
        };
        println!(
            "  {:<32} {status:<9} {:>5} of {:>5} offers, {:>3} of {:>3} pages",
            result.market.to_string(),
            result.offers_received,
            result.offers_announced,
            result.pages_received,
            result.pages_announced
        );
    }
    for error in &report.errors {
        let market = error.market.as_ref().map(ToString::to_string).unwrap_or_default();
        let page = error.page.map(|page| format!(" page {page}")).unwrap_or_default();
        let mended = if error.resolved { " (mended by a retry)" } else { "" };
        println!(
            "  {market}{page}: {} after {} retries{mended}: {}",
            error.error_type, error.retries, error.message
        );
    }
}
