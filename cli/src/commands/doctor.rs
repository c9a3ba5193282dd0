use std::collections::BTreeMap;

use cauce_ledger::Jobs;
use cauce_model::{Market, Venue};
use cauce_protocols::venues::{self, Answer};
use cauce_query::{Lake, json_rows};
use cauce_sources::{Breaker, BreakerState, HttpRequest, fit};
use cauce_world::World;
use serde::Serialize;
use serde_json::Value;

use crate::{Done, args::Doctor, lake_of};

#[derive(Serialize)]
struct Finding {
    check: String,
    ok: bool,
    message: String,
}

/// Pages of a market that has not been seen yet.
const PAGES_UNKNOWN: u32 = 5;

/// Looks at everything that can be wrong before it goes wrong. Any bad finding: exit code 1.
pub(crate) async fn run(world: &World, asked: &Doctor) -> anyhow::Result<Done> {
    let mut findings = Vec::new();
    let mut find = |check: &str, ok: bool, message: String| {
        findings.push(Finding { check: check.to_owned(), ok, message });
    };
    let markets = world.config.markets();
    find("markets", !markets.is_empty(), format!("{} markets configured", markets.len()));
    let lake = lake_of(world);
    let counted = lake.sql("SELECT count(*) FROM fact_market_depth").await;
    find(
        "lake",
        counted.is_ok(),
        counted.map_or_else(|error| error.to_string(), |_| "can be read".to_owned()),
    );
    schedule(world, &lake, &markets, &mut find).await?;
    let queue = world.queue.stats().await?;
    let words =
        format!("{} waiting, {} in flight, {} dead letters", queue.waiting, queue.in_flight, queue.dead);
    find("queue", queue.dead == 0, words + if queue.dead == 0 { "" } else { "; see cauce dead-letters" });
    let running = Jobs::all(&*world.ledger).await?;
    find("ledger", true, format!("can be read; {} runs under way", running.len()));
    for (name, settings) in &world.config.scraper().venues {
        let breaker = Breaker { ledger: &*world.ledger, venue: name, settings: &settings.breaker };
        let state = breaker.state().await?;
        let closed = matches!(state, BreakerState::Closed { .. });
        find(&format!("breaker {name}"), closed, format!("{state:?}"));
    }
    if asked.online {
        for market in first_of_each_venue(&markets) {
            let (ok, message) = ask(world, market).await?;
            find(&format!("venue {}", market.venue), ok, message);
        }
    }
    let well = findings.iter().all(|finding| finding.ok);
    if asked.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            println!("{}  {:<22} {}", if finding.ok { "ok " } else { "BAD" }, finding.check, finding.message);
        }
    }
    Ok(if well { Done::Whole } else { Done::Not })
}

/// Whether a run fits between two: the pages that each market had last, at each venue's pace.
async fn schedule(
    world: &World,
    lake: &Lake,
    markets: &[Market],
    find: &mut impl FnMut(&str, bool, String),
) -> anyhow::Result<()> {
    let sql = "SELECT venue, crypto, fiat, trade_type,
                      last_value(pages_announced ORDER BY extraction_timestamp) AS pages
               FROM fact_market_depth GROUP BY venue, crypto, fiat, trade_type";
    let rows = json_rows(&lake.sql(sql).await?);
    let pages = |market: &Market| {
        let names = ["venue", "crypto", "fiat", "trade_type"];
        let values =
            [market.venue.as_str(), market.asset.as_str(), market.fiat.as_str(), market.trade_type.as_str()];
        let row = rows.iter().find(|row| {
            names
                .iter()
                .zip(values)
                .all(|(name, value)| row.get(*name).and_then(Value::as_str) == Some(value))
        });
        let pages =
            row.and_then(|row| row.get("pages")?.as_u64()).and_then(|pages| u32::try_from(pages).ok());
        pages.unwrap_or(PAGES_UNKNOWN)
    };
    let mut requests: BTreeMap<Venue, u32> = BTreeMap::new();
    for market in markets {
        *requests.entry(market.venue.clone()).or_default() += pages(market);
    }
    let settings = world.config.scraper();
    let pace =
        |venue: &Venue| settings.venues.get(venue).map_or_else(Default::default, |venue| venue.min_interval);
    for fit in fit(&requests, pace, world.config.schedule.scrape) {
        let message = format!(
            "a run of {} requests takes {} at least; runs are {} apart{}",
            fit.requests,
            humantime::format_duration(fit.needed),
            humantime::format_duration(fit.available),
            if fit.fits() { "" } else { ": ask for fewer markets, or less often" }
        );
        find(&format!("schedule {}", fit.venue), fit.fits(), message);
    }
    Ok(())
}

fn first_of_each_venue(markets: &[Market]) -> impl Iterator<Item = &Market> {
    let mut seen = std::collections::BTreeSet::new();
    markets.iter().filter(move |market| seen.insert(market.venue.clone()))
}

async fn ask(world: &World, market: &Market) -> anyhow::Result<(bool, String)> {
    let scraper = world.scraper();
    let Some((protocol, settings)) =
        venues::find(market.venue.as_str()).zip(scraper.settings.venues.get(&market.venue))
    else {
        return Ok((false, "is not known".to_owned()));
    };
    let wanted = protocol.request(market, 1);
    let url = format!("{}{}", settings.base_url, wanted.path);
    let request = HttpRequest { method: wanted.method, url, headers: Vec::new(), body: wanted.body };
    let answer = match scraper.transport.send(request, settings.timeout).await {
        Ok(answer) => answer,
        Err(failure) => return Ok((false, format!("{}: {failure}", failure.error_type))),
    };
    let content_type = answer.headers.get("content-type").map(String::as_str);
    Ok(match protocol.judge(Answer { status: answer.status, content_type, body: &answer.body }) {
        Ok(page) => (true, format!("{market}: {} offers", page.announced)),
        Err(failure) => (false, format!("{market}: {}: {}", failure.error_type, failure.message)),
    })
}
