//! Asking providers for what their webhooks only name: some say that something happened to a payment, and not what. What
//! the provider itself answers, to a key of its API, is as good as signed.

use std::{fmt, time::Duration};

use cauce_protocols::{
    document::{self, Bytes},
    providers,
};
use cauce_sources::HttpRequest;

use super::Push;
use crate::ApiError;

/// What is known of one provider's webhooks.
#[derive(Clone, Default)]
pub struct Provider {
    /// What it signs with.
    pub secrets: Vec<String>,
    /// The address that it was given.
    pub url: Option<String>,
    /// The key of its API.
    pub api_key: Option<String>,
    /// Where that answers, if not where it usually does.
    pub api: Option<String>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("url", &self.url).field("api", &self.api).finish_non_exhaustive()
    }
}

/// A document that only names something is no longer than this.
const LONGEST: usize = 16 << 10;
/// A provider waits for us as long as we wait for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a webhook names, and the provider told of it.
pub(super) enum Named {
    /// It says all that there is to say, or nobody has a key to ask with.
    Nothing,
    /// The provider does not know it.
    Unknown,
    /// What the provider says of it.
    Resource(Vec<u8>),
}

/// Asks for what a webhook only names. An error is one after which the provider sends it again.
pub(super) async fn resource(
    push: &Push,
    provider: &str,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Named, ApiError> {
    let known = providers::find(provider).zip(push.providers.get(provider));
    let Some((known, settings)) = known.filter(|_| body.len() <= LONGEST) else { return Ok(Named::Nothing) };
    let records = document::read(Bytes { content_type, body }).unwrap_or_default();
    let named = match records.as_slice() {
        [record] => known.named_by(record),
        _ => None,
    };
    let api = settings.api.as_deref().or(known.api());
    let (Some(path), Some(api), Some(key)) = (named, api, &settings.api_key) else {
        return Ok(Named::Nothing);
    };
    let request = HttpRequest {
        method: "GET",
        url: format!("{}{path}", api.trim_end_matches('/')),
        headers: vec![("authorization", format!("Bearer {key}"))],
        body: None,
    };
    match push.transport.send(request, TIMEOUT).await {
        Ok(answer) if answer.status == 200 => Ok(Named::Resource(answer.body.to_vec())),
        Ok(answer) if matches!(answer.status, 404 | 410) => Ok(Named::Unknown),
        Ok(answer) => Err(busy(provider, &path, &format!("status {}", answer.status))),
        Err(failure) => Err(busy(provider, &path, &failure.to_string())),
    }
}

fn busy(provider: &str, path: &str, why: &str) -> ApiError {
    tracing::warn!(provider, path, why, "what a webhook names could not be fetched");
    ApiError::Busy { message: format!("{provider} was asked what became of it, and does not say ({why})") }
}
