//! Price history: filters, gaps, and two ways to one answer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

mod common;

use cauce_model::{Amount, Rate, TradeType};
use cauce_query::{
    Checks, History, HistoryFilter, HistoryQuery, Interval, Lake, Markets, Page, Period, QueryError,
    json_rows,
};
use chrono::TimeDelta;
use serde_json::Value;

fn asked(interval: &str, filter: HistoryFilter) -> HistoryQuery {
    HistoryQuery {
        as_of: None,
        venue: None,
        asset: "USDT".parse().unwrap(),
        fiat: "VES".parse().unwrap(),
        trade_type: Some(TradeType::Buy),
        interval: interval.parse().unwrap(),
        since: common::start(),
        until: common::start() + TimeDelta::minutes(40),
        filter,
    }
}

async fn counts(lake: &Lake, filter: HistoryFilter) -> Vec<Option<u64>> {
    counted(&lake.price_history(&asked("10m", filter)).await.unwrap())
}

fn counted(history: &History) -> Vec<Option<u64>> {
    let count = |row: &serde_json::Map<String, Value>| match row["gap"] == true {
        true => None,
        false => row["count"].as_u64(),
    };
    history.buckets.iter().map(count).collect()
}

#[tokio::test]
async fn gaps_are_marked_and_no_offers_is_no_gap() {
    let lake = common::lake().await;
    assert_eq!(counts(&lake, HistoryFilter::default()).await, [Some(8), None, None, Some(4)]);
    let nobody = HistoryFilter { payment_method: Some("Zelle".to_owned()), ..HistoryFilter::default() };
    assert_eq!(counts(&lake, nobody).await, [Some(0), None, None, Some(0)]);
}

#[tokio::test]
async fn each_filter_keeps_the_offers_that_it_names() {
    keeps_what_it_names(&common::lake().await).await;
    keeps_what_it_names(&common::sealed_lake().await).await;
}

