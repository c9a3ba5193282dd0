//! A small lake, written by hand: two sides of one pair, three snapshots each over half an hour, with a gap between.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::Arc;

use cauce_maintain::{Maintainer, MaintenanceSettings};
use cauce_model::{Market, RawId, RunId, TradeType};
use cauce_normalize::{normalize, open};
use cauce_query::Lake;
use cauce_raw::{Bundle, Envelope, RawZone, kind};
use cauce_tables::{DayBatch, Days, Table, write};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::{ObjectStore, memory::InMemory};
use serde_json::{Value, json};

/// price, available, least, most, payment methods, merchant, completion.
type Ad =
    (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], bool, &'static str);

pub(crate) fn start() -> DateTime<Utc> {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

const SELLERS: [Ad; 4] = [
    ("280.10", "500", "1000", "50000", &["PagoMovil", "Banesco"], true, "0.99"),
    ("280.30", "120.5", "5000", "20000", &["Banesco"], false, "0.91"),
    ("281.00", "9000", "100000", "900000", &["Mercantil"], true, "0.97"),
    ("283.40", "40", "500", "9000", &["PagoMovil"], false, "0.80"),
];
const BUYERS: [Ad; 3] = [
    ("279.90", "700", "2000", "80000", &["PagoMovil"], true, "0.98"),
    ("279.10", "300", "1000", "30000", &["Banesco"], false, "0.95"),
    ("270.00", "10", "500", "2000", &["Mercantil"], false, "0.70"),
];

fn page(side: TradeType, ads: &[Ad], step: i64) -> Value {
    let items = ads.iter().zip(0_i64..).map(|((price, available, min, max, methods, merchant, rate), number)| {
        // Each snapshot moves the first price by a tenth.
        let price = if number == 0 { format!("{price}{step}") } else { (*price).to_owned() };
        let methods: Vec<Value> = methods.iter().map(|method| json!({ "identifier": method })).collect();
        json!({
            "adv": { "advNo": format!("{side}{number}"), "tradeType": side.maker().as_str(), "asset": "USDT",
                     "fiatUnit": "VES", "price": price, "surplusAmount": available, "minSingleTransAmount": min,
                     "maxSingleTransAmount": max, "tradeMethods": methods, "isTradable": number != 2 },
            "advertiser": { "userNo": format!("u{side}{number}"), "nickName": format!("Maker {number}"),
                            "userType": if *merchant { "merchant" } else { "user" }, "monthFinishRate": rate,
                            "monthOrderCount": 10 * number },
        })
    });
    json!({ "code": "000000", "data": items.collect::<Vec<_>>(), "total": ads.len(), "success": true })
}

/// One raw object with both sides at one moment.
fn object(at: DateTime<Utc>, step: i64, received_at: Option<DateTime<Utc>>) -> (RawId, Vec<u8>) {
    let run = RunId::starting(at);
    let mut bundle =
        Bundle::new("binance_p2p", kind::MARKET_SNAPSHOT, at.date_naive(), &format!("run{step}"));
    for (side, ads) in [(TradeType::Buy, &SELLERS[..]), (TradeType::Sell, &BUYERS[..])] {
        let mut envelope = Envelope::bare(page(side, ads, step).to_string().into_bytes(), at);
        envelope.run_id = Some(run);
        envelope.page = Some(1);
        envelope.received_at = received_at;
        envelope.market = Some(Market {
            venue: "binance_p2p".parse().unwrap(),
            asset: "USDT".parse().unwrap(),
            fiat: "VES".parse().unwrap(),
            trade_type: side,
        });
        bundle.push(&envelope).unwrap();
    }
    let sealed = bundle.seal("pages").unwrap();
    (sealed.id.clone(), RawZone::decompress(&sealed.id, &sealed.bytes).unwrap())
}

/// Adds the snapshots of a moment.
pub(crate) async fn add(store: &Arc<dyn ObjectStore>, minutes: i64, step: i64) {
    add_received(store, minutes, step, None).await;
}

/// Adds the snapshots of a moment, which the lake got later.
pub(crate) async fn add_received(
    store: &Arc<dyn ObjectStore>,
    minutes: i64,
    step: i64,
    received_at: Option<DateTime<Utc>>,
) {
    let at = start() + TimeDelta::minutes(minutes);
    let (id, bytes) = object(at, step, received_at);
    let lines = open(&bytes);
    let mut day = DayBatch::new(id.date());
    day.add(&id, Some(at), &normalize(&id, &lines));
    for file in day.finish().unwrap() {
        write(store, &file).await.unwrap();
    }
}

/// Adds the snapshots of a moment as a normalizer leaves them that has not come to their offers yet.
pub(crate) async fn add_without_offers(store: &Arc<dyn ObjectStore>, minutes: i64, step: i64) {
    let at = start() + TimeDelta::minutes(minutes);
    let (id, bytes) = object(at, step, None);
    let mut day = DayBatch::new(id.date());
    day.read(&id, &bytes);
    for file in day.finish().unwrap().iter().filter(|file| file.table != Table::FactOffers) {
        write(store, file).await.unwrap();
    }
}

/// The same lake with its day sealed, and only seals in it.
pub(crate) async fn sealed_lake() -> Lake {
    let lake = lake().await;
    let maintainer =
        Maintainer::new(Arc::clone(lake.store()), lake.planner().clone(), MaintenanceSettings::default());
    let later = Utc::now();
    assert_eq!(maintainer.seal(Days::ALL, later, false).await.unwrap().sealed.len(), 4);
    assert!(!maintainer.collect(later + TimeDelta::days(1), false).await.unwrap().is_empty());
    lake
}

/// The lake: snapshots at 10:00, 10:05 and 10:30.
pub(crate) async fn lake() -> Lake {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (minutes, step) in [(0, 0), (5, 1), (30, 2)] {
        add(&store, minutes, step).await;
    }
    let lake = Lake::new(Arc::clone(&store));
    Maintainer::new(store, lake.planner().clone(), MaintenanceSettings::default())
        .derive(Utc::now())
        .await
        .unwrap();
    lake
}
