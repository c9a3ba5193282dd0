//! Square: webhooks (`event_id`, `data.object`), payments, refunds and disputes as its API answers them, errors.
//!
//! Sources: its reference of webhook events, payments, refunds, disputes and errors.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, country, meaning, money, no_payment, refused_call, time,
    },
    signature::{Written, is_hmac},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Square;

const STATUSES: &Words<StatusCategory> = &[
    ("APPROVED", Authorized),
    ("COMPLETED", Approved),
    ("PENDING", Pending),
    ("CANCELED", Cancelled),
    ("FAILED", Declined),
];

const REFUNDS: &Words<StatusCategory> =
    &[("COMPLETED", Refunded), ("PENDING", Pending), ("REJECTED", Failed), ("FAILED", Failed)];

const DISPUTES: &Words<StatusCategory> = &[
    ("INQUIRY_EVIDENCE_REQUIRED", Pending),
    ("INQUIRY_PROCESSING", Pending),
    ("INQUIRY_CLOSED", Approved),
    ("EVIDENCE_REQUIRED", Chargeback),
    ("PROCESSING", Chargeback),
    ("ACCEPTED", Chargeback),
    ("LOST", Chargeback),
    ("WON", Approved),
];

const INVOICES: &Words<StatusCategory> = &[
    ("PAID", Approved),
    ("PARTIALLY_PAID", Approved),
    ("REFUNDED", Refunded),
    ("PARTIALLY_REFUNDED", PartiallyRefunded),
    ("CANCELED", Cancelled),
    ("FAILED", Declined),
    ("UNPAID", Pending),
    ("SCHEDULED", Pending),
    ("PAYMENT_PENDING", Pending),
];

/// Codes of errors.
const REASONS: &Words<FailureReason> = &[
    ("INSUFFICIENT_FUNDS", InsufficientFunds),
    ("GENERIC_DECLINE", BankDecline),
    ("CARD_DECLINED", BankDecline),
    ("CARD_DECLINED_CALL_ISSUER", BankDecline),
    ("TRANSACTION_NOT_PERMITTED", BankDecline),
    ("CARD_NOT_SUPPORTED", BankDecline),
    ("INVALID_ACCOUNT", InvalidCard),
    ("INVALID_CARD", InvalidCard),
    ("INVALID_CARD_DATA", InvalidCard),
    ("INVALID_EXPIRATION", ExpiredCard),
    ("CARD_EXPIRED", ExpiredCard),
    ("BAD_EXPIRATION", ExpiredCard),
    ("CVV_FAILURE", InvalidCard),
    ("ADDRESS_VERIFICATION_FAILURE", InvalidCard),
    ("PAN_FAILURE", InvalidCard),
    ("EXPIRATION_FAILURE", ExpiredCard),
    ("INVALID_PIN", InvalidCard),
    ("PAYMENT_LIMIT_EXCEEDED", LimitExceeded),
    ("TRANSACTION_LIMIT", LimitExceeded),
    ("ALLOWABLE_PIN_TRIES_EXCEEDED", LimitExceeded),
    ("CARD_DECLINED_VERIFICATION_REQUIRED", AuthenticationFailed),
    ("VOICE_FAILURE", BankDecline),
    ("TEMPORARY_ERROR", ProviderError),
    ("ISSUER_UNAVAILABLE", NetworkError),
    ("GATEWAY_TIMEOUT", Timeout),
    ("IDEMPOTENCY_KEY_REUSED", Duplicate),
];

const UNIT: Unit = Unit::Minor;

