//! What every queue must do. Each adapter's tests call [`Suite::run`] with a queue and a way to let time pass.

use std::{sync::Arc, time::Duration};

use crate::{MAX_RECEIPTS, NO_WORD, Queue, QueueError};

const NOW: Duration = Duration::ZERO;

/// The suite, and what differs between queues.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// How long a message is lent: an even number of seconds.
    pub visibility: Duration,
    /// Whether the queue says that an acknowledgement came too late. It must do no harm in any case.
    pub tells_late: bool,
}

impl Suite {
    /// Runs the suite on an empty queue; `let_pass` makes at least the given time pass for it.
    ///
    /// # Panics
    /// If the queue breaks a promise.
    pub async fn run(
        self,
        queue: Arc<dyn Queue>,
        let_pass: impl AsyncFn(Duration),
    ) -> Result<(), QueueError> {
        self.a_message_is_done_when_acknowledged(&*queue).await?;
        self.an_unacknowledged_message_comes_back(&*queue, &let_pass).await?;
        self.a_failing_message_dies_with_its_reasons(&*queue, &let_pass).await?;
        self.a_released_message_was_never_handed_out(&*queue).await?;
        self.receivers_side_by_side_share_nothing(&queue).await
    }

    async fn a_released_message_was_never_handed_out(self, queue: &dyn Queue) -> Result<(), QueueError> {
        queue.send("not begun").await?;
        for _ in 0..=MAX_RECEIPTS {
            let lent = queue.receive(1, self.visibility).await?.remove(0);
            assert_eq!((lent.body.as_str(), lent.receipts), ("not begun", 1));
            queue.release(&lent).await?;
        }
        let lent = queue.receive(1, self.visibility).await?.remove(0);
        assert!(queue.acknowledge(&lent).await?);
        assert_eq!(queue.stats().await?, crate::QueueStats::default());
        Ok(())
    }

    async fn a_message_is_done_when_acknowledged(self, queue: &dyn Queue) -> Result<(), QueueError> {
        assert_eq!(queue.receive(10, self.visibility).await?, []);
        for body in ["one", "two", "three"] {
            queue.send(body).await?;
        }
        let lent = queue.receive(2, self.visibility).await?;
        assert_eq!(lent.len(), 2, "no more than asked for");
        assert!(lent.iter().all(|delivery| delivery.receipts == 1));
        let rest = queue.receive(10, self.visibility).await?;
        assert_eq!(rest.len(), 1, "what is lent is not handed out again");
        for delivery in lent.iter().chain(&rest) {
            assert!(queue.acknowledge(delivery).await?);
            let again = queue.acknowledge(delivery).await?;
            assert!(!(again && self.tells_late), "done once");
        }
        assert_eq!(queue.stats().await?, crate::QueueStats::default());
        Ok(())
    }

    async fn an_unacknowledged_message_comes_back(
        self,
        queue: &dyn Queue,
        let_pass: impl AsyncFn(Duration),
    ) -> Result<(), QueueError> {
        queue.send("slow").await?;
        let first = queue.receive(1, self.visibility).await?.remove(0);
        let_pass(self.visibility / 2).await;
        assert!(queue.extend(&first, self.visibility).await?);
        let_pass(self.visibility / 2).await;
        assert_eq!(queue.receive(1, self.visibility).await?, [], "extended");
        let_pass(self.visibility).await;
        let second = queue.receive(1, self.visibility).await?.remove(0);
        assert_eq!((second.body.as_str(), second.receipts), ("slow", 2));
        let late = queue.acknowledge(&first).await?;
        assert!(!(late && self.tells_late), "the first loan is over");
        let late = queue.extend(&first, self.visibility).await?;
        assert!(!(late && self.tells_late));
        queue.fail(&first, "too late to say", NOW).await?;
        assert_eq!(queue.receive(1, self.visibility).await?, [], "the second loan stands");
        assert!(queue.acknowledge(&second).await?);
        Ok(())
    }

    async fn a_failing_message_dies_with_its_reasons(
        self,
        queue: &dyn Queue,
        let_pass: impl AsyncFn(Duration),
    ) -> Result<(), QueueError> {
        queue.send("poison").await?;
        let first = queue.receive(1, self.visibility).await?.remove(0);
        queue.fail(&first, "not zstd", Duration::from_secs(5)).await?;
        assert_eq!(queue.receive(1, self.visibility).await?, [], "not before its time");
        let_pass(Duration::from_secs(5)).await;
        let second = queue.receive(1, self.visibility).await?.remove(0);
        assert_eq!(second.receipts, 2);
        let_pass(self.visibility).await;
        let third = queue.receive(1, self.visibility).await?.remove(0);
        assert_eq!(third.receipts, MAX_RECEIPTS);
        queue.fail(&third, "not zstd either", NOW).await?;
        assert_eq!(queue.receive(1, self.visibility).await?, [], "never a fourth time");
        let letter = queue.dead_letters().await?.remove(0);
        let reasons: Vec<&str> = letter.attempts.iter().map(|attempt| attempt.reason.as_str()).collect();
        assert_eq!((letter.body.as_str(), reasons), ("poison", vec!["not zstd", NO_WORD, "not zstd either"]));
        assert_eq!(queue.stats().await?.dead, 1);
        assert_eq!(queue.redrive(Some(&["not an id".to_owned()])).await?, 0);
        assert_eq!(queue.redrive(None).await?, 1);
        let again = queue.receive(1, self.visibility).await?.remove(0);
        assert_eq!((again.body.as_str(), again.receipts), ("poison", 1), "it starts anew");
        assert!(queue.acknowledge(&again).await?);
        Ok(())
    }

    async fn receivers_side_by_side_share_nothing(self, queue: &Arc<dyn Queue>) -> Result<(), QueueError> {
        const MESSAGES: usize = 40;
        for number in 0..MESSAGES {
            queue.send(&format!("message {number}")).await?;
        }
        let visibility = self.visibility;
        let take = |queue: Arc<dyn Queue>| async move {
            let mut taken = Vec::new();
            loop {
                let lent = queue.receive(3, visibility).await?;
                if lent.is_empty() {
                    return Ok::<_, QueueError>(taken);
                }
                for delivery in lent {
                    queue.acknowledge(&delivery).await?;
                    taken.push(delivery.body);
                }
            }
        };
        let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(take(Arc::clone(queue)))).collect();
        let mut all = Vec::new();
        for task in tasks {
            match task.await {
                Ok(taken) => all.extend(taken?),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), MESSAGES, "each message once");
        Ok(())
    }
}
