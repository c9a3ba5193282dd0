//! The pages in a real Chromium: what they show is what the API says.

use std::time::Duration;

use serde_json::Value;
use thirtyfour::{By, Key};

use crate::{
    browser::Browser,
    http::{Served, up},
    support::{binary, eventually, import_trades},
};

pub(crate) const PAGES: [&str; 12] = [
    "overview",
    "market",
    "arbitrage",
    "payments",
    "events",
    "payment",
    "trades",
    "accounts",
    "quality",
    "runs",
    "sql",
    "keys",
];

async fn opened() -> Option<(Served, Browser)> {
    let served = up().await;
    let browser = Browser::start(&served.folder.path().join("chromium")).await?;
    Some((served, browser))
}

async fn answer(served: &Served, path: &str) -> Value {
    served.ask(path).await.unwrap().1
}

/// As the page writes a decimal in English.
fn shown(decimal: &str) -> String {
    let (whole, part) = decimal.split_once('.').unwrap_or((decimal, ""));
    let part = part.trim_end_matches('0');
    let digits = whole.len();
    let grouped: String = whole
        .chars()
        .enumerate()
        .flat_map(|(at, digit)| (at > 0 && (digits - at) % 3 == 0).then_some(',').into_iter().chain([digit]))
        .collect();
    if part.is_empty() { grouped } else { format!("{grouped}.{part}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_opens_and_shows_what_the_api_says() {
    let Some((served, browser)) = opened().await else { return };
    import_trades(served.folder.path());
    eventually("what was imported is analyzed", Duration::from_secs(60), async || {
        let (_, stats) = served.ask("/api/v1/stats?account=main").await?;
        (!stats["stats"].as_array()?.is_empty()).then_some(())
    })
    .await;
    for page in PAGES {
        browser.open(&format!("{}/?page={page}", served.url)).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{page}");
        let headings =
            browser.script("return document.querySelectorAll('main h2, main .figure').length").await;
        assert!(headings.as_i64() > Some(0), "{page} shows something");
        let outside = browser.script("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))").await;
        assert_eq!(outside, Value::Array(Vec::new()), "{page} asks nobody else");
    }
    browser.open(&format!("{}/?page=overview", served.url)).await;
    assert_eq!(browser.text("#markets strong").await, "2 / 2");
    assert_eq!(browser.text("#completeness strong").await, "100 %");
    browser.open(&format!("{}/?page=market&days=1&interval=10m", served.url)).await;
    let prices = answer(&served, "/api/v1/market/price?trade_type=BUY").await;
    let price = prices["prices"][0]["price"].as_str().unwrap();
    assert_eq!(browser.text("#price-buy strong").await, shown(price));
    let latest = answer(&served, "/api/v1/market/latest?trade_type=BUY").await;
    let maker = latest["markets"][0]["offers"][0]["nickname"].as_str().unwrap().to_owned();
    assert!(browser.text("#page").await.contains(&maker), "the first offer's maker is shown: {maker}");
    browser.open(&format!("{}/?page=runs", served.url)).await;
    assert!(browser.text("#page").await.contains("completed"));
    // (51000 - 50000) less half of the fee of the purchase, which is 0.001 BTC at 50000, and the fee of the sale.
    browser.open(&format!("{}/?page=trades&account=main", served.url)).await;
    assert_eq!(browser.text("#net-profit strong").await, "955 USDT");
    assert!(browser.text("#positions").await.contains("BTCUSDT"));
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_trades_is_tried_and_then_imported() {
    let Some((served, browser)) = opened().await else { return };
    browser.open(&format!("{}/?page=accounts", served.url)).await;
    let drawn = browser.ready(0).await;
    browser.find("#new-account input[name=id]").await.send_keys("desk").await.unwrap();
    browser.find("#new-account button").await.click().await.unwrap();
    browser.ready(drawn).await;
    let file = served.folder.path().join("export.csv");
    let rows = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n\
                2026-03-01 10:00:00,BTCUSDT,BUY,50000,2BTC,100000USDT,0.001BTC\n\
                2026-03-01 11:00:00,BTCUSDT,BUY,dear,2BTC,100000USDT,0.001BTC\n";
    std::fs::write(&file, rows).unwrap();
    browser.find("#import input[type=file]").await.send_keys(file.to_str().unwrap()).await.unwrap();
    browser.find("#try-import").await.click().await.unwrap();
    let confirm = browser.find("#confirm-import").await;
    let tried = browser.text("#import-outcome").await;
    assert!(tried.contains("1 new trades") && tried.contains("Price: 'dear' is not a number"), "{tried}");
    let known = answer(&served, "/api/v1/accounts/desk/results").await;
    assert_eq!(known["results"], serde_json::json!([]), "nothing is kept yet");
    confirm.click().await.unwrap();
    eventually("the trade is in the lake", Duration::from_secs(60), async || {
        let (_, trades) = served.ask("/api/v1/trades?account=desk").await?;
        (trades["trades"].as_array()?.len() == 1).then_some(())
    })
    .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_leads_to_its_bytes_in_three_clicks() {
    let Some((served, browser)) = opened().await else { return };
    browser.open(&format!("{}/?page=market&days=1&interval=10m", served.url)).await;
    let latest = answer(&served, "/api/v1/market/offers?trade_type=BUY").await;
    let offer = &latest["offers"][0];
    browser.find("td button.link").await.click().await.unwrap();
    browser.find("dialog[open] pre.raw").await;
    let record = browser.text("dialog pre.raw").await;
    let record: Value = serde_json::from_str(&record).unwrap();
    assert!(
        record.to_string().contains(offer["offer_external_id"].as_str().unwrap()),
        "the offer's own part: {record}"
    );
    browser.find("#dialog-close").await.click().await.unwrap();
    // A bucket of the chart: its snapshots, and the bytes of one of them.
    // The last that has any: a new one may just have begun. The page may be drawn again at any moment, and with it the chart.
    let clicked = "const chart = document.getElementById('history');
        const volumes = chart?.data?.find((trace) => trace.yaxis === 'y2');
        if (!volumes || document.getElementById('dialog').open) return;
        const last = volumes.y.findLastIndex((volume) => volume !== null);
        chart.emit('plotly_click', { points: [{ x: volumes.x[last] }] });";
    eventually("the snapshots of a bucket", Duration::from_secs(30), async || {
        browser.script(clicked).await;
        browser.driver.find(By::Css("dialog[open] td button.link")).await.ok()
    })
    .await
    .click()
    .await
    .unwrap();
    let page = browser.text("dialog pre.raw").await;
    assert!(page.contains("\"adv\""), "a page of the venue: {page:.300}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn language_theme_chart_and_phone() {
    let Some((served, browser)) = opened().await else { return };
    let url = format!("{}/?page=market&days=1&interval=10m", served.url);
    browser.open(&url).await;
    assert_eq!(browser.text("nav a[aria-current]").await, "Market");
    // Hover: Plotly says which points are under the pointer, and shows them.
    browser.script("Plotly.Fx.hover('history', [{ curveNumber: 2, pointNumber: document.getElementById('history').data[2].x.length - 1 }])").await;
    browser.find("#history .hoverlayer .legend, #history .hoverlayer text").await;
    let range = "return JSON.stringify(document.getElementById('history').layout.xaxis.range)";
    let before = browser.script(range).await;
    browser.script("document.querySelector('#history [data-title=\"Zoom in\"]').click()").await;
    eventually("a zoomed chart", Duration::from_secs(10), async || {
        (browser.script(range).await != before).then_some(())
    })
    .await;

    let drawn = browser.ready(0).await;
    browser.find("#language option[value=es]").await.click().await.unwrap();
    let drawn = browser.ready(drawn).await;
    assert_eq!(browser.text("nav a[aria-current]").await, "Mercado");
    assert_eq!(browser.script("return document.documentElement.lang").await, "es");
    for theme in ["claro", "oscuro"] {
        browser.find("#theme").await.click().await.unwrap();
        eventually(theme, Duration::from_secs(10), async || {
            browser.text("#theme").await.contains(theme).then_some(())
        })
        .await;
    }
    browser.ready(drawn).await;
    let paper = browser.script("return getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(paper, "rgb(16, 23, 29)", "dark");
    browser.open(&url).await;
    assert_eq!(browser.text("nav a[aria-current]").await, "Mercado", "what was chosen stays");

    browser.driver.set_window_rect(0, 0, 390, 800).await.unwrap();
    for page in PAGES {
        browser.open(&format!("{}/?page={page}", served.url)).await;
        let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.script(wide).await, 0, "{page} fits a phone");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_ask_and_log_out() {
    let Some((served, browser)) = opened().await else { return };
    let mut adding = binary(served.folder.path());
    adding.args(["--lake", "lake", "user", "add", "--name", "ana", "--role", "admin"]);
    let added = {
        use std::io::Write;
        let mut child = adding.stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
        child.wait().unwrap()
    };
    assert!(added.success());
    browser.open(&format!("{}/?page=sql", served.url)).await;
    let log_in = async |password: &str| {
        browser.find("input[name=username]").await.send_keys("ana").await.unwrap();
        browser.find("input[name=password]").await.send_keys(password).await.unwrap();
        browser.find("#login-submit").await.click().await.unwrap();
    };
    log_in("wrong").await;
    eventually("the refusal", Duration::from_secs(10), async || {
        browser.text("#login-failed").await.contains("wrong").then_some(())
    })
    .await;
    browser.find("input[name=username]").await.clear().await.unwrap();
    browser.find("input[name=password]").await.clear().await.unwrap();
    log_in("correct horse battery").await;
    // Back to where it was asked for.
    let question = browser.find("#sql").await;
    question.clear().await.unwrap();
    question.send_keys("SELECT count(*) AS n FROM fact_offers").await.unwrap();
    question.send_keys(Key::Control + "\u{e007}").await.unwrap();
    let counted = crate::support::sql(served.folder.path(), "SELECT count(*) AS n FROM fact_offers")[0]["n"]
        .to_string();
    eventually("the answer", Duration::from_secs(20), async || {
        let text = browser.text("#answer").await;
        text.contains(&counted).then_some(())
    })
    .await;
    assert!(browser.text("#who").await.starts_with("ana · admin"));
    browser.find("#logout").await.click().await.unwrap();
    browser.find("#login-submit").await;
    assert_eq!(browser.script("return sessionStorage.getItem('token')").await, Value::Null);
    browser.driver.goto(format!("{}/?page=runs", served.url)).await.unwrap();
    browser.find("#login-submit").await;
    browser.quit().await;
}

#[test]
fn every_word_is_there_in_both_languages() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../lake/api/src/page");
    let text = std::fs::read_to_string(format!("{folder}/text.js")).unwrap();
    let known =
        |word: &str| text.contains(&format!(" {word}: [\"")) || text.contains(&format!("\n  {word}: [\""));
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "js") {
            continue;
        }
        let script = std::fs::read_to_string(&path).unwrap();
        for (at, _) in script.match_indices("t(\"") {
            let before = script[..at].chars().next_back();
            if before.is_some_and(|letter| letter.is_ascii_alphanumeric() || "._$".contains(letter)) {
                continue;
            }
            let word = script[at + 3..].split('"').next().unwrap();
            assert!(known(word), "{}: {word}", path.display());
        }
    }
}
