//! GoCardless: webhooks with a list of events, and payments and refunds as its API answers them.
//!
//! An event says what happened to which resource, and no amount.
//!
//! Sources: its reference of events (actions and causes), payments, refunds, errors.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, Words, because, by_word, meaning, money, no_payment, refused_call, time},
    signature::{Written, is_hmac},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct GoCardless;

/// Statuses of payments, which events name as actions, too.
const STATUSES: &Words<StatusCategory> = &[
    ("created", Pending),
    ("pending_customer_approval", Pending),
    ("customer_approval_granted", Pending),
    ("pending_submission", Pending),
    ("submitted", Pending),
    ("resubmission_requested", Pending),
    ("confirmed", Approved),
    ("paid_out", Approved),
    ("cancelled", Cancelled),
    ("customer_approval_denied", Cancelled),
    ("failed", Declined),
    ("late_failure_settled", Declined),
    ("charged_back", Chargeback),
    ("chargeback_settled", Chargeback),
    ("chargeback_cancelled", Approved),
    ("surcharge_fee_debited", NotAPayment),
];

const REFUNDS: &Words<StatusCategory> = &[
    ("created", Pending),
    ("pending_submission", Pending),
    ("submitted", Pending),
    ("paid", Refunded),
    ("refund_settled", Refunded),
    ("cancelled", Cancelled),
    ("bounced", Failed),
    ("failed", Failed),
    ("funds_returned", Failed),
];

/// `details.cause`.
const REASONS: &Words<FailureReason> = &[
    ("insufficient_funds", InsufficientFunds),
    ("refer_to_payer", BankDecline),
    ("refer_to_bank", BankDecline),
    ("payment_stopped", BankDecline),
    ("direct_debit_not_enabled", BankDecline),
    ("authorisation_disputed", BankDecline),
    ("mandate_cancelled", BankDecline),
    ("mandate_expired", BankDecline),
    ("invalid_bank_details", InvalidCard),
    ("bank_account_closed", InvalidCard),
    ("bank_account_transferred", InvalidCard),
    ("account_blocked_for_any_transaction", InvalidCard),
    ("no_mandate", Configuration),
    ("test_failure", Configuration),
    ("return_on_odfi_request", BankDecline),
    ("customer_approval_denied", CancelledByUser),
    ("payment_cancelled", CancelledByUser),
    ("suspected_fraud", Fraud),
    ("duplicate", Duplicate),
];

const UNIT: Unit = Unit::Minor;

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "events with resource_type, action and links",
        is_there: |node| {
            node.has("events.0.resource_type") && node.has("events.0.action") && node.has("events.0.links")
        },
    },
    Mark {
        weight: 80,
        what: "an event by itself",
        is_there: |node| node.has("resource_type") && node.has("action") && node.has("details.cause"),
    },
    Mark {
        weight: 90,
        what: "an event that was asked for",
        is_there: |node| {
            node.has("events.resource_type") && node.has("events.action") && node.has("events.links")
        },
    },
    Mark {
        weight: 80,
        what: "an error with its documentation",
        is_there: |node| {
            node.text_at("error.documentation_url").is_some_and(|place| place.contains("gocardless.com/"))
        },
    },
    Mark {
        weight: 70,
        what: "payments, refunds or payouts with links",
        is_there: |node| {
            ["payments", "refunds", "payouts"].iter().any(|kind| {
                let first = node.get(kind).items().first();
                first.is_some_and(|first| first.has("links") && first.has("amount") && first.has("currency"))
            })
        },
    },
];

