//! The queue on AWS: an SQS queue whose redrive policy sends what was received three times to a queue of dead letters.
//!
//! SQS counts receipts and moves messages; it does not know why an attempt failed. The reasons are kept in the ledger
//! under the message's id, which stays the same when a message dies. An attempt that left no reason crashed or ran
//! out of time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata},
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use cauce_ledger::{Ledger, LedgerError, read, update};
use chrono::{DateTime, Utc};

use crate::{Attempt, DeadLetter, Delivery, MAX_RECEIPTS, NO_WORD, Queue, QueueError, QueueStats};

/// A queue and its dead letters.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_url: String,
    ledger: Arc<dyn Ledger>,
}

/// Failed attempts of a message, by the receipt's number.
type Attempts = BTreeMap<u32, Attempt>;

fn attempts_of(message: &str) -> String {
    format!("attempt/{message}")
}

/// Whole seconds, as SQS has them; a part of one is one more, and twelve hours are the most that it takes.
fn seconds(time: Duration) -> i32 {
    const MOST: i32 = 12 * 3_600;
    i32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(MOST).min(MOST)
}

impl SqsQueue {
    /// Messages of one call at most.
    const AT_ONCE: i32 = 10;
    /// Seconds that a call waits for the first message: without a wait SQS asks some of its servers only.
    const WAIT: i32 = 1;
    /// Seconds for which dead letters are not to be seen by others while they are looked through.
    const LOOKING: i32 = 60;

    /// The queue at `url`, whose redrive policy names the one at `dead_url`.
    pub fn new(client: Client, url: &str, dead_url: &str, ledger: Arc<dyn Ledger>) -> Self {
        Self { client, url: url.to_owned(), dead_url: dead_url.to_owned(), ledger }
    }

