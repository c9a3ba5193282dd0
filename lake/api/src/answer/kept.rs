//! Answers that were given, for who asks the same again. Nothing depends on them: an answer is found by its tag, which
//! says what it was made from.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use bytes::Bytes;
use cauce_query::Format;
use cauce_raw::Links;
use cauce_telemetry::{CACHE_HITS, CACHE_MISSES};
use object_store::{ObjectStore, PutMode, path::Path};
use quick_cache::{Weighter, sync::Cache};

/// An answer's body, and the headers that say what it is.
#[derive(Debug, Clone)]
pub(crate) struct KeptAnswer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<String, KeptAnswer> for ByBytes {
    fn weight(&self, tag: &String, kept: &KeptAnswer) -> u64 {
        // What the headers and the place in the cache cost, about.
        (tag.len() + kept.body.len() + 512) as u64
    }
}

/// Answers that were given, up to a number of bytes; without any where that is none.
#[derive(Debug, Clone)]
pub struct KeptAnswers(Option<Arc<Cache<String, KeptAnswer, ByBytes>>>);

impl KeptAnswers {
    /// Keeps at most `bytes`.
    pub fn up_to(bytes: u64) -> Self {
        // Most answers are some tens of kilobytes.
        let items = usize::try_from(bytes / 32_768).unwrap_or(usize::MAX).max(16);
        Self((bytes > 0).then(|| Arc::new(Cache::with_weighter(items, bytes, ByBytes))))
    }

    pub(crate) fn get(&self, tag: &str) -> Option<KeptAnswer> {
        let found = self.0.as_ref().and_then(|cache| cache.get(tag));
        let outcome = if found.is_some() { &CACHE_HITS } else { &CACHE_MISSES };
        outcome.add(["answers"], 1);
        found
    }

    pub(crate) fn keep(&self, tag: String, answer: KeptAnswer) {
        if let Some(cache) = &self.0 {
            cache.insert(tag, answer);
        }
    }
}

/// Where answers go that are too large for a gateway: into the lake's bucket, from where who asked fetches them.
#[derive(Debug, Clone)]
pub struct LargeAnswers {
    /// The lake's store.
    pub store: Arc<dyn ObjectStore>,
    /// Gives links to objects in it.
    pub links: Arc<dyn Links>,
    /// Bytes beyond which an answer goes there.
    pub from: usize,
}

impl LargeAnswers {
    /// What one answer of a function may be: 6 MB as AWS counts, with the body in base64.
    pub const FROM_ON_AWS: usize = 4 << 20;
    /// How long a link is good for.
    const LINK: Duration = Duration::from_secs(15 * 60);

    /// Puts the answer under `results/`, which the bucket empties after a day, and gives a link to it.
    pub(crate) async fn put(
        &self,
        tag: &str,
        format: Format,
        body: Bytes,
    ) -> Result<String, object_store::Error> {
        let place = Path::from(format!("results/{tag}.{}", format.name()));
        match self.store.put_opts(&place, body.into(), PutMode::Create.into()).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error),
        }
        self.links.download(&place, Self::LINK).await
    }
}
