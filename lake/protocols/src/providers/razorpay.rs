//! Razorpay: webhooks (`entity: event`), payments, orders, refunds and links as its API answers them, errors.
//!
//! Sources: its reference of entities, webhook payloads, and error reasons.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, Words, because, brand, by_word, meaning, money, no_payment, refused_call, time},
    signature::{Written, is_hmac},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Razorpay;

const STATUSES: &Words<StatusCategory> = &[
    ("created", Pending),
    ("attempted", Pending),
    ("issued", Pending),
    ("authorized", Authorized),
    ("captured", Approved),
    ("paid", Approved),
    ("partially_paid", Approved),
    ("refunded", Refunded),
    ("failed", Declined),
    ("cancelled", Cancelled),
    ("expired", Expired),
];

const REFUNDS: &Words<StatusCategory> = &[("processed", Refunded), ("pending", Pending), ("failed", Failed)];

const DISPUTES: &Words<StatusCategory> = &[
    ("open", Chargeback),
    ("under_review", Chargeback),
    ("action_required", Chargeback),
    ("lost", Chargeback),
    ("won", Approved),
    ("closed", Approved),
];

/// `error_reason`.
const REASONS: &Words<FailureReason> = &[
    ("insufficient_funds", InsufficientFunds),
    ("insufficient_account_balance", InsufficientFunds),
    ("payment_failed", BankDecline),
    ("card_declined", BankDecline),
    ("payment_declined", BankDecline),
    ("bank_not_available", NetworkError),
    ("bank_technical_error", ProviderError),
    ("server_error", ProviderError),
    ("gateway_technical_error", ProviderError),
    ("payment_risk_check_failed", Fraud),
    ("card_expired", ExpiredCard),
    ("incorrect_card_expiry_date", ExpiredCard),
    ("incorrect_cvv", InvalidCard),
    ("incorrect_card_details", InvalidCard),
    ("incorrect_pin", InvalidCard),
    ("card_number_invalid", InvalidCard),
    ("authentication_failed", AuthenticationFailed),
    ("incorrect_otp", AuthenticationFailed),
    ("otp_expired", AuthenticationFailed),
    ("transaction_limit_exceeded", LimitExceeded),
    ("transaction_daily_limit_exceeded", LimitExceeded),
    ("otp_attempts_exceeded", LimitExceeded),
    ("payment_timed_out", Timeout),
    ("payment_session_expired", Timeout),
    ("payment_cancelled", CancelledByUser),
    ("international_transaction_not_allowed", BankDecline),
    ("input_validation_failed", Configuration),
];

const UNIT: Unit = Unit::Minor;

/// Entities and how their ids begin: others have such names, too.
const ENTITIES: &[(&str, &str)] = &[
    ("payment", "pay_"),
    ("order", "order_"),
    ("refund", "rfnd_"),
    ("payment_link", "plink_"),
    ("dispute", "disp_"),
    ("invoice", "inv_"),
];

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "an event that says what it contains",
        is_there: |node| node.is("entity", "event") && node.has("payload") && node.has("contains"),
    },
    Mark {
        weight: 70,
        what: "an entity by its name",
        is_there: |node| {
            is_entity(node)
                || node.is("entity", "collection") && node.get("items").items().first().is_some_and(is_entity)
        },
    },
    Mark {
        weight: 70,
        what: "a link by which is paid",
        is_there: |node| {
            node.text_at("id").is_some_and(|id| id.starts_with("plink_")) && node.has("accept_partial")
        },
    },
    Mark {
        weight: 80,
        what: "what its payer does next",
        is_there: |node| node.has("razorpay_payment_id") && node.has("next.0.action"),
    },
    Mark {
        weight: 70,
        what: "an error with source, step and reason, or a code that it has alone",
        is_there: |node| {
            let codes = ["BAD_REQUEST_ERROR", "GATEWAY_ERROR", "SERVER_ERROR"];
            let is_theirs =
                codes.iter().any(|code| node.is("error.code", code)) && node.has("error.description");
            is_theirs || node.has("error.reason") && node.has("error.step") && node.has("error.code")
        },
    },
];

fn is_entity(node: &Node) -> bool {
    let id = node.text_at("id").unwrap_or_default();
    ENTITIES.iter().any(|(entity, prefix)| node.is("entity", entity) && id.starts_with(prefix))
}

