use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use cauce_queue::Delivery;

/// The messages of an event.
pub fn deliveries(event: SqsEvent) -> Vec<Delivery> {
    event.records.into_iter().map(delivery).collect()
}

fn delivery(message: SqsMessage) -> Delivery {
    let receipts = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    Delivery {
        id: message.message_id.unwrap_or_default(),
        receipt: message.receipt_handle.unwrap_or_default(),
        receipts: receipts.unwrap_or(1),
        body: message.body.unwrap_or_default(),
    }
}

/// Says which messages come back.
pub fn failures(ids: Vec<String>) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    answer.set_failures(ids);
    answer
}
