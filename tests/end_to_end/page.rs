//! The page in a real Chromium, if there is one: `chromium` on the path, or `CAUCE_CHROMIUM`. Without one the test says
//! so and passes; CI installs one.

use std::process::Command;

use crate::http::up;

fn chromium() -> Option<String> {
    let named = std::env::var("CAUCE_CHROMIUM").ok();
    let candidates = named.into_iter().chain(["chromium".to_owned(), "chromium-browser".to_owned()]);
    candidates
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_chart_offers_and_runs() {
    let Some(chromium) = chromium() else {
        println!("skipped: no chromium; set CAUCE_CHROMIUM");
        return;
    };
    let served = up().await;
    let profile = served.folder.path().join("chromium");
    let mut browser = Command::new(chromium);
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=20000", "--dump-dom", "--enable-logging=stderr", "--v=0"])
        .arg(format!("{}/?days=1&interval=10m", served.url));
    let output = tokio::task::spawn_blocking(move || browser.output().unwrap()).await.unwrap();
    let (page, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let console: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "the console is clean: {console:?}");
    assert!(page.contains("as of "), "the page has loaded: {page:.2000}");
    assert!(page.contains("scatterlayer") && page.contains("js-line"), "a line is drawn");
    assert!(page.contains("VES for 1 USDT"), "the axis says what is paid for what");
    assert!(page.contains("completed"), "the run is listed");
    let (_, latest) = served.ask("/api/v1/market/latest?trade_type=BUY").await.unwrap();
    let maker = latest["markets"][0]["offers"][0]["nickname"].as_str().unwrap().to_owned();
    assert!(page.contains(&maker), "the first offer's maker is shown: {maker}");
}
