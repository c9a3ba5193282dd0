//! A normalizer that dies at one exact point: its files are written, and nobody has been told. The function's own binary
//! runs here against a runtime API and a way to the emulator that are the test's, so that the point can be held.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use aws_sdk_sqs::types::MessageSystemAttributeName;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cauce_intake::{Brought, Intake};
use chrono::Utc;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};

use crate::{
    stack::{Stack, repository},
    support::eventually,
};

/// What the test holds in its hands.
#[derive(Debug)]
struct Held {
    emulator: String,
    event: Mutex<Option<Value>>,
    /// The normalizer wants to take its message from the queue.
    acknowledging: Notify,
    /// The normalizer answered: it must not come so far.
    answered: Notify,
}

/// The runtime API: one event, then nothing.
async fn next(State(held): State<Arc<Held>>) -> Response {
    let Some(event) = held.event.lock().await.take() else { return std::future::pending().await };
    let deadline = (Utc::now().timestamp_millis() + 60_000).to_string();
    let function = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let headers = [
        ("lambda-runtime-aws-request-id", "00000000-0000-0000-0000-000000000001"),
        ("lambda-runtime-deadline-ms", deadline.as_str()),
        ("lambda-runtime-invoked-function-arn", function),
    ];
    (headers, event.to_string()).into_response()
}

async fn answered(State(held): State<Arc<Held>>, Path(_): Path<String>) -> StatusCode {
    held.answered.notify_one();
    StatusCode::ACCEPTED
}

/// The way to the emulator: everything passes, but for the acknowledgement.
async fn pass(State(held): State<Arc<Held>>, headers: HeaderMap, request: Request) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if target.starts_with("AmazonSQS.DeleteMessage") {
        held.acknowledging.notify_one();
        return std::future::pending().await;
    }
    let url = format!("{}{}", held.emulator, request.uri());
    let method = request.method().clone();
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let sent = reqwest::Client::new().request(method, url).headers(headers).body(body).send().await.unwrap();
    let (status, mut headers) = (sent.status(), sent.headers().clone());
    headers.remove("transfer-encoding");
    (status, headers, sent.bytes().await.unwrap()).into_response()
}

async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// The function as the template sets it up, with its ways through the test's hands.
fn start(stack: &Stack, runtime: &str, emulator: &str) -> Child {
    let functions = std::env::var_os("CAUCE_FUNCTIONS").map(PathBuf::from);
    let functions = functions.unwrap_or_else(|| repository().join("build/functions"));
    let mut command = Command::new(functions.join("normalize/bootstrap"));
    for (variable, output) in [
        ("CAUCE_LEDGER_TABLE", "LedgerTable"),
        ("CAUCE_QUEUE_URL", "QueueUrl"),
        ("CAUCE_DEAD_LETTER_URL", "DeadLetterUrl"),
        ("CAUCE_INBOX_QUEUE_URL", "InboxQueueUrl"),
        ("CAUCE_INBOX_DEAD_LETTER_URL", "InboxDeadLetterUrl"),
        ("CAUCE_UNREAD_QUEUE_URL", "UnreadQueueUrl"),
        ("CAUCE_UNREAD_DEAD_LETTER_URL", "UnreadDeadLetterUrl"),
    ] {
        command.env(variable, stack.output(output));
    }
    command
        .env("CAUCE_LAKE", format!("s3://{}", stack.output("LakeBucket")))
        .env("AWS_ENDPOINT_URL", format!("http://{emulator}"))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_LAMBDA_RUNTIME_API", runtime)
        .env("AWS_LAMBDA_FUNCTION_NAME", "held")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .stdout(Stdio::from(fs::File::create(stack.folder.path().join("held.log")).unwrap()))
        .spawn()
        .unwrap()
}

pub(crate) async fn a_normalizer_killed_between_writing_and_answering(stack: &Stack) {
    let mapping = stack.event_source("NormalizeFunctionName").await;
    stack.enable(&mapping, false).await;
    let intake = Intake::new(stack.store());
    let fetched_at = "2026-03-07T09:00:00Z".parse().unwrap();
    let brought = Brought { source: "held", name: None, fetched_at, bytes: b"held" };
    let id = intake.keep(&brought).await.unwrap().id;

    // The bucket's own event, with a receipt that would really take it from the queue.
    let client = aws_sdk_sqs::Client::new(&cauce_raw::aws::emulator(&stack.endpoint));
    let message = eventually("the bucket's event", Duration::from_secs(30), async || {
        let asked = client.receive_message().queue_url(stack.output("QueueUrl"));
        let asked =
            asked.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
        asked.messages.unwrap_or_default().into_iter().find(|message| {
            message.body().is_some_and(|body| body.contains(id.key().rsplit('/').next().unwrap()))
        })
    })
    .await;
    let event = json!({ "Records": [{
        "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
        "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {}, "md5OfBody": "",
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "awsRegion": "us-east-1",
    }]});
    let held = Arc::new(Held {
        emulator: stack.endpoint.clone(),
        event: Mutex::new(Some(event)),
        acknowledging: Notify::new(),
        answered: Notify::new(),
    });
    let runtime = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered));
    let runtime = serve(runtime.with_state(Arc::clone(&held))).await;
    let emulator = serve(Router::new().fallback(pass).with_state(Arc::clone(&held))).await;
    let mut normalizer = start(stack, &runtime, &emulator);
    let came = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::select! {
            () = held.acknowledging.notified() => "acknowledging",
            () = held.answered.notified() => "answered",
        }
    })
    .await;
    normalizer.kill().unwrap();
    normalizer.wait().unwrap();
    assert_eq!(came, Ok("acknowledging"), "a message is acknowledged before the function answers");

    let rows = "SELECT record, count(*) AS n FROM quarantine WHERE source = 'held' GROUP BY record";
    let written = stack.sql(rows);
    assert_eq!(written.len(), 1, "the files were written before: {written:?}");
    assert_eq!(written[0]["n"], 1);
    stack.enable(&mapping, true).await;
    // It was not acknowledged, so it comes again, to a normalizer that lives.
    let queue = stack.queue();
    assert!(queue.stats().await.unwrap().waiting + queue.stats().await.unwrap().in_flight > 0);
    stack.drained().await;
    assert_eq!(stack.sql(rows), written, "once, and not twice");
    assert_eq!(queue.stats().await.unwrap().dead, 0);
}
