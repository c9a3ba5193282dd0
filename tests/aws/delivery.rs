//! Messages that come again, side by side, to normalizers that are killed, or that can't be handled.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use cauce_intake::{Brought, Intake};
use cauce_model::RawId;
use cauce_queue::RawCreated;
use cauce_raw::{Bundle, Envelope, kind};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path};
use serde_json::{Value, json};

use crate::{stack::Stack, support::eventually};

/// Every snapshot with its rows: what must not change.
fn facts(stack: &Stack) -> Vec<String> {
    let rows = "SELECT raw_id, snapshot_id, count(*) AS rows, count(DISTINCT offer_external_id) AS offers
                FROM fact_offers GROUP BY raw_id, snapshot_id ORDER BY raw_id, snapshot_id";
    stack.sql(rows).into_iter().map(|row| Value::Object(row).to_string()).collect()
}

async fn snapshots(stack: &Stack) -> Vec<RawId> {
    let all: Vec<RawId> = stack.raw().list(|_| true).map_ok(|(id, _)| id).try_collect().await.unwrap();
    all.into_iter().filter(|id| id.kind() == kind::MARKET_SNAPSHOT).collect()
}

/// An event of the queue, as the function gets it.
fn event(messages: &[&str]) -> Value {
    let record = |(number, body): (usize, &&str)| {
        json!({
            "messageId": format!("00000000-0000-0000-0000-{number:012}"), "receiptHandle": "nobody's", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {}, "md5OfBody": "",
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": messages.iter().enumerate().map(record).collect::<Vec<_>>() })
}

pub(crate) async fn a_message_delivered_again_and_side_by_side_changes_nothing(stack: &Stack) {
    let before = facts(stack);
    let ids = snapshots(stack).await;
    let queue = stack.queue();
    let message = RawCreated::of(&ids[0]).body();
    for _ in 0..5 {
        queue.send(&message).await.unwrap();
    }
    // Two normalizers on one message at the same time, and one message twice in one batch.
    let twice = event(&[&message, &message]);
    let calls = [(); 2].map(|()| stack.invoke("NormalizeFunctionName", &twice));
    let [left, right]: [Value; 2] = futures::future::join_all(calls).await.try_into().unwrap();
    assert_eq!((&left["batchItemFailures"], &right["batchItemFailures"]), (&json!([]), &json!([])));
    stack.drained().await;
    assert_eq!(facts(stack), before);
}

/// The processes that run a function, by its name in their environment.
fn processes(stack: &Stack, function: &str) -> Vec<u32> {
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={}", stack.output(function));
    let all =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let runs = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|pair| pair == name.as_bytes())
    };
    all.filter(runs).collect()
}

pub(crate) async fn normalizers_killed_in_the_middle_lose_nothing(stack: &Stack) {
    const OBJECTS: i64 = 60;
    // Messages of the dead come back after this; the template's time is for real outages.
    let client = aws_sdk_sqs::Client::new(&cauce_raw::aws::emulator(&stack.endpoint));
    let attributes = aws_sdk_sqs::types::QueueAttributeName::VisibilityTimeout;
    client
        .set_queue_attributes()
        .queue_url(stack.output("QueueUrl"))
        .attributes(attributes, "5")
        .send()
        .await
        .unwrap();
    let ids = snapshots(stack).await;
    let lines = stack.raw().read(&ids[0]).await.unwrap();
    let page = Envelope::read_line(lines.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let offers = stack.count("SELECT count(*) AS n FROM fact_offers");
    let intake = Intake::new(stack.store());
    let begin: DateTime<Utc> = "2026-03-05T00:00:00Z".parse().unwrap();
    let mut brought = Vec::new();
    let mut killed = 0;
    for number in 0..OBJECTS {
        let fetched_at = begin + TimeDelta::minutes(number);
        let bytes = page.body.bytes();
        let kept =
            intake.keep(&Brought { source: "binance_p2p", name: None, fetched_at, bytes }).await.unwrap();
        brought.push(kept.id);
        if number % 12 == 11 {
            for pid in processes(stack, "NormalizeFunctionName") {
                killed += i32::from(
                    Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success(),
                );
            }
        }
    }
    assert!(killed > 0, "there was a normalizer to kill");
    println!("killed {killed} normalizers");
    let per_object = "SELECT raw_id, count(*) AS rows, count(DISTINCT raw_pos * 1000 + rank) AS distinct_rows
                      FROM fact_offers WHERE date = DATE '2026-03-05' GROUP BY raw_id";
    let rows = eventually("every object's rows", Duration::from_secs(180), async || {
        // What was given up after three deaths gets another chance.
        if stack.queue().stats().await.ok()?.dead > 0 {
            stack.cauce(&["dead-letters", "redrive"]);
        }
        let rows = stack.sql(per_object);
        (rows.len() == brought.len()).then_some(rows)
    })
    .await;
    let counts: BTreeMap<i64, usize> = rows.iter().fold(BTreeMap::new(), |mut counts, row| {
        assert_eq!(row["rows"], row["distinct_rows"], "no row twice");
        *counts.entry(row["rows"].as_i64().unwrap()).or_default() += 1;
        counts
    });
    assert_eq!(counts.len(), 1, "each has all of its rows: {counts:?}");
    stack.drained().await;
    let expected = offers + OBJECTS * counts.keys().next().unwrap();
    assert_eq!(stack.count("SELECT count(*) AS n FROM fact_offers"), expected);
}

pub(crate) async fn poison_dies_alone_and_is_healed_by_a_redrive(stack: &Stack) {
    let at: DateTime<Utc> = "2026-03-06T11:00:00Z".parse().unwrap();
    let sealed = |body: &[u8], name: &str| {
        let mut bundle = Bundle::new("somebody", kind::FILE, at.date_naive(), "11");
        bundle.push(&Envelope::bare(body.to_vec(), at)).unwrap();
        bundle.seal(name).unwrap()
    };
    let cure = sealed(b"cured", "poison");
    let store = stack.store();
    let poison = Path::from(cure.id.key());
    for number in 0..5 {
        stack.raw().put(&sealed(format!("good {number}").as_bytes(), "good")).await.unwrap();
        if number == 2 {
            store.put(&poison, "not zstd".into()).await.unwrap();
        }
    }
    let letters = eventually("the poison's end", Duration::from_secs(120), async || {
        let said = stack.cauce(&["dead-letters", "list", "--json"]);
        let letters: Vec<Value> = serde_json::from_slice(&said.stdout).unwrap();
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    assert_eq!(letters.len(), 1, "the poison alone: {letters:?}");
    assert!(letters[0]["body"].as_str().unwrap().contains("poison"), "{letters:?}");
    let attempts = letters[0]["attempts"].as_array().unwrap();
    assert!(
        attempts.iter().all(|attempt| attempt["reason"].as_str().unwrap().contains("is damaged")),
        "{attempts:?}"
    );
    let good = "SELECT count(*) AS n FROM quarantine WHERE record LIKE 'good %'";
    assert_eq!(stack.count(good), 5);

    store.put(&poison, cure.bytes.clone().into()).await.unwrap();
    stack.cauce(&["dead-letters", "redrive"]);
    eventually("the cured object's rows", Duration::from_secs(60), async || {
        (stack.count("SELECT count(*) AS n FROM quarantine WHERE record = 'cured'") == 1).then_some(())
    })
    .await;
    stack.drained().await;
    assert_eq!(stack.queue().stats().await.unwrap().dead, 0);
}
