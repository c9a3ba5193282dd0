//! What every queue must do. Each adapter's tests call [`run`] with a queue and a way to let time pass.

use std::{sync::Arc, time::Duration};

use crate::{MAX_RECEIPTS, NO_WORD, Queue, QueueError};

/// How long the suite lends a message.
pub const VISIBILITY: Duration = Duration::from_secs(30);

const NOW: Duration = Duration::ZERO;

/// Runs the suite on an empty queue; `let_pass` makes at least the given time pass for it.
///
/// # Panics
/// If the queue breaks a promise.
pub async fn run(queue: Arc<dyn Queue>, let_pass: impl Fn(Duration)) -> Result<(), QueueError> {
    a_message_is_done_when_acknowledged(&*queue).await?;
    an_unacknowledged_message_comes_back(&*queue, &let_pass).await?;
    a_failing_message_dies_with_its_reasons(&*queue, &let_pass).await?;
    receivers_side_by_side_share_nothing(&queue).await
}

async fn a_message_is_done_when_acknowledged(queue: &dyn Queue) -> Result<(), QueueError> {
    assert_eq!(queue.receive(10, VISIBILITY).await?, []);
    for body in ["one", "two", "three"] {
        queue.send(body).await?;
    }
    let lent = queue.receive(2, VISIBILITY).await?;
    assert_eq!(lent.len(), 2, "no more than asked for");
    assert!(lent.iter().all(|delivery| delivery.receipts == 1));
    let rest = queue.receive(10, VISIBILITY).await?;
    assert_eq!(rest.len(), 1, "what is lent is not handed out again");
    for delivery in lent.iter().chain(&rest) {
        assert!(queue.acknowledge(delivery).await?);
        assert!(!queue.acknowledge(delivery).await?, "done once");
    }
    assert_eq!(queue.stats().await?, crate::QueueStats::default());
    Ok(())
}

async fn an_unacknowledged_message_comes_back(
    queue: &dyn Queue,
    let_pass: impl Fn(Duration),
) -> Result<(), QueueError> {
    queue.send("slow").await?;
    let first = queue.receive(1, VISIBILITY).await?.remove(0);
    let_pass(VISIBILITY / 2);
    assert!(queue.extend(&first, VISIBILITY).await?);
    let_pass(VISIBILITY / 2);
    assert_eq!(queue.receive(1, VISIBILITY).await?, [], "extended");
    let_pass(VISIBILITY);
    let second = queue.receive(1, VISIBILITY).await?.remove(0);
    assert_eq!((second.body.as_str(), second.receipts), ("slow", 2));
    assert!(!queue.acknowledge(&first).await?, "the first loan is over");
    assert!(!queue.extend(&first, VISIBILITY).await?);
    queue.fail(&first, "too late to say", NOW).await?;
    assert_eq!(queue.receive(1, VISIBILITY).await?, [], "the second loan stands");
    assert!(queue.acknowledge(&second).await?);
    Ok(())
}

async fn a_failing_message_dies_with_its_reasons(
    queue: &dyn Queue,
    let_pass: impl Fn(Duration),
) -> Result<(), QueueError> {
    queue.send("poison").await?;
    let first = queue.receive(1, VISIBILITY).await?.remove(0);
    queue.fail(&first, "not zstd", Duration::from_secs(5)).await?;
    assert_eq!(queue.receive(1, VISIBILITY).await?, [], "not before its time");
    let_pass(Duration::from_secs(5));
    let second = queue.receive(1, VISIBILITY).await?.remove(0);
    assert_eq!(second.receipts, 2);
    let_pass(VISIBILITY);
    let third = queue.receive(1, VISIBILITY).await?.remove(0);
    assert_eq!(third.receipts, MAX_RECEIPTS);
    queue.fail(&third, "not zstd either", NOW).await?;
    assert_eq!(queue.receive(1, VISIBILITY).await?, [], "never a fourth time");
    let letter = queue.dead_letters().await?.remove(0);
    let reasons: Vec<&str> = letter.attempts.iter().map(|attempt| attempt.reason.as_str()).collect();
    assert_eq!((letter.body.as_str(), reasons), ("poison", vec!["not zstd", NO_WORD, "not zstd either"]));
    assert_eq!(queue.stats().await?.dead, 1);
    assert_eq!(queue.redrive(Some(&[letter.id + 1_000])).await?, 0);
    assert_eq!(queue.redrive(None).await?, 1);
    let again = queue.receive(1, VISIBILITY).await?.remove(0);
    assert_eq!((again.body.as_str(), again.receipts), ("poison", 1), "it starts anew");
    assert!(queue.acknowledge(&again).await?);
    Ok(())
}

async fn receivers_side_by_side_share_nothing(queue: &Arc<dyn Queue>) -> Result<(), QueueError> {
    const MESSAGES: usize = 40;
    for number in 0..MESSAGES {
        queue.send(&format!("message {number}")).await?;
    }
    let take = |queue: Arc<dyn Queue>| async move {
        let mut taken = Vec::new();
        loop {
            let lent = queue.receive(3, VISIBILITY).await?;
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