async fn keeps_what_it_names(lake: &Lake) {
    let amount = |text| Some(Amount::parse("amount", text).unwrap());
    let rate = |text| Some(Rate::parse("rate", text).unwrap());
    let none = HistoryFilter::default;
    for (filter, a_snapshot) in [
        (HistoryFilter { payment_method: Some("PagoMovil".to_owned()), ..none() }, 2),
        (HistoryFilter { payment_method: Some("it's".to_owned()), ..none() }, 0),
        (HistoryFilter { amount: amount("5000"), ..none() }, 3),
        (HistoryFilter { amount: amount("1000"), ..none() }, 2),
        (HistoryFilter { amount: amount("50000.01"), ..none() }, 0),
        (HistoryFilter { merchants_only: true, ..none() }, 2),
        (HistoryFilter { min_completion_rate: rate("0.91"), ..none() }, 3),
        (HistoryFilter { merchants_only: true, min_completion_rate: rate("0.98"), ..none() }, 1),
    ] {
        let expected = [Some(2 * a_snapshot), None, None, Some(a_snapshot)];
        assert_eq!(counts(lake, filter.clone()).await, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn facts_and_depth_give_the_same_answer() {
    facts_and_depth_agree(&common::lake().await).await;
    facts_and_depth_agree(&common::sealed_lake().await).await;
}

async fn facts_and_depth_agree(lake: &Lake) {
    // Every offer completes at least nothing: the filter keeps all, and sends the question to the facts.
    let all = HistoryFilter {
        min_completion_rate: Some(Rate::parse("rate", "0").unwrap()),
        ..HistoryFilter::default()
    };
    for interval in ["1m", "5m", "10m", "1h", "1d"] {
        for trade_type in [None, Some(TradeType::Buy), Some(TradeType::Sell)] {
            let from_depth = HistoryQuery { trade_type, ..asked(interval, HistoryFilter::default()) };
            let from_facts = HistoryQuery { trade_type, ..asked(interval, all.clone()) };
            let (depth, facts) = (
                lake.price_history(&from_depth).await.unwrap(),
                lake.price_history(&from_facts).await.unwrap(),
            );
            assert_eq!((depth.answered_from, facts.answered_from), ("fact_market_depth", "fact_offers"));
            assert_eq!(depth.buckets, facts.buckets, "{interval} {trade_type:?}");
            assert!(depth.buckets.iter().any(|row| row["gap"] == false));
        }
    }
}

#[tokio::test]
async fn a_period_is_cut_where_it_was_asked_to_be() {
    let lake = common::lake().await;
    let query = HistoryQuery {
        since: common::start() + TimeDelta::minutes(5),
        ..asked("10m", HistoryFilter::default())
    };
    let history = lake.price_history(&query).await.unwrap();
    assert_eq!(history.buckets[0]["snapshots"], 1, "the snapshot of 10:00 is before it");
    assert_eq!(history.newest_at.as_deref(), Some("2026-03-01T10:30:00Z"));
    let backwards = HistoryQuery { until: common::start() - TimeDelta::minutes(1), ..query.clone() };
    assert!(matches!(lake.price_history(&backwards).await, Err(QueryError::Refused(_))));
    let endless = HistoryQuery {
        until: common::start() + TimeDelta::days(4_000),
        interval: "1m".parse().unwrap(),
        ..query
    };
    assert!(matches!(lake.price_history(&endless).await, Err(QueryError::Refused(_))));
}

#[test]
fn intervals() {
    for (text, shown) in [("1m", "1m"), ("60m", "1h"), ("90m", "90m"), ("24h", "1d"), ("31d", "31d")] {
        assert_eq!(text.parse::<Interval>().unwrap().to_string(), shown);
    }
    for text in ["", "m", "0m", "-5m", "5", "5s", "32d", "1é", "99999999999999999999d"] {
        assert!(text.parse::<Interval>().is_err(), "{text}");
    }
}

/// A normalizer writes offers after their snapshots' figures. In between, a history with a filter does not know the
/// snapshot yet: that none of its offers passes would be wrong.
#[tokio::test]
async fn a_snapshot_whose_offers_are_not_there_yet_is_not_one_without_offers() {
    let filter =
        || HistoryFilter { payment_method: Some("PagoMovil".to_owned()), ..HistoryFilter::default() };
    for lake in [common::lake().await, common::sealed_lake().await] {
        common::add_without_offers(lake.store(), 20, 3).await;
        assert_eq!(counts(&lake, HistoryFilter::default()).await, [Some(8), None, Some(4), Some(4)]);
        common::add(lake.store(), 20, 3).await;
        assert_eq!(counts(&lake, filter()).await, [Some(4), None, Some(2), Some(2)]);
    }
    let lake = common::lake().await;
    common::add_without_offers(lake.store(), 20, 3).await;
    assert_eq!(counts(&lake, filter()).await, [Some(4), None, None, Some(2)]);
}

/// The view says in SQL what the report computes.
#[tokio::test]
async fn the_view_and_the_report_agree() {
    let lake = common::lake().await;
    let view =
        lake.sql("SELECT * FROM price_history ORDER BY venue, trade_type, bucket_start").await.unwrap();
    let view = json_rows(&view);
    let all = HistoryQuery { trade_type: None, ..asked("10m", HistoryFilter::default()) };
    let report = lake.price_history(&all).await.unwrap().buckets;
    let taken: Vec<_> = report.into_iter().filter(|row| row["gap"] == false).collect();
    assert_eq!((view.len(), taken.len()), (4, 4));
    for (view, report) in view.iter().zip(&taken) {
        for (name, value) in view.iter().filter(|(name, _)| *name != "newest_at") {
            assert_eq!(Some(value), report.get(name), "{name}");
        }
    }
}

/// What is kept in memory follows the files: rows that arrive later are in the next answer.
#[tokio::test]
async fn a_new_snapshot_is_in_the_next_answer() {
    let lake = common::lake().await;
    let counted = || counts(&lake, HistoryFilter::default());
    assert_eq!(counted().await, [Some(8), None, None, Some(4)]);
    common::add(lake.store(), 20, 3).await;
    assert_eq!(counted().await, [Some(8), None, Some(4), Some(4)]);
}

/// What the lake got later was not known before: neither to histories nor to queries.
#[tokio::test]
async fn as_of_a_time_is_what_had_been_received_by_then() {
    let lake = common::lake().await;
    let next_day = common::start() + TimeDelta::days(1);
    common::add_received(lake.store(), 20, 3, Some(next_day)).await;
    let half_past = common::start() + TimeDelta::minutes(30);
    let nobody = HistoryFilter { payment_method: Some("Zelle".to_owned()), ..HistoryFilter::default() };
    for (as_of, of_all, of_none) in [
        (None, [Some(8), None, Some(4), Some(4)], [Some(0), None, Some(0), Some(0)]),
        (Some(next_day), [Some(8), None, Some(4), Some(4)], [Some(0), None, Some(0), Some(0)]),
        (Some(half_past), [Some(8), None, None, Some(4)], [Some(0), None, None, Some(0)]),
        (Some(common::start()), [Some(4), None, None, None], [Some(0), None, None, None]),
    ] {
        for (filter, expected) in [(HistoryFilter::default(), of_all), (nobody.clone(), of_none)] {
            let query = HistoryQuery { as_of, ..asked("10m", filter) };
            assert_eq!(counted(&lake.price_history(&query).await.unwrap()), expected, "{as_of:?}");
        }
    }
    let then = Lake::as_of(lake.store().clone(), half_past);
    assert_eq!(counts(&then, HistoryFilter::default()).await, [Some(8), None, None, Some(4)]);
    let snapshots = "SELECT count(*) AS n FROM fact_market_depth";
    let found = [lake.sql(snapshots).await.unwrap(), then.sql(snapshots).await.unwrap()];
    assert_eq!(found.map(|rows| json_rows(&rows)[0]["n"].clone()), [8, 6]);
    // The present of its views is that time.
    let newest = json_rows(&then.sql("SELECT * FROM latest_snapshots").await.unwrap());
    assert_eq!(newest.len(), 2);
    let derived = then.sql("SELECT * FROM dim_advertisers").await.unwrap_err();
    assert!(derived.to_string().contains("dim_advertisers is derived"), "{derived}");
}

#[tokio::test]
async fn a_market_that_gives_no_snapshots_is_silent_and_checks_are_found_by_what_they_are() {
    let lake = common::lake().await;
    let newest = common::start() + TimeDelta::minutes(30);
    let freshness = TimeDelta::minutes(15);
    assert!(lake.silent_markets(freshness, newest + freshness).await.unwrap().is_empty());
    let silent = lake.silent_markets(freshness, newest + TimeDelta::minutes(16)).await.unwrap();
    assert_eq!(silent.len(), 2, "both sides: {silent:?}");
    assert_eq!((&silent[0]["age_seconds"], &silent[0]["fiat"]), (&960.into(), &"VES".into()));
    let forgotten = lake.silent_markets(freshness, newest + TimeDelta::days(8)).await.unwrap();
    assert!(forgotten.is_empty(), "after a week nobody asks for it");

    let checks = async |since, passed, metric: Option<&str>| {
        let period = Period { since, until: newest + TimeDelta::hours(1) };
        let asked = Checks { markets: Markets::default(), period, passed, metric: metric.map(str::to_owned) };
        json_rows(&lake.list(&asked, &Page { limit: 100, after: None }).await.unwrap().rows)
    };
    let failed = checks(common::start(), Some(false), None).await;
    assert_eq!(failed.len(), 2, "25 minutes between two snapshots, on both sides: {failed:?}");
    assert_eq!(
        (&failed[0]["metric_name"], &failed[0]["metric_value"]),
        (&"freshness".into(), &1500.0.into())
    );
    assert!(failed[0]["details"].as_str().unwrap().contains("previous_snapshot_id"), "{failed:?}");
    assert_eq!(checks(common::start(), None, Some("completeness")).await.len(), 6);
    assert!(checks(newest + TimeDelta::minutes(1), None, None).await.is_empty());
}