/// Of errors. Others have categories, too.
const CATEGORIES: [&str; 8] = [
    "API_ERROR",
    "AUTHENTICATION_ERROR",
    "INVALID_REQUEST_ERROR",
    "RATE_LIMIT_ERROR",
    "PAYMENT_METHOD_ERROR",
    "REFUND_ERROR",
    "MERCHANT_SUBSCRIPTION_ERROR",
    "EXTERNAL_VENDOR_ERROR",
];

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "merchant_id, event_id and data.object",
        is_there: |node| {
            // Cash App's events are of the same form.
            let is_other = node.text_at("merchant_id").is_some_and(|id| id.starts_with("MMI_"));
            !is_other && node.has("merchant_id") && node.has("event_id") && node.has("data.object")
        },
    },
    Mark {
        weight: 70,
        what: "a payment, refund or dispute with amount_money",
        is_there: |node| {
            ["payment", "refund", "dispute"].iter().any(|kind| node.get(kind).has("amount_money"))
        },
    },
    Mark {
        weight: 70,
        what: "a page of payments, refunds or disputes with amount_money",
        is_there: |node| {
            let first =
                |list: &str| node.get(list).items().first().is_some_and(|one| one.has("amount_money.amount"));
            ["payments", "refunds", "disputes"].iter().any(|list| first(list))
        },
    },
    Mark {
        weight: 60,
        what: "errors with category and code",
        is_there: |node| {
            let category = node.text_at("errors.0.category").unwrap_or_default();
            CATEGORIES.contains(&category.as_str()) && node.has("errors.0.code")
        },
    },
];

