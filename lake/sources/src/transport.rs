use std::{collections::BTreeMap, error::Error as StdError, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use cauce_model::ErrorType;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::OnceCell;

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// HTTP method.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Headers to send with it. They are in no log.
    pub headers: Vec<(&'static str, String)>,
    /// JSON to send with it.
    pub body: Option<Value>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, decompressed.
    pub body: Bytes,
}

/// Nothing came back, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct TransportFailure {
    /// What kind of failure.
    pub error_type: ErrorType,
    /// What was seen.
    pub message: String,
}

/// The way to a venue: HTTP, or a simulator in the same process.
#[async_trait]
pub trait Transport: std::fmt::Debug + Send + Sync {
    /// Sends a request and waits for the whole answer, `timeout` at most.
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpAnswer, TransportFailure>;
}

/// HTTP over TLS where the address says so. Its client is made when the first request is: it reads the certificates of
/// the system, and not every process that could ask does.
#[derive(Debug, Clone, Default)]
pub struct HttpTransport {
    client: Arc<OnceCell<reqwest::Client>>,
}

impl HttpTransport {
    /// An answer larger than this is not read to its end: no page of offers comes near it.
    const LARGEST: usize = 32 << 20;

    /// With its own pool of connections.
    pub fn new() -> Self {
        Self::default()
    }

    async fn client(&self) -> Result<&reqwest::Client, TransportFailure> {
        let make = async || {
            reqwest::Client::builder()
                .user_agent(concat!("cauce/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .map_err(failure)
        };
        self.client.get_or_try_init(make).await
    }

    async fn send_now(&self, request: HttpRequest) -> Result<HttpAnswer, TransportFailure> {
        let method = request.method.parse().map_err(|_| TransportFailure {
            error_type: ErrorType::Network,
            message: format!("'{}' is no HTTP method", request.method),
        })?;
        let mut builder = self.client().await?.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_string());
        }
        let mut response = builder.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let text =
            |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(cut_short)? {
            body.extend_from_slice(&chunk);
            if body.len() > Self::LARGEST {
                let message = format!("the answer is larger than {} bytes", Self::LARGEST);
                return Err(TransportFailure { error_type: ErrorType::InvalidBody, message });
            }
        }
        Ok(HttpAnswer { status, headers, body: body.freeze() })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpAnswer, TransportFailure> {
        tokio::time::timeout(timeout, self.send_now(request)).await.unwrap_or_else(|_| {
            let message = format!("no whole answer within {timeout:?}");
            Err(TransportFailure { error_type: ErrorType::Timeout, message })
        })
    }
}

/// A failure after the head of the answer had come: whatever broke, the body is not whole.
fn cut_short(error: reqwest::Error) -> TransportFailure {
    let failure = failure(error);
    let error_type = match failure.error_type {
        ErrorType::Timeout => ErrorType::Timeout,
        _ => ErrorType::TruncatedBody,
    };
    TransportFailure { error_type, ..failure }
}

fn failure(error: reqwest::Error) -> TransportFailure {
    // An address may have a key in it, or a signature.
    let error = error.without_url();
    let mut causes = Vec::new();
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(found) = cause {
        causes.push(found);
        cause = found.source();
    }
    let refused = causes.iter().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    let error_type = if error.is_timeout() {
        ErrorType::Timeout
    } else if refused {
        ErrorType::ConnectionRefused
    } else {
        ErrorType::Network
    };
    let mut message = error.to_string();
    for cause in causes {
        message = format!("{message}: {cause}");
    }
    TransportFailure { error_type, message }
}
