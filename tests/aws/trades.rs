//! The journal's functions: brokers are asked for trades, positions follow, and trades reach a platform. Keys come from where AWS
//! keeps secrets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, extract::State, http::HeaderMap, routing::post};
use cauce_simulator::{BrokerAccount, Mood, SimulatedFill, Verifier};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::stack::Stack;

const PLATFORM_KEY: &str = "key-of-the-platform";

/// A platform that takes trades, each once.
pub(crate) struct Platform {
    pub(crate) url: String,
    has: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Platform {
    pub(crate) async fn serve() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/trades", listener.local_addr().unwrap());
        let has = Arc::default();
        let router = Router::new().route("/trades", post(take)).with_state(Arc::clone(&has));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, has }
    }
}

async fn take(
    State(has): State<Arc<Mutex<BTreeMap<String, Value>>>>,
    headers: HeaderMap,
    Json(said): Json<Value>,
) -> Json<Value> {
    assert_eq!(headers["x-api-key"], PLATFORM_KEY);
    let mut has = has.lock().unwrap();
    let trades = said["trades"].as_array().unwrap();
    assert!(trades.len() <= 100, "{}", trades.len());
    let before = has.len();
    has.extend(trades.iter().map(|trade| (trade["trade_id"].as_str().unwrap().to_owned(), trade.clone())));
    let created = has.len() - before;
    Json(json!({ "created": created, "duplicates": trades.len() - created }))
}

/// Accounts and a platform, as the stack's configuration has them. Indented, as `localstack/up.sh` takes the other addresses
/// out of what it makes for a command line.
pub(crate) fn settings(broker: &str, platform: &str) -> String {
    let account = |id: &str| {
        format!(
            "[[accounts]]\nid = \"{id}\"\nstarting_balance = \"10000\"\n[accounts.fetch]\nfrom = [\"binance_spot\"]\n\
             key = \"ssm:/cauce/{id}\"\nsecret = \"secretsmanager:cauce/{id}#secret\"\n"
        )
    };
    format!(
        "[brokers.servers.binance_spot]\nbase_url = \"{broker}\"\n{}{}[[deliveries]]\nname = \"platform\"\n  url = \"{platform}\"\n\
         key = \"ssm:/cauce/platform\"\n",
        account("desk"),
        account("gone")
    )
}

/// Bought and sold in turn, each time a little dearer.
fn fills() -> Vec<SimulatedFill> {
    let fill = |id: i64| SimulatedFill {
        id,
        is_buyer: id % 2 == 1,
        quantity: "0.01000000".to_owned(),
        price: format!("{}.00000000", 60_000 + id * 10),
        commission: "0.10000000".to_owned(),
        commission_asset: "USDT".to_owned(),
        realized: None,
        at: Utc::now() - TimeDelta::days(2) + TimeDelta::minutes(id),
    };
    (1..=250).map(fill).collect()
}

pub(crate) async fn trades_are_fetched_analyzed_and_delivered(stack: &Stack) {
    let parameter = |name: &str, value: &str| json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
    stack.put_secret("AmazonSSM.PutParameter", "ssm", &parameter("/cauce/platform", PLATFORM_KEY)).await;
    for id in ["desk", "gone"] {
        stack
            .put_secret(
                "AmazonSSM.PutParameter",
                "ssm",
                &parameter(&format!("/cauce/{id}"), &format!("key-{id}")),
            )
            .await;
        let secret = json!({ "secret": format!("secret-{id}") }).to_string();
        let secret = json!({ "Name": format!("cauce/{id}"), "SecretString": secret });
        stack.put_secret("secretsmanager.CreateSecret", "secretsmanager", &secret).await;
    }
    let account = |id: &str| BrokerAccount::new(&format!("key-{id}"), Verifier::Hmac(format!("secret-{id}")));
    let mut desk = account("desk");
    desk.balances =
        [("BTC", "1.0"), ("USDT", "5000.0")].map(|(asset, free)| (asset.to_owned(), free.to_owned())).into();
    desk.fills.insert("BTCUSDT".to_owned(), fills());
    stack.broker.put(desk).await;
    stack.broker.put(BrokerAccount { mood: Mood::Revoked, ..account("gone") }).await;

    let fetched = stack.invoke("FetchFunctionName", &json!({})).await;
    assert_eq!(
        (&fetched["accounts"], &fetched["failed"], &fetched["trades"]),
        (&json!(2), &json!(1), &json!(250)),
        "{fetched}"
    );
    let listed = String::from_utf8(stack.cauce(&["account", "list"]).stdout).unwrap();
    assert!(listed.lines().any(|line| line.starts_with("gone") && line.contains("paused")), "{listed}");
    stack.drained().await;
    stack.invoke("AnalyzeFunctionName", &json!({})).await;
    assert_eq!(stack.count("SELECT count(*) AS n FROM fact_trades WHERE account_id = 'desk'"), 250);
    let positions = stack.sql(
        "SELECT count(*) AS n, sum(net_pnl) AS net FROM fact_positions WHERE account_id = 'desk' AND method = 'fifo'",
    );
    // Each of 125 round trips makes 0.01 of 10 USDT, and costs 0.2.
    assert_eq!(positions[0]["n"], json!(125));
    let net: f64 = positions[0]["net"].as_str().unwrap().parse().unwrap();
    assert!((net - 125.0 * (0.1 - 0.2)).abs() < 1e-9, "{net}");

    let delivered = stack.invoke("DeliverFunctionName", &json!({})).await;
    assert_eq!((&delivered["batches"], &delivered["failed"]), (&json!(3), &json!(0)), "{delivered}");
    assert_eq!(stack.platform.has.lock().unwrap().len(), 250);
    let again = stack.invoke("DeliverFunctionName", &json!({})).await;
    assert_eq!(again["batches"], json!(0), "each once");
    stack.drained().await;
    let results = "SELECT account_id, status FROM ops_account_results ORDER BY 1";
    let results: Vec<Value> = stack.sql(results).into_iter().map(|row| row["status"].clone()).collect();
    assert_eq!(results, [json!("imported"), json!("key_revoked")]);
    assert_eq!(stack.count("SELECT sum(created) AS n FROM ops_deliveries WHERE status = 'delivered'"), 250);
}
