//! dLocal: payments, refunds, chargebacks and orders, which its notifications hold as its API answers them.
//!
//! Sources: its reference, "Status codes", "Errors".

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{
        Unit, Words, because, brand, by_word, country, meaning, money, no_payment, refused_call, time,
    },
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct DLocal;

const STATUSES: &Words<StatusCategory> = &[
    ("PAID", Approved),
    ("AUTHORIZED", Authorized),
    ("VERIFIED", NotAPayment),
    ("PENDING", Pending),
    ("CANCELLED", Cancelled),
    ("EXPIRED", Expired),
    ("REJECTED", Declined),
    ("REFUNDED", Refunded),
    ("PARTIALLY_REFUNDED", PartiallyRefunded),
    ("CHARGEBACK", Chargeback),
];

const REFUNDS: &Words<StatusCategory> =
    &[("SUCCESS", Refunded), ("PENDING", Pending), ("REJECTED", Failed), ("CANCELLED", Cancelled)];

/// `status_code`, and the codes of errors.
const REASONS: &Words<FailureReason> = &[
    ("300", BankDecline),
    ("301", BankDecline),
    ("302", InsufficientFunds),
    ("303", Fraud),
    ("304", Fraud),
    ("305", LimitExceeded),
    ("306", BankDecline),
    ("307", Duplicate),
    ("308", InvalidCard),
    ("309", ExpiredCard),
    ("310", Fraud),
    ("311", Fraud),
    ("312", InvalidCard),
    ("313", Fraud),
    ("314", InvalidCard),
    ("315", InvalidCard),
    ("316", Configuration),
    ("317", Fraud),
    ("318", BankDecline),
    ("319", LimitExceeded),
    ("320", AuthenticationFailed),
    ("321", ProviderError),
    ("322", InvalidCard),
    ("323", InvalidCard),
    ("324", AuthenticationFailed),
    ("325", LimitExceeded),
    ("326", InvalidCard),
];

/// Codes of calls that were refused.
const CALLS: &Words<FailureReason> =
    &[("5008", Duplicate), ("5010", Timeout), ("6000", LimitExceeded), ("7000", ProviderError)];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 75,
        what: "payment_method_flow with status_code or a status",
        is_there: |node| node.has("payment_method_flow") && node.has("status") && node.has("country"),
    },
    Mark {
        weight: 70,
        what: "a refund or chargeback that names its payment",
        is_there: |node| {
            node.has("payment_id") && node.has("status") && node.has("currency") && node.has("status_code")
        },
    },
    Mark {
        weight: 65,
        what: "a refund in the words of its first API",
        is_there: |node| node.has("id_payment") && node.has("amount_refunded") && node.has("status"),
    },
    Mark {
        weight: 65,
        what: "how a payment stands, and nothing else",
        is_there: |node| {
            let names: Vec<&str> = node.members().iter().map(|(name, _)| name.as_str()).collect();
            names == ["id", "status", "status_detail", "status_code"]
        },
    },
    Mark {
        weight: 20,
        what: "ids in its form",
        is_there: |node| {
            node.first_of(&["id", "payment_id"]).is_some_and(|id| {
                let mut parts = id.splitn(3, '-');
                let (kind, merchant) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                ["D", "T", "R", "REF", "CB", "PAY"].contains(&kind)
                    && !merchant.is_empty()
                    && merchant.bytes().all(|byte| byte.is_ascii_digit())
            })
        },
    },
];

static ABOUT: About = About {
    name: "dlocal",
    title: "dLocal",
    headers: &["x-login", "x-trans-key"],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for DLocal {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    let Some(status) = node.text_at("status") else { return answer(node) };
    let code = node.text_at("status_code");
    let id = node.text_at("id").unwrap_or_default();
    let is_chargeback = ["CB-", "CHAR"].iter().any(|prefix| id.starts_with(prefix))
        || node.has("chargeback_reason")
        || node.has("chargeback_id");
    // An order names its payment, too, and has no id of its own.
    let has_own = !id.is_empty() && !node.is("payment_id", &id);
    let is_refund = !is_chargeback
        && (node.has("payment_id") && (has_own || !node.has("order_id")) || node.has("id_payment"));
    let mut reading = if node.at("card.verify").flag() == Some(true) {
        no_payment(Subject::Other, format!("{status}/{}", code.clone().unwrap_or_default()))
    } else if is_chargeback {
        let meaning =
            if ["WON", "CANCELLED", "REVERSED"].contains(&status.as_str()) { Approved } else { Chargeback };
        Reading::new(Subject::Dispute, meaning, status)
    } else if is_refund {
        by_word(Subject::Refund, REFUNDS, &status)
    } else {
        by_word(Subject::Payment, STATUSES, &status)
    };
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if is_refund || is_chargeback {
        reading.operation_id = node.text_at("id");
        reading.payment_id = node.first_of(&["payment_id", "id_payment"]);
    } else {
        reading.payment_id = node.first_of(&["id", "payment_id"]);
        // A capture names the authorization that it belongs to.
        if let Some(authorization) = node.text_at("authorization_id") {
            reading.operation_id = reading.payment_id.replace(authorization);
            // Its refunds name the capture.
            reading.is_also([reading.operation_id.clone()]);
        }
    }
    reading.reference = node.first_of(&["order_id", "external_reference"]);
    reading.code = code;
    reading.message = node.text_at("status_detail");
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading.country = country(node, &["country"]);
    reading.payment_method = node.first_of(&["payment_method_type", "payment_method_id"]);
    reading.card_brand = brand(node, &["card.brand"]);
    // What was given up says when it was begun, which was before it was authorized.
    let times: &[&str] = if reading.status == Cancelled { &[] } else { &["approved_date", "created_date"] };
    reading.occurred_at = time(node, times);
    Some(reading)
}

/// An answer of a code and a message: how a payment stands, or why a call was refused.
fn answer(node: &Node) -> Option<Reading> {
    let code = node.text_at("code")?;
    let mut reading = match code.as_str() {
        "100" | "101" => Reading::new(Subject::Payment, Pending, code.clone()),
        "200" => Reading::new(Subject::Payment, Approved, code.clone()),
        "400" => Reading::new(Subject::Payment, Cancelled, code.clone()),
        "401" => Reading::new(Subject::Payment, Expired, code.clone()),
        "600" => Reading::new(Subject::Payment, Authorized, code.clone()),
        code if meaning(REASONS, code).is_some() => Reading::new(Subject::Payment, Declined, code),
        _ => refused_call(code.clone(), meaning(CALLS, &code).unwrap_or(Configuration)),
    };
    if reading.subject == Subject::Payment {
        because(&mut reading, REASONS, &[Some(code.clone())]);
    }
    reading.code = Some(code);
    reading.message = node.text_at("message");
    Some(reading)
}
