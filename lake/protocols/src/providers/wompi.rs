//! Wompi: events (`event`, `data.transaction`, `signature.checksum`), transactions as its API answers them, errors.
//!
//! Sources: its documentation of events, transactions and errors.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::{digest, hmac};

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, Words, because, brand, by_word, money, no_payment, refused_call, time},
    signature::unhex,
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Wompi;

const STATUSES: &Words<StatusCategory> = &[
    ("APPROVED", Approved),
    ("DECLINED", Declined),
    ("VOIDED", Cancelled),
    ("ERROR", Failed),
    ("PENDING", Pending),
];

/// `status_message`, which is for people, and in Spanish.
const REASONS: &Words<FailureReason> = &[
    ("Fondos insuficientes", InsufficientFunds),
    ("Transacción rechazada por fondos insuficientes", InsufficientFunds),
    ("Tarjeta vencida", ExpiredCard),
    ("Tarjeta inválida", InvalidCard),
    ("Transacción duplicada", Duplicate),
];

const UNIT: Unit = Unit::Minor;

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "an event with a transaction and a checksum",
        is_there: |node| node.has("event") && node.has("data") && node.has("signature.checksum"),
    },
    Mark {
        weight: 80,
        what: "amount_in_cents with payment_method_type",
        is_there: |node| {
            let data =
                if node.has("data.transaction") { node.at("data.transaction") } else { node.get("data") };
            data.has("amount_in_cents") && data.has("payment_method_type")
        },
    },
    Mark {
        weight: 60,
        what: "an error of a type in capital letters with messages or a reason",
        is_there: |node| {
            node.text_at("error.type").is_some_and(|kind| {
                kind.ends_with("_ERROR") && kind.to_uppercase() == kind || kind == "INVALID_ACCESS_TOKEN"
            }) && (node.has("error.messages") || node.has("error.reason"))
        },
    },
];

static ABOUT: About = About {
    name: "wompi",
    title: "Wompi",
    headers: &["x-event-checksum"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Wompi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The SHA-256 of the values that the event names, its time and the secret ("Eventos", verificar autenticidad). The time
    /// is the event's, also when it is sent again a day later: that it is old says nothing.
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let records = signed.records()?;
        let [event] = records.as_slice() else { return Err(Forged::Unsigned) };
        let said =
            event.text_at("signature.checksum").and_then(|said| unhex(&said)).ok_or(Forged::Unsigned)?;
        let mut text = String::new();
        // Whoever sends it names what is summed: what is read has to be among it.
        let properties = event.at("signature.properties").items();
        let names: Vec<String> =
            properties.iter().filter_map(|name| Some(name.text()?.into_owned())).collect();
        let needed = ["transaction.id", "transaction.status", "transaction.amount_in_cents"];
        if names.len() > 16 || needed.iter().any(|needed| !names.iter().any(|name| name == needed)) {
            return Err(Forged::Wrong);
        }
        for name in &names {
            let value = event.get("data").text_at(name).unwrap_or_default();
            if value.len() > 1_000 {
                return Err(Forged::Wrong);
            }
            text.push_str(&value);
        }
        let made = event.text_at("timestamp").ok_or(Forged::Unsigned)?;
        // Nothing stands between the values that are summed: without its length, digits could pass from an amount to the time.
        if made.len() != 10 || !made.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Forged::Wrong);
        }
        text.push_str(&made);
        text.push_str(secret);
        let right = digest::digest(&digest::SHA256, text.as_bytes());
        // A sum is no HMAC; both are compared by theirs, so that no time tells where they differ.
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, right.as_ref(), hmac::sign(&key, &said).as_ref()).map_err(|_| Forged::Wrong)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        // A page of transactions.
        if let Node::List(found) = record.get("data") {
            let each = found.iter().map(|found| Node::Map(vec![("data".to_owned(), found.clone())]));
            return each.filter_map(|found| one(&found)).collect();
        }
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    if let Some(kind) = node.text_at("error.type") {
        let mut reading =
            refused_call(kind.clone(), if kind.contains("INTERNAL") { ProviderError } else { Configuration });
        reading.code = Some(kind);
        reading.message = node.text_at("error.reason");
        return Some(reading);
    }
    let event = node.text_at("event");
    let Some(transaction) = ["data.transaction", "data"]
        .iter()
        .map(|path| node.at(path))
        .find(|data| data.has("amount_in_cents"))
    else {
        return event.map(|event| no_payment(Subject::Other, event));
    };
    let status = transaction.text_at("status")?;
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    let message = transaction.text_at("status_message");
    because(&mut reading, REASONS, std::slice::from_ref(&message));
    if reading.status == Failed && reading.reason == Some(FailureReason::Unexplained) {
        reading.reason = Some(ProviderError);
    }
    reading.payment_id = transaction.text_at("id");
    reading.event_id = event.as_ref().and(reading.payment_id.as_ref()).map(|id| format!("{id}:{status}"));
    reading.reference = transaction.text_at("reference");
    reading.merchant_id = transaction.text_at("merchant.id");
    reading.merchant_name = transaction.text_at("merchant.name");
    reading.message = message;
    reading.money = money(transaction, &["amount_in_cents"], &["currency"], UNIT);
    reading.totals.captured = reading.money.map(|money| money.minor).filter(|_| reading.status == Approved);
    reading.payment_method = transaction.text_at("payment_method_type");
    reading.card_brand = brand(transaction, &["payment_method.extra.brand"]);
    reading.occurred_at =
        time(node, &["timestamp", "sent_at"]).or_else(|| time(transaction, &["finalized_at", "created_at"]));
    reading.native_event = event;
    Some(reading)
}
