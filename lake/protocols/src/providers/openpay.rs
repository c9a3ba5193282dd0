//! Openpay: webhooks (`type`, `event_date`, `transaction`), charges as its API answers them, errors.
//!
//! Sources: its reference of charges, notifications, and error codes.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{
        Unit, Words, because, brand, by_word, meaning, money, money_in, no_payment, refused_call, time,
    },
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Openpay;

const STATUSES: &Words<StatusCategory> = &[
    ("completed", Approved),
    ("in_progress", Pending),
    ("charge_pending", Pending),
    ("pending", Pending),
    ("failed", Declined),
    ("cancelled", Cancelled),
    ("expired", Expired),
    ("refunded", Refunded),
    ("chargeback_pending", Chargeback),
    ("chargeback_accepted", Chargeback),
    ("chargeback_adjustment", Approved),
];

/// `error_code`.
const REASONS: &Words<FailureReason> = &[
    ("3001", BankDecline),
    ("3002", ExpiredCard),
    ("3003", InsufficientFunds),
    ("3004", Fraud),
    ("3005", Fraud),
    ("3006", BankDecline),
    ("3008", Configuration),
    ("3009", Fraud),
    ("3010", InvalidCard),
    ("3011", Fraud),
    ("3012", BankDecline),
    ("2004", InvalidCard),
    ("2005", ExpiredCard),
    ("2006", InvalidCard),
    ("2007", Configuration),
    ("2008", Configuration),
    ("2009", InvalidCard),
];

const EVENTS: &Words<(Subject, StatusCategory)> = &[
    ("charge.succeeded", (Subject::Payment, Approved)),
    ("charge.failed", (Subject::Payment, Declined)),
    ("charge.cancelled", (Subject::Payment, Cancelled)),
    ("charge.created", (Subject::Payment, Pending)),
    ("charge.rescored.to.decline", (Subject::Payment, Declined)),
    ("transaction.expired", (Subject::Payment, Expired)),
    ("order.completed", (Subject::Payment, Approved)),
    ("order.activated", (Subject::Payment, Pending)),
    ("order.payment.received", (Subject::Payment, Pending)),
    ("order.expired", (Subject::Payment, Expired)),
    ("order.cancelled", (Subject::Payment, Cancelled)),
    ("spei.received", (Subject::Payment, Approved)),
    ("charge.refunded", (Subject::Refund, Refunded)),
    ("chargeback.created", (Subject::Dispute, Chargeback)),
    ("chargeback.accepted", (Subject::Dispute, Chargeback)),
    ("chargeback.rejected", (Subject::Dispute, Approved)),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "event_date and a transaction with operation_type",
        is_there: |node| node.has("event_date") && node.has("type") && node.has("transaction.operation_type"),
    },
    Mark {
        weight: 80,
        what: "operation_type with transaction_type",
        is_there: |node| node.has("operation_type") && node.has("transaction_type") && node.has("status"),
    },
    Mark {
        weight: 80,
        what: "an error with category and request_id",
        is_there: |node| node.has("category") && node.has("error_code") && node.has("request_id"),
    },
    Mark {
        weight: 80,
        what: "the verification of an address",
        is_there: |node| node.is("type", "verification") && node.has("verification_code"),
    },
];

static ABOUT: About = About {
    name: "openpay",
    title: "Openpay",
    headers: &[],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Openpay {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    if node.has("error_code") && node.has("category") {
        return Some(error(node));
    }
    let Some(event) = node.text_at("type").filter(|_| node.has("event_date")) else {
        return Some(charge(node, None));
    };
    let mut reading = match node.get("transaction") {
        Node::Null => no_payment(Subject::Other, event.clone()),
        transaction => charge(transaction, Some(&event)),
    };
    reading.event_id = reading.operation_id.as_ref().map(|id| format!("{id}:{event}"));
    reading.native_event = Some(event);
    reading.occurred_at = time(node, &["event_date"]);
    Some(reading)
}

fn charge(node: &Node, event: Option<&str>) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let is_out = node.is("operation_type", "out") && !node.is("transaction_type", "refund");
    if is_out || event.is_some_and(|event| event.starts_with("payout.") || event.starts_with("transfer.")) {
        return no_payment(Subject::Payout, status);
    }
    let refund = node.get("refund");
    let mut reading = match event.map(|event| (event, meaning(EVENTS, event))) {
        Some((event, Some((subject, status)))) => Reading::new(subject, status, event),
        Some((event, None)) if event.starts_with("fee.") => return no_payment(Subject::Other, event),
        Some((event @ "subscription.charge.failed", None)) => Reading::new(Subject::Payment, Declined, event),
        Some((event, None)) => Reading::new(Subject::Payment, Unknown, event),
        None if node.is("transaction_type", "refund") => {
            let known = meaning(STATUSES, &status).unwrap_or(Unknown);
            Reading::new(Subject::Refund, if known == Approved { Refunded } else { known }, status.clone())
        }
        None => by_word(Subject::Payment, STATUSES, &status),
    };
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    let amount = reading.money.map(|money| money.minor);
    if !refund.is_null() && refund.is("status", "completed") && matches!(reading.status, Approved | Refunded)
    {
        let currency = reading.money.map(|money| money.currency);
        let back = currency.and_then(|currency| money_in(refund, &["amount"], currency, UNIT));
        let whole = back.map(|money| money.minor) == amount;
        reading.status = if whole { Refunded } else { PartiallyRefunded };
        if event.is_none() {
            reading.native_status = format!("{status}/refund");
        }
        reading.totals.captured = amount;
        reading.totals.refunded = back.map(|money| money.minor);
        reading.money = back;
    } else if reading.status == Approved && reading.subject == Subject::Payment {
        reading.totals.captured = amount;
    }
    because(&mut reading, REASONS, &[node.text_at("error_code")]);
    reading.code = node.text_at("error_code");
    reading.message = node.text_at("error_message");
    reading.payment_id = node.text_at("id");
    reading.operation_id = refund.text_at("id").or_else(|| node.text_at("id"));
    reading.reference = node.text_at("order_id");
    reading.payment_method = node.text_at("method");
    reading.card_brand = brand(node, &["card.brand"]);
    let times: &[&str] = match reading.status {
        Refunded | PartiallyRefunded => {
            &["refund.operation_date", "refund.creation_date", "operation_date", "creation_date"]
        }
        _ => &["operation_date", "creation_date"],
    };
    reading.occurred_at = time(node, times);
    reading
}

fn error(node: &Node) -> Reading {
    let code = node.text_at("error_code").unwrap_or_default();
    let http = node.text_at("http_code").unwrap_or_default();
    let mut reading = match meaning(REASONS, &code) {
        Some(reason) if code.starts_with('3') => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, code.clone()) }
        }
        known => {
            let is_theirs = http.starts_with('5');
            let reason = if is_theirs { ProviderError } else { known.unwrap_or(Configuration) };
            refused_call(format!("{http}/{code}"), reason)
        }
    };
    reading.code = Some(code);
    reading.message = node.text_at("description");
    reading.reference = node.text_at("order_id");
    reading
}