static ABOUT: About = About {
    name: "gocardless",
    title: "GoCardless",
    headers: &[],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for GoCardless {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The HMAC of the body in hex ("Webhooks", signing).
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let said = signed.header("webhook-signature")?;
        is_hmac(HMAC_SHA256, secret.as_bytes(), &[signed.body], said, Written::Hex)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if let Node::List(events) = record.get("events") {
            return events.iter().filter_map(event_of).collect();
        }
        if record.has("events.action") {
            return event_of(record.get("events")).into_iter().collect();
        }
        if record.has("action") {
            return event_of(record).into_iter().collect();
        }
        if record.has("error.type") {
            return vec![error(record.get("error"))];
        }
        if record.has("payouts") {
            let payout = |node: &Node| Reading {
                operation_id: node.text_at("id"),
                money: money(node, &["amount"], &["currency"], UNIT),
                reference: node.text_at("reference"),
                occurred_at: time(node, &["created_at"]),
                ..no_payment(Subject::Payout, node.text_at("status").unwrap_or_default())
            };
            return record.get("payouts").items().iter().map(payout).collect();
        }
        // One, or a page of them.
        let found = [("payments", Subject::Payment), ("refunds", Subject::Refund)]
            .into_iter()
            .find(|(name, _)| record.has(name));
        let all = found.map(|(name, subject)| (record.get(name).items(), subject));
        all.into_iter()
            .flat_map(|(items, subject)| items.iter().map(move |item| resource(item, subject)))
            .collect()
    }
}

fn event_of(node: &Node) -> Option<Reading> {
    let (kind, action) = (node.text_at("resource_type")?, node.text_at("action")?);
    let word = format!("{kind}/{action}");
    let mut reading = match kind.as_str() {
        "payments" => {
            let mut reading = by_word(Subject::Payment, STATUSES, &action);
            if action.starts_with("charge") {
                reading.subject = Subject::Dispute;
            }
            if reading.status == NotAPayment {
                reading.subject = Subject::Other;
            }
            reading
        }
        "refunds" => by_word(Subject::Refund, REFUNDS, &action),
        "payouts" => no_payment(Subject::Payout, action.clone()),
        _ => no_payment(Subject::Other, action.clone()),
    };
    reading.native_status = word;
    let cause = node.text_at("details.cause");
    because(&mut reading, REASONS, std::slice::from_ref(&cause));
    if reading.status == Cancelled && action == "customer_approval_denied" {
        reading.reason = Some(CancelledByUser);
    }
    reading.event_id = node.text_at("id");
    reading.payment_id = node.first_of(&["links.payment"]);
    reading.operation_id = node.first_of(&["links.refund", "links.payout"]);
    // Where a refund's payment is not named, nobody knows which it is.
    reading.merchant_id = node.first_of(&["organisation_id", "links.organisation"]);
    reading.code = node.text_at("details.reason_code").or(cause);
    reading.message = node.text_at("details.description");
    reading.payment_method = node.text_at("details.scheme");
    reading.native_event = Some(format!("{kind}.{action}"));
    reading.occurred_at = time(node, &["created_at"]);
    Some(reading)
}

fn resource(node: &Node, subject: Subject) -> Reading {
    let words = if subject == Subject::Refund { REFUNDS } else { STATUSES };
    let status = node.text_at("status").unwrap_or_else(|| "created".to_owned());
    let mut reading = by_word(subject, words, &status);
    because(&mut reading, REASONS, &[]);
    if reading.status == Chargeback {
        reading.subject = Subject::Dispute;
    }
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading.payment_id = match subject {
        Subject::Refund => node.text_at("links.payment"),
        _ => node.text_at("links.payment").or_else(|| node.text_at("id")),
    };
    reading.operation_id = (subject == Subject::Refund).then(|| node.text_at("id")).flatten();
    let back =
        node.text_at("amount_refunded").and_then(|text| text.parse::<i64>().ok()).filter(|back| *back > 0);
    reading.totals.refunded = back;
    if let (Some(back), Some(money), Approved) = (back, &mut reading.money, reading.status) {
        reading.status = if back >= money.minor { Refunded } else { PartiallyRefunded };
        money.minor = back;
    }
    reading.reference = node.text_at("reference");
    reading.occurred_at = time(node, &["created_at"]);
    reading
}

fn error(error: &Node) -> Reading {
    const KINDS: &Words<FailureReason> =
        &[("gocardless", ProviderError), ("invalid_api_usage", Configuration)];
    let kind = error.text_at("type").unwrap_or_default();
    let mut reading = refused_call(kind.clone(), meaning(KINDS, &kind).unwrap_or(Configuration));
    reading.code = error.first_of(&["errors.0.reason", "code"]);
    reading.message = error.text_at("message");
    reading
}
