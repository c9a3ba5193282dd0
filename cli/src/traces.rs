//! Sends traces to a collector of OpenTelemetry, as OTLP over HTTP.

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use cauce_telemetry::Traces;
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider},
};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// One export, tries included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Exports until it is ended.
#[derive(Debug)]
pub(crate) struct Export(SdkTracerProvider);

impl Export {
    /// Exports to the collector at `address`, such as `http://127.0.0.1:4318`. Once a process.
    pub(crate) fn to(address: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime { client, runtime: Handle::current() })
            .with_endpoint(format!("{}/v1/traces", address.trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()
            .with_context(|| format!("traces can't be sent to {address}"))?;
        let resource = Resource::builder().with_service_name("cauce").build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Traces { follow, join }.export();
        Ok(Self(provider))
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.0.tracer("cauce")
    }

    /// Sends what is left.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(TIMEOUT) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// A run's trace has the run's id, so its spans know their trace without being told. What they hang from is the run itself.
fn follow(span: &Span, run: u128) {
    let [.., a, b, c, d, e, f, g, h] = run.to_be_bytes();
    let run = SpanContext::new(
        TraceId::from_bytes(run.to_be_bytes()),
        SpanId::from_bytes([a, b, c, d, e, f, g, h]),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    under(span, Context::new().with_remote_span_context(run));
}

fn join(span: &Span, traceparent: &str) {
    let carried: HashMap<String, String> = [("traceparent".to_owned(), traceparent.to_owned())].into();
    under(span, TraceContextPropagator::new().extract_with_context(&Context::new(), &carried));
}

fn under(span: &Span, context: Context) {
    if let Err(error) = span.set_parent(context) {
        // A level of the log that leaves out the span.
        tracing::trace!(%error, "span is not exported");
    }
}

/// The exporter has a thread of its own, and the client needs the runtime.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let mut answer = client.execute(request.try_into()?).await?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let mut response = Response::new(answer.bytes().await?);
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            Ok::<_, reqwest::Error>(response)
        });
        Ok(sent.await??)
    }
}
