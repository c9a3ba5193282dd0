use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use cauce_ledger::SqliteLedger;
use cauce_model::TradeType;
use cauce_queue::{Queue, SqsQueue};
use cauce_raw::{RawZone, aws, open_s3};
use cauce_simulator::{Broker, Simulator, serve_broker};
use cauce_sources::VirtualClock;
use chrono::{TimeDelta, Utc};
use object_store::ObjectStore;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::{
    payments,
    support::{self, configure, free_port, market},
    trades::{self, Platform},
};

/// A stack on an emulator of its own.
pub(crate) struct Stack {
    pub(crate) folder: TempDir,
    pub(crate) endpoint: String,
    pub(crate) api: String,
    outputs: Value,
    /// The venue stands still, so that whoever asks it, whenever, gets the same book.
    pub(crate) _venue: Arc<Simulator>,
    /// What accounts are fetched from.
    pub(crate) broker: Arc<Broker>,
    /// What trades are delivered to.
    pub(crate) platform: Platform,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tool(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("HOME")?).join(".cache/cauce").join(name);
    path.is_file().then_some(path)
}

impl Stack {
    pub(crate) async fn up() -> Option<Self> {
        if !cfg!(feature = "aws") {
            println!("skipped: built without the feature aws; make test has it");
            return None;
        }
        let functions = std::env::var_os("CAUCE_FUNCTIONS").map(PathBuf::from);
        let functions = functions.unwrap_or_else(|| repository().join("build/functions"));
        let there = functions.join("query.zip").is_file();
        if tool("emulator/bin/ministack").is_none() || tool("sam/bin/sam").is_none() || !there {
            println!("skipped: no emulator, no SAM or no functions; .ci/run and make test bring them");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let clock = VirtualClock::at("2026-03-01T10:00:00Z".parse().unwrap());
        let venue = Arc::new(Simulator::new(11, Arc::new(clock)));
        let (address, _) =
            cauce_simulator::serve(Arc::clone(&venue), ([127, 0, 0, 1], 0).into()).await.unwrap();
        let markets = TradeType::ALL.map(|side| market("USDT", "VES", side));
        let model = payments::model().await;
        let broker = Arc::new(Broker::new(TimeDelta::seconds(90), 1_000_000));
        let (broker_url, _) = serve_broker(Arc::clone(&broker)).await.unwrap();
        let platform = Platform::serve().await;
        let settings = format!(
            "[lake]\nurl = \"lake\"\n[model]\nurl = \"http://{model}/v1\"\nkey = \"ssm:/cauce/model\"\n\
             [poller]\nurl = \"secretsmanager:cauce/database#url\"\n{}",
            trades::settings(&broker_url, &platform.url)
        );
        configure(folder.path(), &format!("http://{address}"), &settings, &markets);
        let port = free_port();
        // In the past by the time that the schedule is there, so that it fires at once.
        let soon = (Utc::now() + TimeDelta::seconds(2)).format("at(%Y-%m-%dT%H:%M:%S)").to_string();
        let said = Command::new("bash")
            .arg("localstack/up.sh")
            .current_dir(repository())
            .env("CAUCE_AWS_PORT", port.to_string())
            .env("CAUCE_AWS_FOLDER", folder.path().join("aws"))
            .env("CAUCE_AWS_CONFIG", folder.path().join("cauce.toml"))
            .env("CAUCE_AWS_SCHEDULE", soon)
            .env("CAUCE_FUNCTIONS", &functions)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{out}\n{err}");
        let api = out.lines().last().unwrap().strip_prefix("api ").unwrap().to_owned();
        let outputs =
            serde_json::from_slice(&fs::read(folder.path().join("aws/outputs.json")).unwrap()).unwrap();
        let endpoint = format!("http://127.0.0.1:{port}");
        Some(Self { folder, endpoint, api, outputs, _venue: venue, broker, platform })
    }

    pub(crate) fn output(&self, name: &str) -> String {
        let outputs = self.outputs.as_array().unwrap();
        let found = outputs.iter().find(|output| output["OutputKey"] == name).unwrap();
        found["OutputValue"].as_str().unwrap().to_owned()
    }

    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        open_s3(&format!("s3://{}", self.output("LakeBucket")), &aws::emulator(&self.endpoint)).unwrap()
    }

