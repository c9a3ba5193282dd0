//! Conekta: events (`object: event` with `webhook_status`), orders and charges as its API answers them, errors.
//!
//! Sources: its reference of orders, charges, events and errors; payloads seen.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::signature::is_rsa_of_key;
use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, country, in_seconds, money, no_payment, refused_call, time,
    },
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Conekta;

const STATUSES: &Words<StatusCategory> = &[
    ("paid", Approved),
    ("pre_authorized", Authorized),
    ("pending_payment", Pending),
    ("pending_confirmation", Pending),
    ("under_fraud_review", Pending),
    ("declined", Declined),
    ("fraudulent", Declined),
    ("expired", Expired),
    ("canceled", Cancelled),
    ("voided", Cancelled),
    ("reversed", Cancelled),
    ("refunded", Refunded),
    ("partially_refunded", PartiallyRefunded),
    ("charged_back", Chargeback),
    // Of a checkout that no order has been paid through.
    ("Issued", Pending),
    ("paymentPending", Pending),
    ("finalized", Approved),
    ("cancelled", Cancelled),
];

const REASONS: &Words<FailureReason> = &[
    ("insufficient_funds", InsufficientFunds),
    ("card_declined", BankDecline),
    ("declined", BankDecline),
    ("contact_bank", BankDecline),
    ("do_not_honor", BankDecline),
    ("suspected_fraud", Fraud),
    ("suspicious_behaviour", Fraud),
    // Refused by the bank's own protection against fraud, as its message says.
    ("restricted_card", Fraud),
    ("stolen_card", Fraud),
    ("lost_card", Fraud),
    ("expired_card", ExpiredCard),
    ("invalid_card", InvalidCard),
    ("invalid_number", InvalidCard),
    ("invalid_cvc", InvalidCard),
    ("invalid_expiry_month", InvalidCard),
    ("invalid_expiry_year", InvalidCard),
    ("unsupported_card", Configuration),
    ("three_ds_failed", AuthenticationFailed),
    ("authentication_required", AuthenticationFailed),
    ("amount_exceeded", LimitExceeded),
    ("limit_exceeded", LimitExceeded),
    ("processing_error", ProviderError),
    ("duplicate_transaction", Duplicate),
];

const UNIT: Unit = Unit::Minor;

const OBJECTS: &[&str] = &["order", "charge"];

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "an event with created_at",
        is_there: |node| {
            node.is("object", "event")
                && matches!(node.at("data.object"), Node::Map(_))
                && in_seconds(node, "created_at")
        },
    },
    Mark {
        weight: 70,
        what: "an order or charge with livemode and created_at",
        is_there: |node| {
            OBJECTS.iter().any(|object| node.is("object", object))
                && node.has("livemode")
                && in_seconds(node, "created_at")
        },
    },
    Mark {
        weight: 90,
        what: "errors named conekta",
        is_there: |node| node.text_at("details.0.code").is_some_and(|code| code.starts_with("conekta.")),
    },
    Mark {
        weight: 60,
        what: "a list of its objects",
        is_there: |node| {
            node.is("object", "list") && node.has("data.0.livemode") && in_seconds(node, "data.0.created_at")
        },
    },
];

static ABOUT: About = About {
    name: "conekta",
    title: "Conekta",
    headers: &[],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Conekta {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The header `DIGEST` is the body signed by RSA; the secret is the public key of `POST /webhook_keys`, in PEM.
    /// <https://developers.conekta.com/docs/autenticación-webhooks>
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        is_rsa_of_key(secret, signed.body, signed.header("digest")?)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if record.is("object", "list") {
            let items = record.get("data").items();
            let kind = record.text_at("data.0.object");
            if kind.as_deref().is_none_or(|kind| !OBJECTS.contains(&kind)) {
                let word = kind.map_or_else(|| "list".to_owned(), |kind| format!("list/{kind}"));
                return vec![no_payment(Subject::Other, word)];
            }
            return items.iter().filter_map(|item| object(item, None)).collect();
        }
        if !record.is("object", "event") {
            return object(record, None).into_iter().collect();
        }
        let event = record.text_at("type");
        let Some(mut reading) = object(record.at("data.object"), event.as_deref()) else { return Vec::new() };
        reading.event_id = record.text_at("id");
        reading.occurred_at = time(record, &["created_at"]);
        reading.native_event = event;
        vec![reading]
    }
}

fn object(node: &Node, event: Option<&str>) -> Option<Reading> {
    let mut reading = match (node.text_at("object").as_deref(), event) {
        (Some("error"), _) | (None, _) if node.has("details") => error(node),
        (Some("order"), _) => order(node),
        (Some("charge"), _) => charge(node, event),
        (Some("chargeback"), _) => chargeback(node, event),
        (Some("payout"), _) => no_payment(Subject::Payout, node.text_at("status")?),
        (Some(kind), _) => no_payment(Subject::Other, event.unwrap_or(kind)),
        (None, _) if node.has("webhook_status") || node.has("last_http_response_status") => {
            no_payment(Subject::Other, "webhook_log")
        }
        (None, _) => return None,
    };
    reading.occurred_at = reading.occurred_at.or_else(|| time(node, &["updated_at", "created_at"]));
    Some(reading)
}