static ABOUT: About = About {
    name: "razorpay",
    title: "Razorpay",
    headers: &["x-razorpay-signature", "x-razorpay-event-id"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Razorpay {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The HMAC of the body in hex ("Validate and test webhooks").
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let said = signed.header("x-razorpay-signature")?;
        is_hmac(HMAC_SHA256, secret.as_bytes(), &[signed.body], said, Written::Hex)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if record.is("entity", "collection") {
            return record.get("items").items().iter().filter_map(|item| entity(item, None)).collect();
        }
        let reading = if record.is("entity", "event") {
            event_of(record)
        } else if record.has("error.code") {
            Some(error(record.get("error")))
        } else if record.has("next.0.action") && !record.has("entity") {
            let mut reading = Reading::new(Subject::Payment, Pending, "next");
            reading.payment_id = record.text_at("razorpay_payment_id");
            Some(reading)
        } else {
            let is_link = record.has("accept_partial") && !record.has("entity");
            entity(record, is_link.then_some("payment_link"))
        };
        reading.into_iter().collect()
    }
}

/// What payments are made for.
const CONTAINERS: [&str; 3] = ["order", "payment_link", "invoice"];

fn event_of(node: &Node) -> Option<Reading> {
    let event = node.text_at("event")?;
    // What the event is named after comes first: an event of a refund holds its payment, too.
    let first = event.split('.').next().unwrap_or_default();
    let first = if event.contains(".dispute.") { "dispute" } else { first };
    let payload = node.get("payload");
    // What was paid is a payment, whatever it was paid for.
    let is_container = CONTAINERS.contains(&first) && payload.get("payment").has("entity");
    let first = if is_container { "payment" } else { first };
    let about = [first, "payment", "order"]
        .iter()
        .map(|name| payload.get(name).get("entity"))
        .find(|about| !about.is_null());
    let mut reading = match about {
        Some(about) if first == "dispute" => dispute(about),
        Some(about) => {
            entity(about, Some(first)).unwrap_or_else(|| no_payment(Subject::Other, event.clone()))
        }
        None if first.contains("payout") || first.contains("settlement") => {
            no_payment(Subject::Payout, event.clone())
        }
        None => no_payment(Subject::Other, event.clone()),
    };
    if reading.status != NotAPayment {
        reading.native_status = format!("{event}/{}", reading.native_status);
    }
    // The same event has the same object, name and time; its own id is in a header only.
    let id = reading.operation_id.as_ref().or(reading.payment_id.as_ref());
    reading.event_id =
        id.map(|id| format!("{event}:{id}:{}", node.text_at("created_at").unwrap_or_default()));
    reading.merchant_id = node.text_at("account_id");
    // Some have their time further in.
    reading.occurred_at = time(node, &["created_at", "payload.created_at"]).or(reading.occurred_at);
    reading.native_event = Some(event);
    Some(reading)
}

/// An entity by its own word for itself, or else by where it stands.
fn entity(node: &Node, named: Option<&str>) -> Option<Reading> {
    let kind = node.text_at("entity").or_else(|| named.map(str::to_owned))?;
    let status = node.text_at("status");
    let mut reading = match kind.as_str() {
        "refund" => {
            let mut reading =
                by_word(Subject::Refund, REFUNDS, &status.unwrap_or_else(|| "processed".to_owned()));
            because(&mut reading, REASONS, &[]);
            reading.operation_id = node.text_at("id");
            reading.payment_id = node.text_at("payment_id");
            reading
        }
        "dispute" => dispute(node),
        "payment" => payment(node, status),
        kind if CONTAINERS.contains(&kind) => {
            let mut reading = payment(node, status);
            if reading.subject == Subject::Payment {
                reading.subject = Subject::Order;
            }
            reading
        }
        "settlement" | "payout" | "transfer" => no_payment(Subject::Payout, status.unwrap_or(kind)),
        _ => no_payment(Subject::Other, status.unwrap_or(kind)),
    };
    // A payment that lacks something is answered with what was asked.
    reading.money = money(node, &["amount"], &["currency"], UNIT)
        .or_else(|| money(node, &["request.content.amount"], &["request.content.currency"], UNIT));
    let back =
        node.text_at("amount_refunded").and_then(|text| text.parse::<i64>().ok()).filter(|back| *back > 0);
    reading.totals.refunded = back;
    if reading.status == Approved && back.is_some() {
        reading.status = PartiallyRefunded;
    }
    if let (Refunded | PartiallyRefunded, Some(back), Some(amount)) =
        (reading.status, back, &mut reading.money)
        && reading.subject == Subject::Payment
    {
        reading.totals.captured = Some(amount.minor);
        amount.minor = back;
    }
    reading.occurred_at = time(node, &["updated_at", "created_at"]);
    Some(reading)
}

fn payment(node: &Node, status: Option<String>) -> Reading {
    let mut reading = match status {
        Some(status) => by_word(Subject::Payment, STATUSES, &status),
        // The payer has something to do yet.
        None if node.has("type") && node.has("request") => {
            Reading::new(Subject::Payment, Pending, node.text_at("type").unwrap_or_default())
        }
        None => Reading::new(Subject::Payment, Unknown, ""),
    };
    let code = node.first_of(&["error_reason", "error_code"]);
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.reason == Some(CancelledByUser) {
        reading.status = Cancelled;
    }
    reading.code = code;
    reading.message = node.text_at("error_description");
    reading.payment_id = node.first_of(&["razorpay_payment_id", "id"]);
    reading.reference = node.first_of(&["receipt", "reference_id", "order_id", "razorpay_order_id"]);
    reading.payment_method = node.first_of(&["method", "payments.0.method"]);
    reading.card_brand = brand(node, &["card.network"]);
    reading
}

fn dispute(node: &Node) -> Reading {
    let mut reading = by_word(Subject::Dispute, DISPUTES, &node.text_at("status").unwrap_or_default());
    if node.is("phase", "retrieval") && reading.status == Chargeback {
        reading.status = Pending;
    }
    reading.operation_id = node.text_at("id");
    reading.payment_id = node.text_at("payment_id");
    reading.code = node.text_at("reason_code");
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading
}

fn error(error: &Node) -> Reading {
    let (code, reason) = (error.text_at("code").unwrap_or_default(), error.text_at("reason"));
    let known = reason.as_deref().and_then(|reason| meaning(REASONS, reason));
    let mut reading = match (code.as_str(), known) {
        ("GATEWAY_ERROR", Some(reason)) => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, code.clone()) }
        }
        // The payer's bank was asked, or the payer: what failed is the payment, and not the call.
        ("BAD_REQUEST_ERROR", Some(reason))
            if reason != Configuration
                && error.text_at("step").is_some_and(|step| step.starts_with("payment_auth")) =>
        {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, code.clone()) }
        }
        ("SERVER_ERROR" | "GATEWAY_ERROR", _) => refused_call(code.clone(), ProviderError),
        _ => refused_call(code.clone(), Configuration),
    };
    reading.payment_id = error.text_at("metadata.payment_id");
    reading.code = reason.or(Some(code));
    reading.message = error.text_at("description");
    reading
}
