//! Certificates by which providers sign, fetched from the provider and kept.

use std::{sync::Arc, time::Duration};

use cauce_sources::{HttpRequest, Transport};
use quick_cache::sync::Cache;

/// Certificates by their addresses, which never change what they are.
#[derive(Debug, Clone)]
pub struct Certificates {
    transport: Arc<dyn Transport>,
    kept: Arc<Cache<String, Arc<str>>>,
}

impl Certificates {
    /// Kept at most: a provider has a few at a time.
    const MOST: usize = 16;
    const TIMEOUT: Duration = Duration::from_secs(5);

    /// Fetched by `transport`.
    pub fn by(transport: Arc<dyn Transport>) -> Self {
        Self { transport, kept: Arc::new(Cache::new(Self::MOST)) }
    }

    /// The certificate at an address; none where it is not to be had.
    pub(crate) async fn get(&self, url: &str) -> Option<Arc<str>> {
        if let Some(known) = self.kept.get(url) {
            return Some(known);
        }
        let request = HttpRequest { method: "GET", url: url.to_owned(), headers: Vec::new(), body: None };
        match self.transport.send(request, Self::TIMEOUT).await {
            Ok(answer) if answer.status == 200 => {
                let pem: Arc<str> = String::from_utf8_lossy(&answer.body).into();
                self.kept.insert(url.to_owned(), Arc::clone(&pem));
                Some(pem)
            }
            Ok(answer) => {
                tracing::warn!(url, status = answer.status, "certificate could not be fetched");
                None
            }
            Err(failure) => {
                tracing::warn!(url, %failure, "certificate could not be fetched");
                None
            }
        }
    }
}
