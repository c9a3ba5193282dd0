use arrow::{array::RecordBatch, error::ArrowError};
use cauce_normalize::PaymentEvent;

use super::{
    Lineage, Origin, batch, decimals, done,
    kinds::{Decimal, Long, Text, Time, Whole},
    micros, times,
};
use crate::{Table, schema::RATE};

/// Rows of `fact_payment_events`.
pub(crate) struct PaymentEventRows {
    // Many builders, which would make whatever holds them large.
    texts: Box<[Text; 23]>,
    amounts: Box<[Long; 6]>,
    occurred_at: Time,
    confidence: Decimal,
    record: Whole,
    normalized_at: Time,
    attempts: Whole,
    other_ids: Text,
    lineage: Lineage,
}

impl PaymentEventRows {
    pub(crate) fn new() -> Self {
        Self {
            texts: Box::new(std::array::from_fn(|_| Text::new())),
            amounts: Box::new(std::array::from_fn(|_| Long::new())),
            occurred_at: times(),
            confidence: decimals(RATE),
            record: Whole::new(),
            normalized_at: times(),
            attempts: Whole::new(),
            other_ids: Text::new(),
            lineage: Lineage::new(),
        }
    }

    pub(crate) fn push(&mut self, origin: Origin<'_>, event: &PaymentEvent) {
        let reading = &event.reading;
        let (id, metadata) = (event.id.to_string(), event.metadata.to_string());
        // In the order of the schema, without the numbers between them.
        let texts = [
            Some(id.as_str()),
            Some(event.provider.as_str()),
            reading.event_id.as_deref(),
            reading.payment_id.as_deref(),
            reading.operation_id.as_deref(),
            reading.reference.as_deref(),
            reading.merchant_id.as_deref(),
            reading.merchant_name.as_deref(),
            reading.country.as_deref(),
            Some(reading.subject.as_str()),
            Some(reading.status.as_str()),
            reading.reason.map(|reason| reason.as_str()),
            reading.native_event.as_deref(),
            Some(reading.native_status.as_str()),
            reading.code.as_deref(),
            reading.message.as_deref(),
            reading.payment_method.as_deref(),
            reading.card_brand.as_deref(),
            reading.money.map(|money| money.currency.code()),
            Some(event.method.as_str()),
            Some(event.signature.as_str()),
            Some(event.identity.as_str()),
            Some(metadata.as_str()),
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_option(text);
        }
        let totals = reading.totals;
        let latency = event
            .received_at
            .or(origin.received_at)
            .zip(reading.occurred_at)
            .map(|(received, occurred)| received - occurred);
        let amounts = [
            reading.money.map(|money| money.minor),
            totals.authorized,
            totals.captured,
            totals.refunded,
            totals.disputed,
            // A clock that is ahead of ours says nothing of how long it took.
            latency.map(|latency| latency.num_milliseconds()).filter(|millis| *millis >= 0),
        ];
        for (column, amount) in self.amounts.iter_mut().zip(amounts) {
            column.append_option(amount);
        }
        self.occurred_at.append_option(reading.occurred_at.map(micros));
        self.confidence.append_value(event.confidence.units());
        self.record.append_value(event.record);
        self.normalized_at.append_value(micros(event.normalized_at));
        self.attempts.append_value(event.attempts);
        let other_ids = &reading.other_payment_ids;
        self.other_ids.append_option((!other_ids.is_empty()).then(|| other_ids.join(",")));
        // What a model says is known since it answered, and was received before: `normalized_at` is the one, this the other.
        let received_at = event.received_at.or(origin.received_at);
        self.lineage.push(Origin { received_at, ..origin }, event.raw_pos);
    }

    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let [minor, authorized, captured, refunded, disputed, latency] = self.amounts.each_mut().map(done);
        let mut texts = self.texts.each_mut().map(done).into_iter();
        // Until the card's brand, the currency, and what follows the numbers.
        let mut columns: Vec<_> = texts.by_ref().take(18).collect();
        columns.push(minor);
        columns.extend(texts.next());
        columns.extend([authorized, captured, refunded, disputed, done(&mut self.occurred_at), latency]);
        columns.extend(texts.next());
        columns.push(done(&mut self.confidence));
        columns.extend(texts);
        columns.extend([done(&mut self.record), done(&mut self.normalized_at), done(&mut self.attempts)]);
        columns.push(done(&mut self.other_ids));
        columns.extend(self.lineage.finish());
        batch(Table::FactPaymentEvents, columns)
    }
}
