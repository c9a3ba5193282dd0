//! A real Chromium, driven over ChromeDriver on loopback: `chromium` and `chromedriver` on the path, or `CAUCE_CHROMIUM` and
//! `CAUCE_CHROMEDRIVER`. Without them the tests of pages say that they are skipped; CI installs them.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use thirtyfour::{
    By, WebDriver, WebElement,
    error::{WebDriverError, WebDriverResult},
    session::http::{Body, HttpClient},
};

use crate::support::{Process, eventually, free_port};

/// The driver's requests by the tests' own client.
struct Http(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send(&self, request: http::Request<Body<'_>>) -> WebDriverResult<http::Response<Bytes>> {
        let failed = |error: reqwest::Error| WebDriverError::RequestFailed(error.to_string());
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => String::new(),
            Body::Json(value) => value.to_string(),
        };
        let sent = self.0.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let answer = sent.send().await.map_err(failed)?;
        let status = answer.status();
        let mut response = http::Response::new(answer.bytes().await.map_err(failed)?);
        *response.status_mut() = status;
        Ok(response)
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self(reqwest::Client::new()))
    }
}

/// A browser with a profile of its own.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    _process: Process,
}

fn program(variable: &str, names: &[&str]) -> Option<String> {
    let named = std::env::var(variable).ok();
    let mut candidates = named.into_iter().chain(names.iter().map(|name| (*name).to_owned()));
    candidates.find(|name| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success()))
}

impl Browser {
    /// Starts one; none where there is none.
    pub(crate) async fn start(profile: &Path) -> Option<Self> {
        let chromium = program("CAUCE_CHROMIUM", &["chromium", "chromium-browser"]);
        let driver = program("CAUCE_CHROMEDRIVER", &["chromedriver"]);
        let (Some(chromium), Some(driver)) = (chromium, driver) else {
            println!("skipped: no chromium or chromedriver; set CAUCE_CHROMIUM and CAUCE_CHROMEDRIVER");
            return None;
        };
        let port = free_port();
        let process = Process::start(Command::new(driver).arg(format!("--port={port}")));
        let url = format!("http://127.0.0.1:{port}");
        eventually("chromedriver", Duration::from_secs(20), async || {
            let status = reqwest::get(format!("{url}/status")).await.ok()?;
            status.status().is_success().then_some(())
        })
        .await;
        let options = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": which(&chromium), "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--lang=en",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1280,1400", format!("--user-data-dir={}", profile.display()),
            ] },
        });
        let Value::Object(options) = options else { unreachable!("it is an object") };
        let client = Http(reqwest::Client::new());
        let driver =
            WebDriver::builder(url, thirtyfour::Capabilities::from(options)).client(client).await.unwrap();
        Some(Self { driver, _process: process })
    }

    /// Opens a page and waits until it shows what it has.
    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
        self.ready(0).await;
    }

    /// Waits until the page was drawn more often than `before` times; answers how often.
    pub(crate) async fn ready(&self, before: i64) -> i64 {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let drawn =
                self.script("return Number(document.getElementById('page')?.dataset.ready ?? 0)").await;
            match drawn.as_i64().filter(|drawn| *drawn > before) {
                Some(drawn) => return drawn,
                None if std::time::Instant::now() < end => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                None => {
                    let shown = self.script("return document.body.innerText").await;
                    panic!("never drawn: {:?}; {shown}", self.complaints().await);
                }
            }
        }
    }

    pub(crate) async fn script(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn find(&self, css: &str) -> WebElement {
        let found = || async { self.driver.find(By::Css(css)).await.ok() };
        eventually(css, Duration::from_secs(10), async || found().await).await
    }

    /// What the browser complains of since it was asked last.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.unwrap();
        log.into_iter()
            .filter(|entry| entry.level != "INFO" && entry.level != "DEBUG")
            .map(|entry| entry.message)
            .collect()
    }

    pub(crate) async fn quit(self) {
        self.driver.clone().quit().await.unwrap();
    }
}

/// ChromeDriver wants a path.
fn which(program: &str) -> String {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).trim().to_owned()
}
