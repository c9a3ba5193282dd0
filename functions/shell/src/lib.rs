//! What every function on AWS shares: it starts in the world that its environment names, knows its deadline, writes
//! its log as JSON, and its metrics into that log in CloudWatch's embedded format.

mod invocation;
mod sqs;

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow};
use axum::{Router, extract::ConnectInfo, response::Response};
use cauce_access::Gate;
use cauce_api::{Door, Guard, Serving, served};
use cauce_telemetry::{FIGURES, Figure, without_details};
use cauce_world::World;
pub use invocation::Invocation;
use lambda_runtime::{LambdaEvent, service_fn};
use metrics_cloudwatch_embedded::{Builder, Collector};
use serde::{Serialize, de::DeserializeOwned};
pub use sqs::{deliveries, failures};
use tower::ServiceExt;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

/// How often figures go into the log while an invocation lasts: a histogram holds 100 values.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// The namespace of all metrics.
const NAMESPACE: &str = "Cauce";

/// A function that has started.
pub struct Function {
    /// All that it works with.
    pub world: World,
    metrics: &'static Collector,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("world", &self.world).finish_non_exhaustive()
    }
}

impl Function {
    /// Starts the log, the metrics and the world. `CAUCE_LOG` sets levels per module, such as `info,cauce_sources=debug`.
    pub async fn start(name: &'static str) -> anyhow::Result<Self> {
        let levels = EnvFilter::try_from_env("CAUCE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        // Of a histogram with more than 100 values between two flushes the first are kept, without a line for each that is not.
        let levels = levels.add_directive("metrics_cloudwatch_embedded=off".parse()?);
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            // The invocation, with its ids, is the outermost.
            .with_span_list(true)
            .with_env_filter(levels)
            .try_init()
            .map_err(|error| anyhow!("logging: {error}"))?;
        if !std::env::var("CAUCE_DETAILED_METRICS").is_ok_and(|value| value == "true") {
            without_details();
        }
        // One stack, one value: two stacks of an account are told apart.
        let stack = std::env::var("CAUCE_STACK").unwrap_or_else(|_| "cauce".to_owned());
        let metrics = Builder::new()
            .cloudwatch_namespace(NAMESPACE)
            .with_dimension("stack", stack)
            .with_dimension("function", name)
            .init()
            .map_err(|error| anyhow!("metrics: {error}"))?;
        // Their units; nothing is sent for what does not happen.
        FIGURES.iter().for_each(Figure::describe);
        let world = Box::pin(World::from_environment()).await.context("the function can't start")?;
        Ok(Self { world, metrics })
    }

    /// Answers events until the environment ends.
    pub async fn run<E, A, F>(self, handler: impl Fn(Arc<World>, E, Invocation) -> F) -> anyhow::Result<()>
    where
        E: DeserializeOwned,
        A: Serialize,
        F: Future<Output = anyhow::Result<A>>,
    {
        let (world, metrics) = (Arc::new(self.world), self.metrics);
        let service = service_fn(|event: LambdaEvent<E>| {
            let invocation = Invocation::of(&event.context);
            let span = invocation.span();
            let answered = handler(Arc::clone(&world), event.payload, invocation.clone());
            async move {
                let mut answered = pin!(answered);
                let mut now_and_then = tokio::time::interval(FLUSH_EVERY);
                now_and_then.tick().await;
                let answer = loop {
                    tokio::select! {
                        answer = &mut answered => break answer,
                        _ = now_and_then.tick() => flush(metrics, &invocation),
                    }
                };
                if let Err(error) = &answer {
                    tracing::error!(error = format!("{error:#}"), "invocation failed");
                }
                flush(metrics, &invocation);
                answer.map_err(|error| lambda_runtime::Error::from(format!("{error:#}")))
            }
            .instrument(span)
        });
        lambda_runtime::run(service).await.map_err(|error| anyhow!(error))
    }

    /// Says who somebody is.
    pub fn gate(&self) -> anyhow::Result<Gate> {
        Ok(Gate::new(Arc::clone(&self.world.ledger), self.world.config.access()?))
    }

    /// Answers requests to `routes` until the environment ends.
    pub async fn serve(self, routes: Router) -> anyhow::Result<()> {
        let door = if self.world.is_emulated { Door::Emulator } else { Door::Outside };
        let guard = Guard { gate: self.gate()?, door };
        let routes = served(routes, guard, &Serving::of(&self.world.config)?);
        let metrics = self.metrics;
        let service = service_fn(move |mut request: lambda_http::Request| {
            let invocation = lambda_http::RequestExt::lambda_context_ref(&request).map(Invocation::of);
            let invocation = invocation.unwrap_or_default();
            let span = invocation.span();
            if let Some(address) = source_ip(&request) {
                request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
            }
            let answered = routes.clone().oneshot(request);
            async move {
                let answer: Result<Response, std::convert::Infallible> = answered.await;
                flush(metrics, &invocation);
                answer
            }
            .instrument(span)
        });
        lambda_http::run(service).await.map_err(|error| anyhow!(error))
    }
}

/// Where a request comes from, as the gateway says.
fn source_ip(request: &lambda_http::Request) -> Option<IpAddr> {
    use lambda_http::{RequestExt, request::RequestContext};
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_ref()?.parse().ok(),
        _ => None,
    }
}

/// One line of the log for all that was counted since the last.
fn flush(metrics: &Collector, invocation: &Invocation) {
    metrics.set_property("request_id", invocation.request_id.clone());
    if let Some(trace_id) = &invocation.trace_id {
        metrics.set_property("trace_id", trace_id.clone());
    }
    if let Err(error) = metrics.flush(std::io::stdout()) {
        tracing::warn!(%error, "metrics could not be written");
    }
}
