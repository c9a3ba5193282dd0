use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use cauce_model::{ErrorType, TradeType};
use cauce_sources::{Clock, HttpAnswer, HttpRequest, Transport, TransportFailure};
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    Fault, FaultMode, book,
    faults::Faults,
    pairs::{Pair, pairs},
    wire,
};

/// The simulated venue.
#[derive(Debug)]
pub struct Simulator {
    seed: u64,
    clock: Arc<dyn Clock>,
    pairs: Vec<Pair>,
    faults: Faults,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    asset: String,
    fiat: String,
    trade_type: TradeType,
    page: u32,
    rows: u32,
}

/// An answer before it is known how it travels.
struct Reply {
    status: u16,
    content_type: &'static str,
    retry_after: Option<&'static str>,
    body: String,
    /// Bytes after which the connection ends.
    cut_at: Option<usize>,
    delay: Duration,
}

impl Reply {
    fn json(status: u16, body: String) -> Self {
        let content_type = "application/json;charset=UTF-8";
        Self { status, content_type, retry_after: None, body, cut_at: None, delay: Duration::ZERO }
    }

    fn html(status: u16, title: &str) -> Self {
        let body =
            format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>");
        Self { content_type: "text/html", ..Self::json(status, body) }
    }
}

impl Simulator {
    /// A venue whose market follows from `seed` and the time of `clock`.
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { seed, clock, pairs: pairs(), faults: Faults::default() }
    }

    /// From now on, misbehave.
    pub fn add_fault(&self, fault: Fault) {
        self.faults.add(fault);
    }

    /// From now on, behave.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    fn answer(&self, body: Option<&Value>) -> Reply {
        let search = body.and_then(|body| Search::deserialize(body).ok());
        let Some(search) = search.filter(|search| search.page > 0 && (1..=20).contains(&search.rows)) else {
            return Reply::json(200, wire::venue_error());
        };
        let pair = self.pairs.iter().find(|pair| pair.asset == search.asset && pair.fiat == search.fiat);
        let Some(pair) = pair else { return Reply::json(200, wire::venue_error()) };
        let side = search.trade_type;
        let (page, rows) = (search.page as usize, search.rows as usize);
        let good = || {
            let ads = book::at(self.seed, pair, side, self.clock.now().timestamp());
            Reply::json(200, wire::page(pair, side, &ads, page, rows))
        };
        match self.faults.hit(&search.asset, &search.fiat, side, search.page) {
            None => good(),
            Some(FaultMode::RateLimited) => {
                Reply { retry_after: Some("1"), ..Reply::html(429, "Too Many Requests") }
            }
            Some(FaultMode::ServerError) => Reply::html(503, "Service Unavailable"),
            Some(FaultMode::Forbidden) => Reply::html(403, "Forbidden"),
            Some(FaultMode::GeoBlocked) => {
                let message = "Service unavailable from a restricted location according to the terms.";
                Reply::json(451, json!({ "code": 0, "msg": message }).to_string())
            }
            Some(FaultMode::Slow { millis }) => Reply { delay: Duration::from_millis(millis), ..good() },
            Some(FaultMode::CutBody) => {
                let reply = good();
                Reply { cut_at: Some(reply.body.len() / 2), ..reply }
            }
            Some(FaultMode::TruncatedJson) => {
                let mut reply = good();
                let half = (0..=reply.body.len() / 2).rev().find(|at| reply.body.is_char_boundary(*at));
                reply.body.truncate(half.unwrap_or(0));
                reply
            }
            Some(FaultMode::HtmlBlockPage) => Reply::html(200, "Access denied"),
            Some(FaultMode::EmptyMarket) => Reply::json(200, wire::page(pair, side, &[], page, rows)),
            Some(FaultMode::VenueCode) => Reply::json(200, wire::venue_error()),
        }
    }

    /// Its routes: the search, and `/_simulator/faults` to add a fault (POST) or clear all (DELETE).
    fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/bapi/c2c/v2/friendly/c2c/adv/search", post(search))
            .route("/_simulator/faults", post(add_fault).delete(clear_faults))
            .with_state(self)
    }
}

async fn search(State(simulator): State<Arc<Simulator>>, body: Bytes) -> Response {
    let reply = simulator.answer(serde_json::from_slice(&body).ok().as_ref());
    tokio::time::sleep(reply.delay).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = vec![(header::CONTENT_TYPE, reply.content_type.to_owned())];
    headers.extend(reply.retry_after.map(|after| (header::RETRY_AFTER, after.to_owned())));
    let headers: Vec<(HeaderName, String)> = headers;
    let body = match reply.cut_at {
        None => Body::from(reply.body),
        Some(at) => {
            let begin = Bytes::copy_from_slice(&reply.body.as_bytes()[..at]);
            // The head and half of the body are sent before the end comes, as when a connection breaks on its way.
            let end = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            };
            let broken = stream::once(async { Ok(begin) }).chain(stream::once(end));
            Body::from_stream(broken)
        }
    };
    let mut response = (status, body).into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn add_fault(State(simulator): State<Arc<Simulator>>, Json(fault): Json<Fault>) -> StatusCode {
    simulator.add_fault(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(simulator): State<Arc<Simulator>>) -> StatusCode {
    simulator.clear_faults();
    StatusCode::NO_CONTENT
}

/// Serves the venue on `address` (port 0: any free one). Answers the address that it got; the task ends with the
/// runtime, or when it is aborted.
pub async fn serve(
    simulator: Arc<Simulator>,
    address: SocketAddr,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let serve = async move {
        if let Err(error) = axum::serve(listener, simulator.router()).await {
            tracing::error!(%error, "simulated venue stopped");
        }
    };
    Ok((address, tokio::spawn(serve)))
}

/// The venue without a network between: the same answers, for histories of weeks.
#[derive(Debug, Clone)]
pub struct SimulatorTransport(pub Arc<Simulator>);

#[async_trait]
impl Transport for SimulatorTransport {
    async fn send(&self, request: HttpRequest, timeout: Duration) -> Result<HttpAnswer, TransportFailure> {
        let reply = self.0.answer(request.body.as_ref());
        if reply.delay > timeout {
            let message = format!("no whole answer within {timeout:?}");
            return Err(TransportFailure { error_type: ErrorType::Timeout, message });
        }
        if reply.cut_at.is_some() {
            let message = "connection reset in the middle of the body".to_owned();
            return Err(TransportFailure { error_type: ErrorType::TruncatedBody, message });
        }
        let mut headers = BTreeMap::from([("content-type".to_owned(), reply.content_type.to_owned())]);
        headers.extend(reply.retry_after.map(|after| ("retry-after".to_owned(), after.to_owned())));
        Ok(HttpAnswer { status: reply.status, headers, body: reply.body.into() })
    }
}
