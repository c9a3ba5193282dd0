//! Searches of Binance as they were recorded from 2022 to 2026. The recordings are not part of this repository: they
//! are read from `CAUCE_REALDATA`, and without them these tests say so and pass.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Json, Router, extract::State, routing::post};
use cauce_model::Market;
use serde_json::{Value, json};

use crate::support::{configure, market, run, sql};

fn recordings() -> Option<Vec<(String, PathBuf)>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("CAUCE_REALDATA").map_or(default, PathBuf::from).join("p2p");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: no recordings in {}; set CAUCE_REALDATA", folder.display());
        return None;
    };
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| name.starts_with("binance_search_") && name.ends_with(".json"))
        .collect();
    found.sort();
    Some(found)
}

/// The market in a file's name, for those that name their side: `binance_search_RUB_USDT_SELL_…`.
fn named(name: &str) -> Option<Market> {
    let mut parts = name.strip_prefix("binance_search_")?.trim_end_matches(".json").split('_');
    let (fiat, asset, side) = (parts.next()?, parts.next()?, parts.next()?);
    Some(market(asset, fiat, side.parse().ok()?))
}

fn ads(bytes: &[u8]) -> Vec<Value> {
    let page: Value = serde_json::from_slice(bytes).unwrap();
    page["data"].as_array().unwrap().clone()
}

/// Decimal text without what does not change its value.
fn canonical(text: &str) -> String {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.to_owned()
}

async fn replay(pages: HashMap<Market, Vec<u8>>) -> String {
    async fn answer(State(pages): State<Arc<HashMap<Market, Vec<u8>>>>, Json(asked): Json<Value>) -> Vec<u8> {
        let text = |name: &str| asked[name].as_str().unwrap().to_owned();
        let wanted = market(&text("asset"), &text("fiat"), text("tradeType").parse().unwrap());
        let recorded = &pages[&wanted];
        if asked["page"] == 1 {
            return recorded.clone();
        }
        let total = serde_json::from_slice::<Value>(recorded).unwrap()["total"].clone();
        json!({ "code": "000000", "data": [], "total": total, "success": true }).to_string().into_bytes()
    }
    let router =
        Router::new().route("/bapi/c2c/v2/friendly/c2c/adv/search", post(answer)).with_state(Arc::new(pages));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_of_recorded_markets_gives_exactly_their_ads() {
    let Some(recordings) = recordings() else { return };
    let pages: HashMap<Market, Vec<u8>> =
        recordings.iter().filter_map(|(name, path)| Some((named(name)?, fs::read(path).unwrap()))).collect();
    assert!(pages.len() >= 5, "recordings of {} markets", pages.len());
    let url = replay(pages.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let markets: Vec<Market> = pages.keys().cloned().collect();
    configure(folder.path(), &url, "", &markets);
    let scraped = crate::support::cauce(folder.path(), &["scrape", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&scraped.stdout).unwrap();
    assert!(matches!(scraped.status.code(), Some(0 | 3)), "{report:#}");
    run(folder.path(), &["normalize"]);

    let columns = "crypto, fiat, trade_type, maker_side, offer_external_id, price, min_limit, max_limit, \
                   available_amount, payment_methods, advertiser_id";
    let rows = sql(folder.path(), &format!("SELECT {columns} FROM fact_offers"));
    let expected: usize = pages.values().map(|page| ads(page).len()).sum();
    assert_eq!(rows.len(), expected);
    let mut by_offer = BTreeMap::new();
    for row in &rows {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        by_offer.insert((text("crypto"), text("fiat"), text("trade_type"), text("offer_external_id")), row);
    }
    for (market, page) in &pages {
        for item in ads(page) {
            let (ad, advertiser) = (&item["adv"], &item["advertiser"]);
            let (asset, fiat) = (market.asset.to_string(), market.fiat.to_string());
            let key = (asset, fiat, market.trade_type.to_string(), ad["advNo"].as_str().unwrap().to_owned());
            let row = by_offer[&key];
            let numbers = [
                ("price", "price"),
                ("min_limit", "minSingleTransAmount"),
                ("max_limit", "maxSingleTransAmount"),
                ("available_amount", "surplusAmount"),
            ];
            for (column, field) in numbers {
                let (ours, theirs) = (row[column].as_str().unwrap(), ad[field].as_str().unwrap());
                assert_eq!(canonical(ours), canonical(theirs), "{column} of {key:?}");
            }
            assert_eq!(row["maker_side"], ad["tradeType"], "{key:?}");
            assert_ne!(
                row["maker_side"], row["trade_type"],
                "maker and taker stand on opposite sides: {key:?}"
            );
            let methods =
                ad["tradeMethods"].as_array().unwrap().iter().map(|method| method["identifier"].clone());
            assert_eq!(row["payment_methods"], Value::Array(methods.collect()), "{key:?}");
            assert_eq!(row["advertiser_id"], advertiser["userNo"], "{key:?}");
        }
    }
    let depth = sql(folder.path(), "SELECT count(*) AS n FROM fact_market_depth");
    assert_eq!(depth[0]["n"], markets.len());
}

#[test]
fn every_recorded_search_is_kept_whole_rows_and_quarantine_together() {
    let Some(recordings) = recordings() else { return };
    for (name, path) in &recordings {
        let folder = tempfile::tempdir().unwrap();
        let expected = ads(&fs::read(path).unwrap()).len();
        run(folder.path(), &["ingest", "--source", "binance_p2p", path.to_str().unwrap()]);
        run(folder.path(), &["normalize"]);
        let counted = "SELECT (SELECT count(*) FROM fact_offers) AS offers, (SELECT count(*) FROM quarantine) AS rejects";
        let counts = &sql(folder.path(), counted)[0];
        let (offers, rejects) = (counts["offers"].as_u64().unwrap(), counts["rejects"].as_u64().unwrap());
        assert_eq!(offers + rejects, expected as u64, "{name}: {offers} offers, {rejects} rejects");
        let sides = sql(folder.path(), "SELECT DISTINCT trade_type FROM fact_offers");
        if let Some(market) = named(name) {
            assert!(
                sides.iter().all(|row| row["trade_type"] == market.trade_type.as_str()),
                "{name}: {sides:?}"
            );
        }
    }
}