    fn failed<E: std::error::Error + Send + Sync + 'static>(&self, error: E) -> QueueError {
        QueueError { place: self.url.clone(), source: DisplayErrorContext(error).to_string().into() }
    }

    fn ledger_failed(&self, error: LedgerError) -> QueueError {
        QueueError { place: self.url.clone(), source: error.into() }
    }

    async fn take(
        &self,
        url: &str,
        at_once: i32,
        visibility: i32,
        wait: i32,
    ) -> Result<Vec<Message>, QueueError> {
        let taken = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(at_once)
            .visibility_timeout(visibility)
            .wait_time_seconds(wait)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await;
        Ok(taken.map_err(|error| self.failed(error))?.messages.unwrap_or_default())
    }

    /// Whether the loan still stood and could be given another end.
    async fn visible_in(&self, url: &str, receipt: &str, seconds: i32) -> Result<bool, QueueError> {
        let change = self.client.change_message_visibility().queue_url(url).receipt_handle(receipt);
        match change.visibility_timeout(seconds).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_over(&error) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn delete(&self, url: &str, receipt: &str) -> Result<bool, QueueError> {
        match self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_over(&error) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn forget(&self, message: &str) -> Result<(), QueueError> {
        let key = attempts_of(message);
        let forget = async {
            match self.ledger.get(&key).await? {
                Some(item) => self.ledger.delete_if(&key, item.version).await.map(drop),
                None => Ok(()),
            }
        };
        forget.await.map_err(|error| self.ledger_failed(error))
    }

    async fn letter(&self, message: &Message) -> Result<DeadLetter, QueueError> {
        let id = message.message_id().unwrap_or_default().to_owned();
        let noted: Option<Attempts> =
            read(&*self.ledger, &attempts_of(&id)).await.map_err(|error| self.ledger_failed(error))?;
        let mut noted = noted.unwrap_or_default();
        let last = noted.keys().copied().max().unwrap_or(0).max(MAX_RECEIPTS);
        let attempts: Vec<Attempt> = (1..=last)
            .map(|number| {
                noted.remove(&number).unwrap_or_else(|| Attempt { at: None, reason: NO_WORD.to_owned() })
            })
            .collect();
        let died_at = attempts.iter().filter_map(|attempt| attempt.at).max().or_else(|| sent_at(message));
        Ok(DeadLetter { id, body: message.body().unwrap_or_default().to_owned(), died_at, attempts })
    }

    /// All dead letters with their loans, which whoever asked must end.
    async fn dead(&self) -> Result<Vec<Message>, QueueError> {
        let mut all = Vec::new();
        loop {
            let taken = self.take(&self.dead_url, Self::AT_ONCE, Self::LOOKING, Self::WAIT).await?;
            if taken.is_empty() {
                all.sort_by_key(sent_at);
                return Ok(all);
            }
            all.extend(taken);
        }
    }

    async fn count(&self, url: &str, names: &[QueueAttributeName]) -> Result<Vec<u32>, QueueError> {
        let asked = self.client.get_queue_attributes().queue_url(url);
        let asked = asked.set_attribute_names(Some(names.to_vec())).send().await;
        let found = asked.map_err(|error| self.failed(error))?.attributes.unwrap_or_default();
        let of =
            |name: &QueueAttributeName| found.get(name).and_then(|count| count.parse().ok()).unwrap_or(0);
        Ok(names.iter().map(of).collect())
    }
}

/// Errors that say that a loan is over: its message is gone, or somebody else's by now.
fn is_over<E: ProvideErrorMetadata>(error: &E) -> bool {
    match error.code() {
        Some("InvalidParameterValue") => error.message().is_some_and(|said| said.contains("ReceiptHandle")),
        code => code.is_some_and(|code| {
            code.ends_with("ReceiptHandleIsInvalid") || code.ends_with("MessageNotInflight")
        }),
    }
}

fn sent_at(message: &Message) -> Option<DateTime<Utc>> {
    let sent = message.attributes()?.get(&MessageSystemAttributeName::SentTimestamp)?;
    DateTime::from_timestamp_millis(sent.parse().ok()?)
}

fn delivery(message: Message) -> Delivery {
    let receipts = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok());
    Delivery {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        receipts: receipts.unwrap_or(1),
        body: message.body.unwrap_or_default(),
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, body: &str) -> Result<(), QueueError> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| self.failed(error))
    }

    async fn receive(&self, max: u32, visibility: Duration) -> Result<Vec<Delivery>, QueueError> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let mut deliveries: Vec<Delivery> = Vec::new();
        while deliveries.len() < max {
            let more = i32::try_from(max - deliveries.len()).unwrap_or(i32::MAX).min(Self::AT_ONCE);
            let wait = if deliveries.is_empty() { Self::WAIT } else { 0 };
            let taken = self.take(&self.url, more, seconds(visibility), wait).await?;
            if taken.is_empty() {
                break;
            }
            deliveries.extend(taken.into_iter().map(delivery));
        }
        Ok(deliveries)
    }

    async fn acknowledge(&self, delivery: &Delivery) -> Result<bool, QueueError> {
        let deleted = self.delete(&self.url, &delivery.receipt).await?;
        if deleted && delivery.receipts > 1 {
            self.forget(&delivery.id).await?;
        }
        Ok(deleted)
    }

    async fn fail(&self, delivery: &Delivery, reason: &str, retry_in: Duration) -> Result<(), QueueError> {
        let attempt = Attempt { at: Some(Utc::now()), reason: reason.to_owned() };
        let key = attempts_of(&delivery.id);
        let noted = update(&*self.ledger, &key, |attempts: Option<Attempts>| {
            let mut attempts = attempts.unwrap_or_default();
            attempts.insert(delivery.receipts, attempt.clone());
            (Some(attempts), ())
        });
        noted.await.map_err(|error| self.ledger_failed(error))?;
        self.visible_in(&self.url, &delivery.receipt, seconds(retry_in)).await.map(drop)
    }

    /// SQS can't take a receipt back, so it is another message with the same words. It is sent before the first is
    /// deleted: a crash between the two leaves it twice, which is no harm.
    async fn release(&self, delivery: &Delivery) -> Result<(), QueueError> {
        self.send(&delivery.body).await?;
        self.acknowledge(delivery).await.map(drop)
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<bool, QueueError> {
        self.visible_in(&self.url, &delivery.receipt, seconds(visibility)).await
    }

    /// As near as SQS counts.
    async fn stats(&self) -> Result<QueueStats, QueueError> {
        let (waiting, lent) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let names = [waiting, lent];
        let [ours, dead] = [self.count(&self.url, &names).await?, self.count(&self.dead_url, &names).await?];
        Ok(QueueStats { waiting: ours[0], in_flight: ours[1], dead: dead.iter().sum() })
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let mut letters = Vec::new();
        for message in self.dead().await? {
            letters.push(self.letter(&message).await?);
            self.visible_in(&self.dead_url, message.receipt_handle().unwrap_or_default(), 0).await?;
        }
        Ok(letters)
    }

    async fn redrive(&self, ids: Option<&[String]>) -> Result<u64, QueueError> {
        let mut redriven = 0;
        for message in self.dead().await? {
            let (id, receipt) =
                (message.message_id().unwrap_or_default(), message.receipt_handle().unwrap_or_default());
            if ids.is_some_and(|ids| !ids.iter().any(|wanted| wanted == id)) {
                self.visible_in(&self.dead_url, receipt, 0).await?;
                continue;
            }
            // Sent before it is deleted: a crash between the two leaves it twice, which is no harm.
            let again = self.client.send_message().queue_url(&self.url);
            let again = again
                .message_body(message.body().unwrap_or_default())
                .set_message_attributes(message.message_attributes().cloned())
                .send()
                .await;
            again.map_err(|error| self.failed(error))?;
            self.delete(&self.dead_url, receipt).await?;
            self.forget(id).await?;
            redriven += 1;
        }
        Ok(redriven)
    }
}
