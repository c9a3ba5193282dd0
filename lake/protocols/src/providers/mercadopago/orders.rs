//! Mercado Pago's orders, with the payments and refunds that were made of them, and what its terminals do.

use cauce_model::{
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    super::reading::{Words, because, brand, by_word, currency as currency_at, meaning, money, money_in},
    UNIT,
    words::{REASONS, REFUNDS, STATUSES},
};
use crate::document::Node;

/// An order whose event says all of it, or the answer to one that failed.
pub(super) fn of_order(node: &Node) -> Reading {
    let order_of = node.get("data");
    let mut reading = order(order_of);
    reading.reference = order_of.text_at("external_reference");
    if node.has("action") {
        reading.event_id = node.text_at("id");
        reading.native_event = node.text_at("action");
        reading.merchant_id = node.text_at("user_id");
    } else {
        reading.message = node.text_at("errors.0.message");
    }
    reading
}

pub(super) fn order(node: &Node) -> Reading {
    let refund = node.at("transactions.refunds.0");
    let payment = node.at("transactions.payments.0");
    let status = node.first_of(&["status"]).unwrap_or_default();
    let detail = payment.text_at("status_detail").or_else(|| node.text_at("status_detail"));
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    if !refund.is_null() {
        reading.operation_id = refund.text_at("id");
    }
    if !node.has("status") && !refund.is_null() {
        reading = by_word(Subject::Refund, REFUNDS, &refund.text_at("status").unwrap_or_default());
        reading.operation_id = refund.text_at("id");
    } else if let Some(detail) = &detail {
        match (reading.status, detail.as_str()) {
            (Approved, "partially_refunded") => reading.status = PartiallyRefunded,
            (Cancelled, "expired") => reading.status = Expired,
            // Money is reserved, and the order waits for its capture.
            (Pending, "waiting_capture") => reading.status = Authorized,
            // No bank was asked with it.
            (Declined, "invalid_card_token") => reading.status = Failed,
            _ => {}
        }
        reading.native_status = format!("{}/{detail}", reading.native_status);
    }
    because(&mut reading, REASONS, std::slice::from_ref(&detail));
    if reading.status == Chargeback {
        reading.subject = Subject::Dispute;
        if detail.as_deref() == Some("reimbursed") {
            reading.status = Approved;
        }
    }
    let currency: &[&str] = &["currency", "currency_id"];
    let amount: &[&str] =
        &["transactions.refunds.0.amount", "transactions.payments.0.amount", "total_amount"];
    reading.money = money(
        node,
        if reading.subject == Subject::Refund { &amount[..1] } else { &amount[1..] },
        currency,
        UNIT,
    );
    // What went back is the sum of its refunds.
    if matches!(reading.status, Refunded | PartiallyRefunded) && reading.subject == Subject::Payment {
        let refunds =
            node.at("transactions.refunds").items().iter().filter(|refund| !refund.is("status", "failed"));
        let parts: Option<Vec<i64>> = refunds
            .map(|refund| {
                let currency = currency_at(node, currency)?;
                money_in(refund, &["amount"], currency, UNIT).map(|money| money.minor)
            })
            .collect();
        reading.totals.captured = reading.money.map(|money| money.minor);
        match parts.filter(|parts| !parts.is_empty()).map(|parts| parts.iter().sum()) {
            Some(back) => {
                reading.totals.refunded = Some(back);
                reading.money = reading.money.map(|money| cauce_model::Money { minor: back, ..money });
            }
            None if reading.status == PartiallyRefunded => reading.money = None,
            None => {}
        }
    }
    reading.payment_id = node.text_at("id");
    reading.code = detail;
    reading.merchant_id = node.text_at("user_id");
    reading.payment_method = payment.first_of(&["payment_method.type"]);
    if payment.text_at("payment_method.type").is_some_and(|kind| kind.ends_with("_card")) {
        reading.card_brand = brand(payment, &["payment_method.id"]);
    }
    reading
}

/// An order of a merchant, which payments are made for.
pub(super) fn merchant_order(node: &Node) -> Reading {
    const ORDERS: &Words<StatusCategory> = &[
        ("payment_required", Pending),
        ("payment_in_process", Pending),
        ("partially_paid", Pending),
        ("undefined", Pending),
        ("paid", Approved),
        ("reverted", Refunded),
        ("partially_reverted", PartiallyRefunded),
        ("expired", Expired),
        ("opened", Pending),
        ("closed", Approved),
    ];
    let word = node.first_of(&["order_status", "status"]).unwrap_or_default();
    let mut reading = by_word(Subject::Order, ORDERS, &word);
    if node.at("cancelled").flag() == Some(true) {
        reading.status = Cancelled;
    }
    reading.payment_id = node.text_at("id");
    reading.merchant_id = node.text_at("collector.id");
    reading
}

/// Intents of the card terminals.
pub(super) fn terminal(node: &Node) -> Reading {
    const INTENTS: &Words<StatusCategory> = &[
        ("OPEN", Pending),
        ("ON_TERMINAL", Pending),
        ("PROCESSING", Pending),
        ("CONFIRMATION_REQUIRED", Pending),
        ("PROCESSED", Approved),
        ("FINISHED", Approved),
        ("CANCELED", Cancelled),
        ("ABANDONED", Expired),
        ("ERROR", Failed),
    ];
    let status = node.first_of(&["state", "status"]).unwrap_or_default();
    let mut reading = by_word(Subject::Payment, INTENTS, &status);
    // It is done with the card; the payment may have been refused.
    if let Some(paid) = node.text_at("payment.state")
        && reading.status == Approved
    {
        reading.status = meaning(STATUSES, &paid).unwrap_or(Unknown);
        reading.native_status = format!("{status}/{paid}");
    }
    because(&mut reading, REASONS, &[]);
    reading.payment_id = node.first_of(&["payment_intent_id", "id"]);
    reading.is_also([node.text_at("payment.id")]);
    reading.reference = node.text_at("additional_info.external_reference");
    reading.payment_method = node.text_at("payment.type");
    reading
}
