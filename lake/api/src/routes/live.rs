//! Says when the lake has something new, as server-sent events: for pages, which then ask for what they show. Where nothing
//! can be streamed, behind a gateway, pages ask now and then.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use cauce_query::Lake;
use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use tokio::sync::watch;

use super::Shared;
use crate::{Api, ApiError};

/// How often the lake is looked at while somebody listens.
const LOOK: Duration = Duration::from_secs(2);

type Newest = Option<DateTime<Utc>>;

/// One look at the lake for all who listen; none while nobody does.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Weak<watch::Sender<Newest>>>>);

impl Live {
    fn listen(&self, lake: &Lake) -> watch::Receiver<Newest> {
        let mut looking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = looking.upgrade() {
            let mut receiver = sender.subscribe();
            // What is known by now is said at once.
            receiver.mark_changed();
            return receiver;
        }
        let (sender, receiver) = watch::channel(None);
        let sender = Arc::new(sender);
        *looking = Arc::downgrade(&sender);
        let lake = lake.clone();
        tokio::spawn(async move {
            while sender.receiver_count() > 0 {
                match lake.newest_snapshot().await {
                    Ok(newest) => {
                        sender.send_if_modified(|known| std::mem::replace(known, newest) != newest);
                    }
                    Err(error) => tracing::warn!(%error, "the lake could not be looked at"),
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        receiver
    }
}

/// Not in the document: no table, and not there behind a gateway.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/api/v1/live", get(live))
}

async fn live(State(api): Shared) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    if api.large.is_some() {
        return Err(ApiError::NotFound { message: "nothing is streamed here; ask now and then".to_owned() });
    }
    let events = stream::unfold((api.live.listen(&api.lake), false), |(mut newest, is_known)| async move {
        newest.changed().await.ok()?;
        let at = *newest.borrow_and_update();
        // Who has just come has what was new then.
        let name = if is_known { "changed" } else { "known" };
        let event = Event::default().event(name).data(at.map_or_else(String::new, |at| at.to_rfc3339()));
        Some((Ok(event), (newest, true)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
