//! The scraper against a venue that misbehaves: every kind of failure is told apart and recorded, and one market that
//! fails harms no other.

use std::sync::Arc;

use cauce_model::{ErrorType, Market, MarketStatus, RunReport, RunStatus, TradeType};
use cauce_simulator::{Fault, FaultMode, Simulator, SimulatorTransport};
use cauce_sources::{Outcome, RunOptions, Scraper, SystemClock, VirtualClock};
use chrono::TimeDelta;

use crate::support::{TestLake, http, market, venue};

fn on(mode: FaultMode, market: &Market) -> Fault {
    Fault {
        asset: Some(market.asset.clone()),
        fiat: Some(market.fiat.clone()),
        trade_type: Some(market.trade_type),
        ..Fault::always(mode)
    }
}

async fn done(scraper: &Scraper, markets: &[Market]) -> RunReport {
    match scraper.run(markets, &RunOptions::default()).await.unwrap() {
        Outcome::Done(report) => report,
        other => panic!("{other:?}"),
    }
}

async fn rig() -> (TestLake, Scraper, Arc<Simulator>) {
    let (address, simulator) = venue().await;
    let lake = TestLake::new();
    let scraper = lake.scraper(&format!("http://{address}"), Arc::new(SystemClock), http());
    (lake, scraper, simulator)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart_and_harm_only_their_market() {
    let kinds = [
        (FaultMode::RateLimited, ErrorType::RateLimited),
        (FaultMode::ServerError, ErrorType::ServerError),
        (FaultMode::Forbidden, ErrorType::Forbidden),
        (FaultMode::GeoBlocked, ErrorType::GeoBlocked),
        (FaultMode::Slow { millis: 3_000 }, ErrorType::Timeout),
        (FaultMode::CutBody, ErrorType::TruncatedBody),
        (FaultMode::TruncatedJson, ErrorType::TruncatedBody),
        (FaultMode::HtmlBlockPage, ErrorType::HtmlBlockPage),
        (FaultMode::VenueCode, ErrorType::VenueCode),
    ];
    let (lake, mut scraper, simulator) = rig().await;
    // One try: what a kind of failure is called does not depend on how often it is seen.
    for settings in scraper.settings.venues.values_mut() {
        settings.tries = 1;
    }
    let (bad, good) = (market("USDT", "VES", TradeType::Buy), market("USDT", "BRL", TradeType::Sell));
    for (mode, expected) in kinds {
        simulator.clear_faults();
        simulator.add_fault(on(mode, &bad));
        let report = done(&scraper, &[bad.clone(), good.clone()]).await;
        assert_eq!(report.status, RunStatus::Partial, "{mode:?}");
        let status =
            |market: &Market| report.markets.iter().find(|result| result.market == *market).unwrap().status;
        assert_eq!(status(&bad), MarketStatus::Failed, "{mode:?}");
        assert_eq!(status(&good), MarketStatus::Complete, "{mode:?}");
        let errors: Vec<_> =
            report.errors.iter().map(|error| (error.error_type, error.market.as_ref())).collect();
        assert_eq!(errors, [(expected, Some(&bad))], "{mode:?}");
    }
    lake.worker().drain(|_| ()).await.unwrap();
    let rows = lake.ask("SELECT DISTINCT error_type FROM ops_extraction_errors WHERE NOT is_resolved").await;
    assert_eq!(rows.len(), 8, "a cut body and cut JSON are one kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let lake = TestLake::new();
    let port = crate::support::free_port();
    let scraper = lake.scraper(&format!("http://127.0.0.1:{port}"), Arc::new(SystemClock), http());
    let report = done(&scraper, &[market("USDT", "VES", TradeType::Buy)]).await;
    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.errors[0].error_type, ErrorType::ConnectionRefused);
    assert_eq!(report.errors[0].retries, 2, "three tries");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_429_is_waited_out_and_recorded_as_resolved() {
    let (_lake, scraper, simulator) = rig().await;
    let market = market("USDT", "EUR", TradeType::Sell);
    simulator.add_fault(Fault { times: Some(1), ..on(FaultMode::RateLimited, &market) });
    let before = std::time::Instant::now();
    let report = done(&scraper, std::slice::from_ref(&market)).await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(1), "Retry-After: 1 was honoured");
    assert_eq!(report.status, RunStatus::Completed);
    let error = &report.errors[0];
    assert_eq!((error.error_type, error.retries, error.resolved), (ErrorType::RateLimited, 1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_page_makes_a_truncated_snapshot_and_no_offers_is_not_a_failure() {
    let (lake, mut scraper, simulator) = rig().await;
    for settings in scraper.settings.venues.values_mut() {
        settings.tries = 1;
    }
    let (cut, empty) = (market("USDT", "VES", TradeType::Sell), market("BTC", "COP", TradeType::Buy));
    simulator.add_fault(Fault { page: Some(2), ..on(FaultMode::ServerError, &cut) });
    simulator.add_fault(on(FaultMode::EmptyMarket, &empty));
    let report = done(&scraper, &[cut.clone(), empty.clone()]).await;
    assert_eq!(report.status, RunStatus::Partial);
    let result =
        |market: &Market| report.markets.iter().find(|result| result.market == *market).unwrap().clone();
    let truncated = result(&cut);
    assert_eq!(truncated.status, MarketStatus::Truncated);
    assert_eq!(truncated.pages_received + 1, truncated.pages_announced);
    assert!(truncated.offers_received < truncated.offers_announced && truncated.offers_received > 0);
    assert_eq!(result(&empty).status, MarketStatus::Empty);

    lake.worker().drain(|_| ()).await.unwrap();
    let depth =
        "SELECT fiat, is_complete, total_offers_count, offers_announced, pages_announced, pages_received
                 FROM fact_market_depth ORDER BY fiat";
    let rows = lake.ask(depth).await;
    assert_eq!(
        (&rows[0]["is_complete"], &rows[0]["total_offers_count"]),
        (&true.into(), &0.into()),
        "COP is empty"
    );
    assert_eq!(rows[1]["is_complete"], false, "VES is truncated");
    assert_eq!(rows[1]["total_offers_count"], truncated.offers_received);
    assert_eq!(rows[1]["offers_announced"], truncated.offers_announced);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_the_schedule_never_overlap_and_each_starts_one_market_further() {
    let (_lake, scraper, simulator) = rig().await;
    let markets = [market("USDT", "VES", TradeType::Buy), market("USDT", "EUR", TradeType::Buy)];
    simulator.add_fault(Fault { times: Some(1), ..Fault::always(FaultMode::Slow { millis: 400 }) });
    let options = RunOptions::default();
    let (one, two) = tokio::join!(scraper.run(&markets, &options), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        scraper.run(&markets, &options).await
    });
    assert!(matches!(one.unwrap(), Outcome::Done(_)));
    assert!(matches!(two.unwrap(), Outcome::Busy(_)));
    let mut one_by_one = scraper.clone();
    one_by_one.settings.parallel_markets = 1;
    let first = done(&one_by_one, &markets).await.markets[0].market.clone();
    let second = done(&one_by_one, &markets).await.markets[0].market.clone();
    assert_ne!(first, second, "the run after starts with another market");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_leaves_a_failing_venue_alone_and_one_probe_finds_it_well_again() {
    let lake = TestLake::new();
    let clock = VirtualClock::at("2026-03-01T10:00:00Z".parse().unwrap());
    let simulator = Arc::new(Simulator::new(3, Arc::new(clock.clone())));
    let transport = Arc::new(SimulatorTransport(Arc::clone(&simulator)));
    let mut scraper = lake.scraper("http://simulated", Arc::new(clock.clone()), transport);
    scraper.settings.parallel_markets = 1;
    for settings in scraper.settings.venues.values_mut() {
        settings.tries = 1;
        settings.breaker.failures = 5;
    }
    let markets: Vec<Market> = ["VES", "ARS", "COP", "BRL"]
        .into_iter()
        .flat_map(|fiat| TradeType::ALL.map(|side| market("USDT", fiat, side)))
        .collect();
    simulator.add_fault(Fault::always(FaultMode::ServerError));
    let report = done(&scraper, &markets).await;
    assert_eq!(report.status, RunStatus::Failed);
    let kinds: Vec<ErrorType> = report.errors.iter().map(|error| error.error_type).collect();
    let (asked, left_alone) = kinds.split_at(5);
    assert!(asked.iter().all(|kind| *kind == ErrorType::ServerError), "{kinds:?}");
    assert!(
        left_alone.iter().all(|kind| *kind == ErrorType::BreakerOpen) && left_alone.len() == 3,
        "{kinds:?}"
    );

    simulator.clear_faults();
    let still = done(&scraper, &markets).await;
    assert!(
        still.errors.iter().all(|error| error.error_type == ErrorType::BreakerOpen),
        "its time is not over"
    );
    clock.advance(TimeDelta::seconds(61));
    let well = done(&scraper, &markets).await;
    assert_eq!((well.status, well.errors.len()), (RunStatus::Completed, 0), "the probe closed it for all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_an_end_ends_in_the_middle_of_a_request_and_blames_nobody() {
    let (_lake, mut scraper, simulator) = rig().await;
    for settings in scraper.settings.venues.values_mut() {
        settings.timeout = std::time::Duration::from_secs(20);
        settings.breaker.failures = 1;
    }
    simulator.add_fault(Fault::always(FaultMode::Slow { millis: 30_000 }));
    let begun = std::time::Instant::now();
    let until = Some(chrono::Utc::now() + TimeDelta::milliseconds(500));
    let options = RunOptions { until, ..RunOptions::by_hand() };
    let asked = [market("USDT", "VES", TradeType::Buy)];
    let Outcome::Done(report) = scraper.run(&asked, &options).await.unwrap() else { panic!("no report") };
    assert!(begun.elapsed().as_secs() < 10, "it waited for the venue: {:?}", begun.elapsed());
    let kinds: Vec<ErrorType> = report.errors.iter().map(|error| error.error_type).collect();
    assert_eq!((report.status, kinds), (RunStatus::Failed, vec![ErrorType::DeadlineExceeded]));
    simulator.clear_faults();
    assert_eq!(done(&scraper, &asked).await.status, RunStatus::Completed, "the breaker is not open");
}