fn order(node: &Node) -> Reading {
    let charge = node.at("charges.data.0");
    let status = node.first_of(&["payment_status", "checkout.status"]);
    // An order on which nothing was tried yet waits for its payer.
    let mut reading = by_word(Subject::Payment, STATUSES, status.as_deref().unwrap_or("pending_payment"));
    if matches!(reading.status, Pending | Declined) && charge.is("status", "declined") {
        fail(&mut reading, charge);
    }
    reading.payment_id = node.text_at("id");
    reading.operation_id = charge.text_at("id");
    reading.is_also(node.at("charges.data").items().iter().map(|charge| charge.text_at("id")));
    reading.reference = node.first_of(&["metadata.reference", "metadata.order_id"]);
    amounts(&mut reading, node, node.at("amount_refunded"));
    how(&mut reading, charge);
    reading
}

fn charge(node: &Node, event: Option<&str>) -> Reading {
    let mut reading = by_word(Subject::Payment, STATUSES, &node.text_at("status").unwrap_or_default());
    if reading.status == Declined {
        fail(&mut reading, node);
    }
    match event {
        Some("charge.chargeback.won") => (reading.subject, reading.status) = (Subject::Dispute, Approved),
        Some(event) if event.starts_with("charge.chargeback") => {
            (reading.subject, reading.status) = (Subject::Dispute, Chargeback);
        }
        Some("charge.refunded" | "charge.partially_refunded") => reading.subject = Subject::Refund,
        _ => {}
    }
    reading.payment_id = node.first_of(&["order_id", "id"]);
    reading.operation_id = node.text_at("id");
    reading.is_also([reading.operation_id.clone()]);
    reading.reference = node.text_at("reference_id");
    let back = node
        .at("refunds.data")
        .items()
        .iter()
        .filter_map(|refund| refund.text_at("amount")?.trim_start_matches('-').parse::<i64>().ok());
    let back: i64 = back.sum();
    amounts(&mut reading, node, &Node::Number(back.to_string()));
    how(&mut reading, node);
    reading
}

fn chargeback(node: &Node, event: Option<&str>) -> Reading {
    let word = node.first_of(&["status"]).or_else(|| event.map(str::to_owned)).unwrap_or_default();
    let is_won = word == "won" || event.is_some_and(|event| event.ends_with(".won"));
    let mut reading = Reading::new(Subject::Dispute, if is_won { Approved } else { Chargeback }, word);
    reading.operation_id = node.text_at("id");
    reading.payment_id = node.first_of(&["order_id", "charge_id"]);
    reading.is_also([node.text_at("charge_id")]);
    reading.code = node.first_of(&["reason", "reason_code"]);
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading
}

fn fail(reading: &mut Reading, charge: &Node) {
    reading.status = Declined;
    reading.code = charge.text_at("failure_code");
    reading.message = charge.text_at("failure_message");
    because(reading, REASONS, std::slice::from_ref(&reading.code.clone()));
}

fn amounts(reading: &mut Reading, node: &Node, back: &Node) {
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    let amount = reading.money.map(|money| money.minor);
    let back = back.text().and_then(|text| text.parse::<i64>().ok()).filter(|back| *back > 0);
    let has_paid = matches!(reading.status, Approved | Refunded | PartiallyRefunded | Chargeback);
    reading.totals.authorized = amount.filter(|_| has_paid || reading.status == Authorized);
    reading.totals.captured = amount.filter(|_| has_paid);
    reading.totals.refunded = back;
    if let (Refunded | PartiallyRefunded, Some(back), Some(money)) =
        (reading.status, back, &mut reading.money)
    {
        money.minor = back;
    }
}

fn how(reading: &mut Reading, charge: &Node) {
    reading.payment_method = charge.first_of(&["payment_method.service_name", "payment_method.object"]);
    reading.card_brand = brand(charge, &["payment_method.brand"]);
    reading.country = country(charge, &["payment_method.country"]);
}

fn error(node: &Node) -> Reading {
    // A charge that was declined comes as an error with the order in it.
    if node.is("data.object", "order") {
        let mut reading = order(node.get("data"));
        if reading.status != Declined {
            reading.status = Declined;
            because(&mut reading, REASONS, &[last_word(node)]);
        }
        reading.code = reading.code.or_else(|| node.text_at("details.0.code"));
        reading.message = reading.message.or_else(|| node.text_at("details.0.debug_message"));
        return reading;
    }
    let code = node.text_at("details.0.code");
    let is_theirs =
        code.as_deref().is_some_and(|code| code.contains(".system.")) || node.is("type", "api_error");
    let reason = if is_theirs { ProviderError } else { Configuration };
    let mut reading = refused_call(code.clone().unwrap_or_else(|| "error".to_owned()), reason);
    let is_refused = [".processing.charge.", ".processing.bank."];
    if code.as_deref().is_some_and(|code| is_refused.iter().any(|part| code.contains(part))) {
        reading.subject = Subject::Payment;
        reading.status = Declined;
        because(&mut reading, REASONS, &[last_word(node)]);
    }
    reading.code = code;
    reading.message = node.first_of(&["details.0.debug_message", "details.0.message"]);
    reading
}

fn last_word(node: &Node) -> Option<String> {
    Some(node.text_at("details.0.code")?.rsplit('.').next()?.to_owned())
}
