//! The queue on AWS keeps the promises of every queue.
#![cfg(feature = "sqs")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at what it can't do"
)]

#[path = "../../../tests/emulator/mod.rs"]
mod emulator;

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use cauce_ledger::SqliteLedger;
use cauce_queue::{MAX_RECEIPTS, SqsQueue, conformance::Suite};
use emulator::Emulator;
use serde_json::json;

/// A queue and its dead letters, as the template makes them.
async fn make_queues(client: &Client) -> (String, String) {
    let dead = client.create_queue().queue_name("dead").send().await.unwrap().queue_url.unwrap();
    let asked = client.get_queue_attributes().queue_url(&dead);
    let found = asked.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
    let arn = &found.attributes.unwrap()[&QueueAttributeName::QueueArn];
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIPTS }).to_string();
    let made = client.create_queue().queue_name("raw").attributes(QueueAttributeName::RedrivePolicy, policy);
    (made.send().await.unwrap().queue_url.unwrap(), dead)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqs() {
    let Some(emulator) = Emulator::start() else { return };
    conforms(&emulator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_localstack() {
    let Some(emulator) = Emulator::localstack() else { return };
    conforms(&emulator).await;
}

async fn conforms(emulator: &Emulator) {
    let client = Client::new(&cauce_raw::aws::emulator(&emulator.endpoint));
    let (url, dead_url) = make_queues(&client).await;
    let ledger = Arc::new(SqliteLedger::in_memory().unwrap());
    let queue = SqsQueue::new(client, &url, &dead_url, ledger);
    // Its clock is nobody's to move: loans are short, and the suite waits for them to end.
    let suite = Suite { visibility: Duration::from_secs(4), tells_late: false };
    let let_pass = async |time: Duration| tokio::time::sleep(time + Duration::from_millis(200)).await;
    suite.run(Arc::new(queue), let_pass).await.unwrap();
}