static ABOUT: About = About {
    name: "square",
    title: "Square",
    headers: &["x-square-hmacsha256-signature", "x-square-signature"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Square {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The HMAC of the address that Square was given and the body, in base64 ("Verify and validate an event notification").
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let said = signed.header("x-square-hmacsha256-signature")?;
        let address = signed.address.ok_or(Forged::NoAddress)?;
        is_hmac(HMAC_SHA256, secret.as_bytes(), &[address.as_bytes(), signed.body], said, Written::Base64)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        for (list, kind) in [("payments", "payment"), ("refunds", "refund"), ("disputes", "dispute")] {
            if let Node::List(items) = record.get(list) {
                return items.iter().map(|item| object(kind, item, None)).collect();
            }
        }
        let reading = if let Some(event) = record.text_at("type").filter(|_| record.has("data")) {
            let (kind, node) = inner(record.at("data.object"));
            let mut reading = object(kind, node, Some(&event));
            if reading.status != NotAPayment {
                reading.native_status = format!("{event}/{}", reading.native_status);
            }
            reading.event_id = record.text_at("event_id");
            reading.merchant_id = record.text_at("merchant_id");
            reading.occurred_at = time(record, &["created_at"]);
            reading.native_event = Some(event);
            Some(reading)
        } else if record.has("errors") {
            Some(error(record))
        } else {
            let (kind, node) = inner(record);
            (!node.is_null()).then(|| object(kind, node, None))
        };
        reading.into_iter().collect()
    }
}

/// The object by its name: `{ "payment": { … } }`.
fn inner(node: &Node) -> (&str, &Node) {
    let kinds = ["payment", "refund", "dispute", "payout", "invoice"];
    let named = node.members().iter().find(|(name, _)| kinds.contains(&name.as_str()));
    named.or_else(|| node.members().first()).map_or(("", &Node::Null), |(name, inner)| (name.as_str(), inner))
}

fn object(kind: &str, node: &Node, event: Option<&str>) -> Reading {
    let status = node.first_of(&["status", "state"]).unwrap_or_default();
    let amount = |name: &str| {
        let (value, currency, code) =
            (format!("{name}.amount"), format!("{name}.currency"), format!("{name}.currency_code"));
        money(node, &[&value], &[&currency, &code], UNIT)
    };
    let mut reading = match kind {
        "payment" => payment(node, &status),
        "refund" => {
            let mut reading = by_word(Subject::Refund, REFUNDS, &status);
            because(&mut reading, REASONS, &[]);
            reading.operation_id = node.text_at("id");
            reading.payment_id = node.text_at("payment_id");
            reading
        }
        "dispute" => {
            let mut reading = by_word(Subject::Dispute, DISPUTES, &status);
            reading.operation_id = node.first_of(&["id", "dispute_id"]);
            reading.payment_id = node.text_at("disputed_payment.payment_id");
            reading.code = node.text_at("reason");
            reading.card_brand = brand(node, &["card_brand"]);
            reading
        }
        "invoice" => return invoice(node, &status, event),
        "payout" => no_payment(Subject::Payout, event.unwrap_or(&status)),
        _ => return no_payment(Subject::Other, event.unwrap_or(kind)),
    };
    reading.money = amount("amount_money");
    if kind == "payment" {
        let minor = |name: &str| amount(name).map(|money| money.minor);
        let paid = minor("total_money").or_else(|| minor("amount_money"));
        reading.totals.authorized = minor("approved_money");
        reading.totals.captured = paid.filter(|_| reading.status == Approved);
        reading.totals.refunded = minor("refunded_money");
    }
    reading.merchant_id = node.text_at("location_id");
    reading.occurred_at = time(node, &["updated_at", "created_at"]);
    reading
}

fn payment(node: &Node, status: &str) -> Reading {
    let mut reading = by_word(Subject::Payment, STATUSES, status);
    let code = node.first_of(&["card_details.errors.0.code", "processing_errors.0.code"]);
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    reading.code = code;
    reading.message = node.text_at("card_details.errors.0.detail");
    reading.payment_id = node.text_at("id");
    reading.reference = node.first_of(&["reference_id", "order_id"]);
    reading.payment_method = node.text_at("source_type");
    reading.card_brand = brand(node, &["card_details.card.card_brand"]);
    reading.country = country(node, &["billing_address.country"]);
    reading
}

fn invoice(node: &Node, status: &str, event: Option<&str>) -> Reading {
    let mut reading = match event {
        // The payment that was made is told of by itself, with another id.
        Some("invoice.payment_made") => by_word(Subject::Order, INVOICES, status),
        Some("invoice.refunded") => by_word(Subject::Order, INVOICES, status),
        Some("invoice.scheduled_charge_failed") => Reading::new(Subject::Order, Declined, status),
        _ => return no_payment(Subject::Other, event.unwrap_or("invoice")),
    };
    because(&mut reading, REASONS, &[]);
    reading.payment_id = node.first_of(&["order_id", "id"]);
    reading.reference = node.text_at("invoice_number");
    reading.money = money(
        node,
        &[
            "payment_requests.0.total_completed_amount_money.amount",
            "payment_requests.0.computed_amount_money.amount",
        ],
        &[
            "payment_requests.0.total_completed_amount_money.currency",
            "payment_requests.0.computed_amount_money.currency",
        ],
        UNIT,
    );
    reading.occurred_at = time(node, &["updated_at", "created_at"]);
    reading
}

fn error(node: &Node) -> Reading {
    let first = node.at("errors.0");
    let (category, code) =
        (first.text_at("category").unwrap_or_default(), first.text_at("code").unwrap_or_default());
    let known = meaning(REASONS, &code);
    let mut reading = match category.as_str() {
        "PAYMENT_METHOD_ERROR" => {
            let reason = known.unwrap_or(FailureReason::Unexplained);
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, code.clone()) }
        }
        "API_ERROR" => refused_call(code.clone(), known.unwrap_or(ProviderError)),
        "RATE_LIMIT_ERROR" => refused_call(code.clone(), LimitExceeded),
        _ => refused_call(code.clone(), known.unwrap_or(Configuration)),
    };
    // What was to be paid stands beside the error.
    if node.get("payment").has("amount_money") {
        let told = object("payment", node.get("payment"), None);
        reading = Reading {
            subject: reading.subject,
            status: reading.status,
            reason: reading.reason,
            native_status: reading.native_status,
            ..told
        };
    }
    reading.payment_id = node.text_at("payment.id");
    reading.code = Some(code);
    reading.message = first.text_at("detail");
    reading
}
