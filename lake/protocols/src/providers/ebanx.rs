//! EBANX: answers of its API; its notifications name a payment and hold none.
//!
//! `status` of an answer is that of the call. The payment's is `payment.status`, and of a cancelled one
//! `transaction_status.code` says whether it was declined or given up.
//!
//! Sources: its reference of payments, refunds, notifications; error codes; payloads seen.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{Unit, Words, because, brand, country, meaning, money, no_payment, refused_call, time},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Ebanx;

const STATUSES: &Words<StatusCategory> =
    &[("CO", Approved), ("PE", Pending), ("OP", Pending), ("CA", Cancelled)];

/// A refund is requested, then confirmed.
const REFUNDS: &Words<StatusCategory> =
    &[("RE", Pending), ("PE", Pending), ("CO", Refunded), ("CA", Cancelled)];

/// What a declined transaction is described with.
const REASONS: &Words<FailureReason> = &[
    ("insufficientFunds", InsufficientFunds),
    ("Insufficient funds", InsufficientFunds),
    ("invalidCard", InvalidCard),
    ("Invalid card or card type", InvalidCard),
    ("invalidSecurityCode", InvalidCard),
    ("Security code mismatch", InvalidCard),
    ("expiredCard", ExpiredCard),
    ("Card expired", ExpiredCard),
    ("securityViolation", Fraud),
    ("riskRejected", Fraud),
    ("High risk", Fraud),
    ("Suspected fraud", Fraud),
    ("lostOrStolen", Fraud),
    ("acquirerCommunicationError", NetworkError),
    ("Acquirer error", ProviderError),
    ("limitExceeded", LimitExceeded),
    ("Not accepted", BankDecline),
    ("NOK", BankDecline),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "a payment with hash and merchant_payment_code",
        is_there: |node| node.has("payment.hash") && node.has("payment.merchant_payment_code"),
    },
    Mark {
        weight: 70,
        what: "the result of a verification",
        is_there: |node| node.has("card_verification.transaction_status"),
    },
    Mark {
        weight: 80,
        what: "a notification with hash_codes",
        is_there: |node| {
            let is_one =
                node.has("hash") && node.has("notification_type") && node.has("merchant_payment_code");
            node.has("operation") && (node.has("hash_codes") || is_one)
        },
    },
    Mark {
        weight: 70,
        what: "an error with status_code and status_message",
        is_there: |node| node.is("status", "ERROR") && node.has("status_code") && node.has("status_message"),
    },
];

static ABOUT: About = About {
    name: "ebanx",
    title: "EBANX",
    headers: &[],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Ebanx {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    let payment = node.get("payment");
    if payment.is_null() {
        return without_payment(node);
    }
    let status = payment.text_at("status")?;
    let transaction = payment.at("transaction_status.code").text();
    let refund = match node.get("refund") {
        Node::Null => payment.at("refunds").items().last(),
        refund => Some(refund),
    };
    let mut reading = match refund {
        Some(refund) if node.has("refund") || node.is("operation", "refund") => {
            let word = refund.text_at("status").unwrap_or_default();
            let mut reading = Reading::new(
                Subject::Refund,
                meaning(REFUNDS, &word).unwrap_or(Unknown),
                format!("refund/{word}"),
            );
            reading.operation_id = refund.text_at("id");
            reading.money = money(
                &Node::Map(vec![
                    ("amount".to_owned(), refund.get("amount_ext").clone()),
                    ("currency".to_owned(), payment.get("currency_ext").clone()),
                ]),
                &["amount"],
                &["currency"],
                UNIT,
            );
            reading
        }
        _ => paid(node, payment, &status, transaction.as_deref()),
    };
    reading.payment_id = payment.text_at("hash");
    reading.reference = payment.text_at("merchant_payment_code");
    reading.country = country(payment, &["country"]);
    reading.payment_method = payment.text_at("payment_type_code");
    reading.card_brand = brand(payment, &["payment_type_code"]).filter(|brand| {
        ["visa", "mastercard", "amex", "elo", "hipercard", "discover", "diners"].contains(&brand.as_str())
    });
    reading.occurred_at = time(payment, &["status_date"]);
    Some(reading)
}

fn paid(node: &Node, payment: &Node, status: &str, transaction: Option<&str>) -> Reading {
    let mut reading = Reading::new(Subject::Payment, meaning(STATUSES, status).unwrap_or(Unknown), status);
    let description = payment.text_at("transaction_status.description");
    if node.is("operation", "cancel") {
        reading.native_status = format!("cancel/{status}");
    } else if let Some(code) = transaction {
        reading.native_status = format!("{status}/{code}");
        if reading.status == Cancelled && code == "NOK" {
            reading.status = Declined;
            // The description ends in the reason.
            let last =
                description.as_deref().and_then(|text| text.rsplit("reason ").next()).map(str::to_owned);
            because(&mut reading, REASONS, &[description.clone(), last]);
            reading.message.clone_from(&description);
            reading.code = payment.text_at("transaction_status.code");
        }
    }
    if reading.status == Pending && payment.at("capture_available").flag() == Some(true) {
        reading.status = Authorized;
    }
    reading.money = money(payment, &["amount_ext"], &["currency_ext"], UNIT);
    reading.totals.captured = reading.money.map(|money| money.minor).filter(|_| reading.status == Approved);
    reading
}

fn without_payment(node: &Node) -> Option<Reading> {
    if node.has("card_verification") {
        let code = node.text_at("card_verification.transaction_status.code").unwrap_or_default();
        let kind = node.text_at("card_verification.transaction_type").unwrap_or_default();
        return Some(no_payment(Subject::Other, format!("{kind}/{code}")));
    }
    if let Some(operation) = node.text_at("operation").filter(|_| node.has("hash_codes") || node.has("hash"))
    {
        let mut reading = no_payment(Subject::Other, operation.clone());
        reading.native_event = Some(operation);
        reading.payment_id = node.first_of(&["hash_codes", "hash"]).filter(|hashes| !hashes.contains(','));
        return Some(reading);
    }
    let code = node.text_at("status_code").filter(|_| node.is("status", "ERROR"))?;
    let message = node.text_at("status_message").unwrap_or_default();
    let reason = match () {
        () if code.starts_with("BP-SYS") => ProviderError,
        () if message.contains("already exists") => Duplicate,
        () => Configuration,
    };
    let mut reading = refused_call(code.clone(), reason);
    reading.code = Some(code);
    reading.message = node.text_at("status_message");
    Some(reading)
}