    pub(crate) fn raw(&self) -> RawZone {
        RawZone::new(self.store())
    }

    /// The queue, to send to and to count; its reasons are in the stack's ledger and not here.
    pub(crate) fn queue(&self) -> Arc<dyn Queue> {
        let client = aws_sdk_sqs::Client::new(&aws::emulator(&self.endpoint));
        let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
        Arc::new(SqsQueue::new(client, &self.output("QueueUrl"), &self.output("DeadLetterUrl"), ledger))
    }

    /// A command line on the stack's lake.
    pub(crate) fn cauce(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.path().join("aws");
        let output = support::binary(&folder)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "cauce {arguments:?}: {}\n{out}\n{err}", output.status);
        output
    }

    pub(crate) fn sql(&self, query: &str) -> Vec<Map<String, Value>> {
        serde_json::from_slice(&self.cauce(&["sql", query, "--format", "json"]).stdout).unwrap()
    }

    pub(crate) fn count(&self, query: &str) -> i64 {
        self.sql(query)[0].values().next().unwrap().as_i64().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let response = reqwest::get(format!("{}{path}", self.api)).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Calls a function as its schedule or its queue does.
    pub(crate) async fn invoke(&self, name: &str, event: &Value) -> Value {
        let url = format!("{}/2015-03-31/functions/{}/invocations", self.endpoint, self.output(name));
        let response = reqwest::Client::new().post(url).body(event.to_string()).send().await.unwrap();
        let failed = response.headers().contains_key("x-amz-function-error");
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(!failed, "{name}: {answer}");
        answer
    }

    /// What feeds a function from its queue.
    pub(crate) async fn event_source(&self, name: &str) -> String {
        let function = self.output(name);
        let url = format!("{}/2015-03-31/event-source-mappings/?FunctionName={function}", self.endpoint);
        let found: Value =
            serde_json::from_slice(&reqwest::get(url).await.unwrap().bytes().await.unwrap()).unwrap();
        found["EventSourceMappings"][0]["UUID"].as_str().unwrap().to_owned()
    }

    /// Starts or stops the feeding.
    pub(crate) async fn enable(&self, event_source: &str, enabled: bool) {
        let url = format!("{}/2015-03-31/event-source-mappings/{event_source}", self.endpoint);
        let body = serde_json::json!({ "Enabled": enabled }).to_string();
        let done = reqwest::Client::new().put(url).body(body).send().await.unwrap();
        assert!(done.status().is_success(), "{done:?}");
    }

    /// Puts a secret where functions look for it.
    pub(crate) async fn put_secret(&self, target: &str, service: &str, body: &Value) {
        let credential =
            format!("AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/{service}/aws4_request");
        let put = reqwest::Client::new()
            .post(&self.endpoint)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", credential)
            .body(body.to_string());
        let done = put.send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }

    /// Waits until the queue has nothing left to hand out.
    pub(crate) async fn drained(&self) {
        let queue = self.queue();
        support::eventually("an empty queue", Duration::from_secs(120), async || {
            let stats = queue.stats().await.ok()?;
            (stats.waiting == 0 && stats.in_flight == 0).then_some(())
        })
        .await;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let folder = self.folder.path().join("aws");
        let down = Command::new("bash")
            .arg("localstack/down.sh")
            .current_dir(repository())
            .env("CAUCE_AWS_FOLDER", &folder)
            .stdout(Stdio::null())
            .status();
        if std::thread::panicking() {
            let log = fs::read_to_string(folder.join("emulator.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("the emulator's last words:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        assert!(std::thread::panicking() || down.unwrap().success());
    }
}
