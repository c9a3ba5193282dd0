//! `make screenshots`: every page as people see it, of a demo with two days of history, into `build/screenshots`.

use std::{fs, path::Path, time::Duration};

use crate::{
    browser::Browser,
    page::PAGES,
    support::{Process, cauce, eventually, free_port},
};

/// What a picture is called, and what is chosen in it.
const VIEWS: [(&str, &str, &str, u32); 3] =
    [("light-en", "light", "en", 1280), ("dark-es", "dark", "es", 1280), ("phone", "light", "es", 390)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "for people to look at: make screenshots"]
async fn screenshots() {
    let folder = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let demo = ["demo", "--history", "2d", "--listen", &listen];
    let _demo = Process::start(&mut cauce(folder.path(), &demo));
    eventually("two days of history", Duration::from_secs(300), async || {
        let path = format!("http://{listen}/api/v1/runs?limit=1&since=2000-01-01&status=completed");
        let runs: serde_json::Value =
            serde_json::from_slice(&reqwest::get(path).await.ok()?.bytes().await.ok()?).ok()?;
        let newest: chrono::DateTime<chrono::Utc> =
            runs["runs"][0]["batch_start_time"].as_str()?.parse().ok()?;
        (chrono::Utc::now() - newest < chrono::TimeDelta::minutes(10)).then_some(())
    })
    .await;
    let Some(browser) = Browser::start(&folder.path().join("chromium")).await else { return };
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/screenshots");
    fs::create_dir_all(&place).unwrap();
    for (view, theme, language, width) in VIEWS {
        browser.driver.set_window_rect(0, 0, width, 1_400).await.unwrap();
        browser.open(&format!("http://{listen}/")).await;
        let chosen = format!(
            "localStorage.setItem('theme', '{theme}'); localStorage.setItem('language', '{language}')"
        );
        browser.script(&chosen).await;
        for page in PAGES {
            browser.open(&format!("http://{listen}/?page={page}&days=2")).await;
            let picture = browser.driver.screenshot_as_png().await.unwrap();
            fs::write(place.join(format!("{page}-{view}.png")), picture).unwrap();
        }
    }
    println!("build/screenshots");
    browser.quit().await;
}
