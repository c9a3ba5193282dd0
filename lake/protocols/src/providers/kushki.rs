//! Kushki: webhooks and answers of cards, transfers and cash.
//!
//! A short answer of its card API is a ticket alone, which does not tell a charge from a capture or a void.
//!
//! Sources: its reference of card and transfer payments, "Webhooks", "Error codes".

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{Unit, Words, because, brand, country, meaning, money, refused_call, time},
    words::ISO_8583,
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Kushki;

const STATUSES: &Words<StatusCategory> = &[
    ("APPROVAL", Approved),
    ("APPROVED", Approved),
    ("approvedTransaction", Approved),
    ("DECLINED", Declined),
    ("declinedTransaction", Declined),
    ("INITIALIZED", Pending),
    ("initializedTransaction", Pending),
    ("PENDING", Pending),
    ("pendingTransaction", Pending),
    ("EXPIRED", Expired),
    ("expiredTransaction", Expired),
    ("CANCELED", Cancelled),
    ("VOIDED", Cancelled),
];

/// Codes of answers, with and without the `K` before them.
const REASONS: &Words<FailureReason> = &[
    ("K322", Fraud),
    ("322", Fraud),
    ("K012", ProviderError),
    ("012", ProviderError),
    ("K028", Timeout),
    ("228", InsufficientFunds),
    ("K040", Duplicate),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 70,
        what: "ticketNumber with a transaction's status",
        is_there: |node| {
            // Airlines have tickets, too.
            let says_how = ["transactionStatus", "details.transactionStatus", "approvedTransactionAmount"];
            let details = node.has("details") || node.has("responseCode") || node.has("approvalCode");
            node.has("ticketNumber")
                && (says_how.iter().any(|name| node.has(name)) || node.has("transactionReference") && details)
        },
    },
    Mark {
        weight: 60,
        what: "a ticket alone",
        is_there: |node| node.has("ticketNumber") && node.members().len() == 1,
    },
    Mark {
        weight: 70,
        what: "what its terminal has done",
        is_there: |node| {
            node.has("transaction_status") && node.has("transaction_type") && node.has("public_credential_id")
        },
    },
    Mark {
        weight: 70,
        what: "a transfer in its words",
        is_there: |node| {
            let words = ["initializedTransaction", "approvedTransaction", "declinedTransaction"];
            node.has("trazabilityCode") && words.iter().any(|word| node.is("status", word))
        },
    },
    Mark {
        weight: 60,
        what: "a code that begins with K",
        is_there: |node| {
            node.has("message")
                && node.text_at("code").is_some_and(|code| {
                    code.len() == 4
                        && code.starts_with('K')
                        && code[1..].bytes().all(|byte| byte.is_ascii_digit())
                })
        },
    },
];

