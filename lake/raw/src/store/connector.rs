//! Requests of the object store through the HTTP client of AWS's SDK. The object store would bring its own client, which
//! reads the system's root certificates a second time: a third of the start of a function.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector as SdkConnector, HttpConnectorSettings, SharedHttpConnector},
        result::ConnectorError,
    },
    http::Request,
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind};
use http_body_util::BodyExt;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
        HttpService,
    },
};
use tower_http::timeout::TimeoutBody;

/// As long as the object store's own client waits for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// As long as the object store's own client waits for an answer; here for its head, and then for each piece of its body.
const ANSWER: Duration = Duration::from_secs(30);

/// Makes clients for an object store. Proxies are those of the environment, as for the object store's own.
#[derive(Debug)]
pub(super) struct SdkHttp;

impl HttpConnector for SdkHttp {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).read_timeout(ANSWER).build();
        let connector = Connector::builder()
            .tls_provider(crate::aws::tls())
            .connector_settings(settings)
            .proxy_config(ProxyConfig::from_env())
            .build();
        Ok(HttpClient::new(Client(SharedHttpConnector::new(connector))))
    }
}

#[derive(Debug)]
struct Client(SharedHttpConnector);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = request.map(|body| match body.as_bytes() {
            Some(bytes) => SdkBody::from(bytes.clone()),
            None => SdkBody::from_body_1_x(body),
        });
        let request =
            Request::try_from(request).map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let response = self.0.call(request).await.map_err(|error| HttpError::new(kind(&error), error))?;
        let response =
            response.try_into_http1x().map_err(|error| HttpError::new(HttpErrorKind::Decode, error))?;
        Ok(response.map(|body| HttpResponseBody::new(TimeoutBody::new(ANSWER, body).map_err(broken_off))))
    }
}

/// What the object store needs to know to try again: always where nothing was carried out, else only what can be said twice.
fn kind(error: &ConnectorError) -> HttpErrorKind {
    if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if refused(error) {
        HttpErrorKind::Connect
    } else if error.as_other() == Some(ErrorKind::TransientError) {
        // The server closed a kept connection without an answer.
        HttpErrorKind::Request
    } else if error.is_io() {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    }
}

fn refused(error: &ConnectorError) -> bool {
    std::iter::successors(error.source(), |&inner| inner.source())
        .filter_map(|inner| inner.downcast_ref::<std::io::Error>())
        .any(|inner| inner.kind() == std::io::ErrorKind::ConnectionRefused)
}

fn broken_off(source: Box<dyn Error + Send + Sync>) -> HttpError {
    HttpError::new(HttpErrorKind::Interrupted, std::io::Error::other(source))
}
