//! What currencies are worth, asked of a service and kept like everything else.

use std::time::Duration;

use cauce_model::RawId;
use cauce_protocols::rates;
use cauce_raw::{Bundle, Envelope, RawError, RawZone, Request, kind};
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::{HttpRequest, Transport, TransportFailure};

/// Why there are no new rates. The old ones hold for six days.
#[derive(Debug, Error)]
pub enum RatesError {
    /// The service does not answer.
    #[error("rates: {0}")]
    Transport(#[from] TransportFailure),
    /// The service answers something else.
    #[error("rates: the service answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// They can't be kept.
    #[error("rates: {0}")]
    Raw(#[from] RawError),
    /// The envelope could not be written.
    #[error("rates: {0}")]
    Json(#[from] serde_json::Error),
}

/// Asks the service at `url` what currencies are worth, and keeps what it answers. What stands behind the question mark
/// of the address may be a key: it is not kept.
pub async fn fetch_rates(
    raw: &RawZone,
    transport: &dyn Transport,
    url: &str,
    now: DateTime<Utc>,
) -> Result<RawId, RatesError> {
    const TIMEOUT: Duration = Duration::from_secs(20);
    let request = HttpRequest { method: "GET", url: url.to_owned(), headers: Vec::new(), body: None };
    let answer = transport.send(request, TIMEOUT).await?;
    if !(200..300).contains(&answer.status) {
        return Err(RatesError::Status { status: answer.status });
    }
    let mut envelope = Envelope::bare(answer.body.to_vec(), now);
    let address = url.split('?').next().unwrap_or(url).to_owned();
    let asked = Request { method: "GET".to_owned(), url: address, body: None };
    envelope.request = Some(serde_json::to_string(&asked)?.into());
    envelope.status = Some(answer.status);
    envelope.headers.extend(answer.headers.into_iter().filter(|(name, _)| name == "content-type"));
    let mut bundle = Bundle::new(rates::SOURCE, kind::RATES, now.date_naive(), &now.format("%H").to_string());
    bundle.push(&envelope)?;
    let object = bundle.seal("rates")?;
    raw.put(&object).await?;
    Ok(object.id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use object_store::memory::InMemory;

    use super::*;
    use crate::HttpAnswer;

    #[derive(Debug)]
    struct Service(u16);

    #[async_trait]
    impl Transport for Service {
        async fn send(&self, request: HttpRequest, _: Duration) -> Result<HttpAnswer, TransportFailure> {
            assert_eq!(request.url, "https://rates.example/latest?app_id=secret");
            let body = br#"{"base":"USD","date":"2026-03-01","rates":{"BRL":5.43}}"#.to_vec();
            Ok(HttpAnswer { status: self.0, headers: Default::default(), body: body.into() })
        }
    }

    #[tokio::test]
    async fn an_answer_is_kept_without_the_key_that_it_was_asked_with() {
        let raw = RawZone::new(Arc::new(InMemory::new()));
        let (url, now) = ("https://rates.example/latest?app_id=secret", Utc::now());
        let id = fetch_rates(&raw, &Service(200), url, now).await.unwrap();
        assert_eq!((id.source(), id.kind()), ("fx_rates", "rates"));
        let kept = String::from_utf8(raw.read(&id).await.unwrap()).unwrap();
        assert!(
            kept.contains("5.43")
                && kept.contains("https://rates.example/latest")
                && !kept.contains("secret")
        );
        assert!(matches!(
            fetch_rates(&raw, &Service(403), url, now).await,
            Err(RatesError::Status { status: 403 })
        ));
    }
}