static ABOUT: About = About {
    name: "kushki",
    title: "Kushki",
    headers: &["x-kushki-signature", "x-kushki-simplesignature"],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Kushki {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    let details = match node.get("details") {
        details @ Node::Map(_) => details,
        _ => node,
    };
    let first = |paths: &[&str]| details.first_of(paths).or_else(|| node.first_of(paths));
    let code = first(&["responseCode", "code", "processorResponseCode"]);
    let message = first(&["responseText", "message"]);
    if let Some(status) = node.text_at("chargebackStatus") {
        return Some(chargeback(node, &status));
    }
    if node.has("transaction_status") {
        return Some(terminal(node));
    }
    let mut reading = if let Some(status) = first(&["transactionStatus", "status"]) {
        transaction(&status, first(&["transactionType", "type"]).as_deref())
    } else if let Some(successful) = node.at("isSuccessful").flag() {
        let (status, word) =
            if successful { (Approved, "isSuccessful") } else { (Declined, "not isSuccessful") };
        Reading::new(Subject::Payment, status, word)
    } else if code.as_deref() == Some("K000") && message.as_deref().is_some_and(is_refund) {
        Reading::new(Subject::Refund, Refunded, "K000")
    } else if matches!(code.as_deref(), Some("K000" | "000")) {
        Reading::new(Subject::Payment, Approved, code.clone()?)
    } else if let Some(code) = &code {
        // The codes of refused calls are the provider's own; a bank's refusal comes with a status.
        let known = meaning(REASONS, code);
        let mut reading = refused_call(code.clone(), known.unwrap_or(Configuration));
        if known == Some(Fraud) || known == Some(InsufficientFunds) {
            reading.subject = Subject::Payment;
            reading.status = Declined;
        }
        reading
    } else {
        node.text_at("ticketNumber")?;
        Reading::new(Subject::Payment, Unknown, "")
    };
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.subject == Subject::Request && reading.reason == Some(FailureReason::Unexplained) {
        reading.reason = Some(Configuration);
    }
    if reading.status == Declined && reading.reason == Some(FailureReason::Unexplained) {
        because(&mut reading, ISO_8583, &[first(&["processorErrorCode", "acquirerResponseCode"])]);
    }
    reading.payment_id = first(&["saleTicketNumber", "ticketNumber"]);
    reading.operation_id = first(&["ticketNumber"]);
    reading.event_id =
        first(&["ticketNumber", "transactionReference"]).map(|id| format!("{id}:{}", reading.native_status));
    reading.reference = first(&["metadata.orderId", "metadata.reference", "transactionReference"]);
    reading.merchant_id = first(&["merchantId"]);
    reading.merchant_name = first(&["merchantName"]);
    reading.code = code.filter(|code| code != "000");
    reading.message = message;
    let amounts =
        ["approvedTransactionAmount", "amount.totalAmount", "requestAmount", "approvedAmount", "amount"];
    let currencies = ["currencyCode", "amount.currency", "currency"];
    reading.money =
        money(details, &amounts, &currencies, UNIT).or_else(|| money(node, &amounts, &currencies, UNIT));
    reading.payment_method = first(&["paymentMethod"]);
    reading.card_brand = brand(details, &["paymentBrand", "cardBrand"]);
    reading.country = country(details, &["cardCountryCode", "country"]);
    reading.occurred_at =
        time(details, &["created", "createdAt"]).or_else(|| time(node, &["created", "createdAt"]));
    Some(reading)
}

/// What a card's bank takes back. That it was begun is known; how it ends is said in words that are not documented.
fn chargeback(node: &Node, status: &str) -> Reading {
    let begun = status.eq_ignore_ascii_case("INITIALIZED");
    let mut reading = Reading::new(Subject::Dispute, if begun { Chargeback } else { Unknown }, status);
    reading.payment_id = node.first_of(&["saleTicketNumber", "ticketNumber"]);
    reading.merchant_id = node.text_at("merchantId");
    reading.occurred_at = time(node, &["created"]);
    reading
}

/// What a terminal has done, in names of another spelling.
fn terminal(node: &Node) -> Reading {
    let kind = node.text_at("transaction_type");
    let mut reading = transaction(&node.text_at("transaction_status").unwrap_or_default(), kind.as_deref());
    let code = node.text_at("response_code");
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.status == Declined && reading.reason == Some(FailureReason::Unexplained) {
        because(&mut reading, ISO_8583, std::slice::from_ref(&code));
    }
    let own = node.first_of(&["transaction_id", "ticket_number"]);
    reading.payment_id =
        node.first_of(&["sale_ticket_number", "sale_transaction_id"]).or_else(|| own.clone());
    reading.event_id = own.as_ref().map(|id| format!("{id}:{}", reading.native_status));
    reading.operation_id = own;
    reading.reference = node.first_of(&["client_transaction_id", "transaction_reference"]);
    reading.merchant_id = node.text_at("merchant_id");
    reading.merchant_name = node.text_at("merchant_name");
    reading.code = code.filter(|code| code != "00" && code != "000");
    reading.message = node.text_at("processor.message").filter(|_| reading.reason.is_some());
    let currencies = ["currency_code", "amount.currency"];
    reading.money = money(node, &["approved_transaction_amount", "request_amount"], &currencies, UNIT);
    reading.payment_method = node.text_at("payment_method");
    reading.card_brand = brand(node, &["payment_brand"]);
    reading.occurred_at = time(node, &["created"]);
    reading
}

fn is_refund(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("reembolso") || message.contains("refund")
}

fn transaction(status: &str, kind: Option<&str>) -> Reading {
    let known = meaning(STATUSES, status).unwrap_or(Unknown);
    let kind = kind.unwrap_or_default().to_ascii_uppercase();
    let (subject, meaning) = match (kind.as_str(), known) {
        ("PREAUTH" | "PREAUTHORIZATION", Approved) => (Subject::Payment, Authorized),
        ("VOID", Approved) => (Subject::Payment, Cancelled),
        ("REFUND", Approved) => (Subject::Refund, Refunded),
        ("REFUND", Declined) => (Subject::Refund, Failed),
        ("REFUND", other) => (Subject::Refund, other),
        // What is denied is the chargeback, and not the payment.
        ("CHARGEBACK", Declined) => (Subject::Dispute, Approved),
        ("CHARGEBACK", _) => (Subject::Dispute, Chargeback),
        (_, known) => (Subject::Payment, known),
    };
    let word = if kind.is_empty() { status.to_owned() } else { format!("{kind}/{status}") };
    Reading::new(subject, meaning, word)
}
