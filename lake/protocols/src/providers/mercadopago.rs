//! Mercado Pago: payments, refunds, chargebacks and orders as its API answers them, and its notifications, which name a
//! resource and hold none.
//!
//! Sources: the reference of payments (`status`, `status_detail`), orders, chargebacks; "Webhooks".

mod orders;
mod words;

use cauce_model::{
    FailureReason::*,
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use chrono::DateTime;
use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, Words, because, brand, by_word, meaning, money, no_payment, refused_call, time},
    signature::{Written, fields, is_hmac},
};
use crate::document::Node;
use orders::{merchant_order, of_order, order, terminal};
use words::{REASONS, REFUNDS, STATUSES};

#[derive(Debug)]
pub(super) struct MercadoPago;

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 70,
        what: "status_detail and payment_method_id",
        is_there: |node| {
            node.has("status_detail") && node.has("payment_method_id") && node.has("transaction_amount")
        },
    },
    Mark {
        weight: 30,
        what: "collector_id",
        is_there: |node| node.has("collector_id") || node.has("collector.id"),
    },
    Mark {
        weight: 90,
        what: "a notification that names a resource",
        is_there: |node| {
            node.has("data.id")
                && (node.has("action") || node.has("actions"))
                && node.has("type")
                && (node.has("user_id") || node.has("api_version"))
        },
    },
    Mark {
        weight: 80,
        what: "a chargeback with its coverage",
        is_there: |node| node.has("coverage_elegible") && node.has("documentation_status"),
    },
    Mark {
        weight: 70,
        what: "a refund with its mode",
        is_there: |node| node.has("refund_mode") && node.has("payment_id") && node.has("amount"),
    },
    Mark {
        weight: 70,
        what: "a payment of a subscription",
        is_there: |node| {
            node.has("preapproval_id") && node.has("debit_date") && node.has("transaction_amount")
        },
    },
    Mark {
        weight: 70,
        what: "a page of chargebacks",
        is_there: |node| {
            let first = node.at("results.0");
            node.has("paging.total")
                && first.has("payment_id")
                && first.text_at("id").is_some_and(|id| id.starts_with("CB-"))
        },
    },
    Mark {
        weight: 70,
        what: "what a terminal has done",
        is_there: |node| {
            node.has("caller_id") && node.has("client_id") && node.has("state") && node.has("payment.id")
        },
    },
    Mark {
        weight: 90,
        what: "an address where it lets pay",
        is_there: |node| {
            let place = node.text_at("init_point").unwrap_or_default();
            ["mercadopago.", "mercadolibre.", "mercadolivre."].iter().any(|site| place.contains(site))
        },
    },
    Mark {
        weight: 80,
        what: "errors beside an order with its transactions",
        is_there: |node| {
            node.has("errors.0.code") && node.has("data.transactions") && node.has("data.processing_mode")
        },
    },
    Mark {
        weight: 70,
        what: "an error with its causes",
        is_there: |node| {
            matches!(node.get("cause"), Node::List(_))
                && node.has("error")
                && node.has("message")
                && node.has("status")
        },
    },
    Mark {
        weight: 70,
        what: "an order of a merchant",
        is_there: |node| node.has("preference_id") && node.has("order_status") && node.has("payments"),
    },
    Mark {
        weight: 65,
        what: "a resource and the topic of a payment, alone",
        is_there: |node| {
            let topics = ["payment", "merchant_order", "chargebacks"];
            node.members().len() <= 3
                && node.has("resource")
                && topics.iter().any(|topic| node.is("topic", topic))
        },
    },
    Mark {
        weight: 80,
        what: "an old notification with topic and resource",
        is_there: |node| {
            node.has("topic")
                && node.text_at("resource").is_some_and(|resource| {
                    resource.contains("mercadolibre") || resource.contains("mercadopago")
                })
        },
    },
    Mark {
        weight: 80,
        what: "an order with its transactions",
        is_there: |node| {
            (node.has("transactions.payments") || node.has("transactions.refunds")) && node.has("status")
        },
    },
];

static ABOUT: About = About {
    name: "mercadopago",
    title: "Mercado Pago",
    headers: &[],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for MercadoPago {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// `ts=<time>,v1=<hex>`: the HMAC of the resource's id, the request's id and the time ("Webhooks", validating the origin).
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let header = signed.header("x-signature")?;
        let made = fields(header, "ts").first().copied().ok_or(Forged::Unsigned)?;
        let said = fields(header, "v1").first().copied().ok_or(Forged::Unsigned)?;
        let in_query = form_urlencoded::parse(signed.query.as_bytes()).find(|(name, _)| name == "data.id");
        let id = in_query.map(|(_, id)| id.to_lowercase());
        // Nothing of the body is signed: it may name what the address names, and say nothing of it. Only of an order does its
        // event say how it stands: then it has to be the one whose id is signed.
        let records = signed.records()?;
        let names_it = |record: &Node| {
            let named = record
                .text_at("data.id")
                .or_else(|| Some(record.text_at("resource")?.rsplit('/').next()?.to_owned()));
            let is_signed = |id_said: Option<String>| id_said.map(|said| said.to_lowercase()) == id;
            let readings = self.read(record);
            let says_more = readings.iter().any(|reading| {
                let is_its_order = record.is("type", "order") && record.has("data.transactions");
                let is_named = id.is_some() && is_signed(reading.payment_id.clone());
                reading.status != NotAPayment && !(is_its_order && is_named)
            });
            !says_more && (id.is_none() || is_signed(named))
        };
        if !records.iter().all(names_it) {
            return Err(Forged::Wrong);
        }
        let request = signed.headers.get("x-request-id");
        let mut text = id.map(|id| format!("id:{id};")).unwrap_or_default();
        if let Some(request) = request {
            text.push_str(&format!("request-id:{request};"));
        }
        text.push_str(&format!("ts:{made};"));
        is_hmac(HMAC_SHA256, secret.as_bytes(), &[text.as_bytes()], said, Written::Hex)?;
        let number: Option<i64> = made.parse().ok();
        // Milliseconds, as they are sent; seconds, as they were.
        let made = number.and_then(|number| match made.len() {
            0..=10 => DateTime::from_timestamp(number, 0),
            _ => DateTime::from_timestamp_millis(number),
        });
        signed.is_fresh(made)
    }

    fn api(&self) -> Option<&'static str> {
        Some("https://api.mercadopago.com")
    }

    /// "Notificaciones": what kind of thing has changed, and its id.
    fn named_by(&self, record: &Node) -> Option<String> {
        let named = || record.text_at("resource")?.rsplit('/').next().map(str::to_owned);
        let id = record.text_at("data.id").or_else(named).filter(|_| !record.has("status"))?;
        match record.first_of(&["type", "topic"])?.as_str() {
            "payment" => super::path(&["v1", "payments"], &id),
            "order" => super::path(&["v1", "orders"], &id),
            "chargebacks" | "topic_chargebacks_wh" => super::path(&["v1", "chargebacks"], &id),
            _ => None,
        }
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        // Pages of a search.
        for list in ["results", "elements", "data", "events"] {
            if let Node::List(found) = record.get(list) {
                return found.iter().filter_map(one).collect();
            }
        }
        one(record).into_iter().collect()
    }
}

fn one(node: &Node) -> Option<Reading> {
    let mut reading = if node.has("preapproval_id") && node.has("debit_date") {
        of_subscription(node)
    } else if node.has("transaction_amount") || node.has("status_detail") && node.has("payment_type_id") {
        payment(node)
    } else if node.has("data.transactions") {
        of_order(node)
    } else if node.has("transactions") || node.has("total_amount") && node.has("processing_mode") {
        order(node)
    } else if node.has("preference_id") || node.has("order_status") {
        merchant_order(node)
    } else if node.has("reason_id")
        || node.has("documentation_status")
        || node.has("coverage_elegible")
        || node.text_at("id").is_some_and(|id| id.starts_with("CB-"))
    {
        chargeback(node)
    } else if node.has("disbursement_id")
        || node.has("refund_mode")
        || node.has("payment_id") && node.has("amount")
    {
        refund(node)
    } else if node.has("device_id")
        || node.has("payment_intent_id")
        || node.has("caller_id") && node.has("state")
    {
        terminal(node)
    } else if node.has("data.id") && node.has("type") || node.has("topic") {
        // It says that there is something to fetch, and not what became of it.
        let mut reading = no_payment(Subject::Other, node.first_of(&["action", "topic", "type"])?);
        let named = node.text_at("resource");
        let named = named.and_then(|place| place.rsplit('/').next().map(str::to_owned));
        let is_of_payment = node.is("type", "payment") || node.is("topic", "payment");
        reading.payment_id = node.text_at("data.id").or(named).filter(|_| is_of_payment);
        // That of a chargeback names it, too.
        reading.payment_id = reading.payment_id.or_else(|| node.text_at("data.payment_id"));
        reading.event_id = node.text_at("id");
        reading.merchant_id = node.text_at("user_id");
        reading.native_event = node.first_of(&["action", "topic"]);
        reading
    } else if node.has("error") && node.has("status") {
        let word = node.text_at("error")?;
        let reason = match node.text_at("status").as_deref() {
            Some(status) if status.starts_with('5') => ProviderError,
            Some("429") => LimitExceeded,
            _ => Configuration,
        };
        let mut reading = refused_call(word, reason);
        reading.code = node.first_of(&["cause.0.code", "status"]);
        reading.message = node.text_at("message");
        reading
    } else if node.text_at("id").is_some_and(|id| id.starts_with("pay_")) {
        Reading { payment_id: node.text_at("id"), ..Reading::new(Subject::Payment, Unknown, "") }
    } else {
        no_payment(Subject::Other, node.first_of(&["status", "state", "type", "id"])?)
    };
    reading.occurred_at = time(
        node,
        &[
            "date_last_updated",
            "last_updated_date",
            "last_modified",
            "date_created",
            "created_date",
            "created_on",
        ],
    );
    reading.reference = reading.reference.or_else(|| node.text_at("external_reference"));
    Some(reading)
}

/// What was to be paid of a subscription, and the payment that was made of it.
fn of_subscription(node: &Node) -> Reading {
    let (status, detail) = (node.text_at("payment.status"), node.text_at("payment.status_detail"));
    let Some(status) = status else {
        return no_payment(Subject::Other, node.text_at("status").unwrap_or_default());
    };
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    because(&mut reading, REASONS, std::slice::from_ref(&detail));
    reading.native_status =
        [Some(status), detail.clone()].into_iter().flatten().collect::<Vec<_>>().join("/");
    reading.payment_id = node.text_at("payment.id");
    reading.money = money(node, &["transaction_amount"], &["currency_id"], UNIT);
    reading.code = detail;
    reading
}

fn payment(node: &Node) -> Reading {
    // A card is asked whether it is one, and nothing is paid.
    if node.is("operation_type", "card_validation") {
        return no_payment(
            Subject::Other,
            format!("card_validation/{}", node.text_at("status").unwrap_or_default()),
        );
    }
    let (status, detail) = (node.text_at("status").unwrap_or_default(), node.text_at("status_detail"));
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    reading.native_status =
        [Some(status), detail.clone()].into_iter().flatten().collect::<Vec<_>>().join("/");
    match (reading.status, detail.as_deref()) {
        (Cancelled, Some("expired")) => reading.status = Expired,
        (Cancelled, Some("by_payer")) => reading.reason = Some(CancelledByUser),
        (Approved, Some("partially_refunded")) => reading.status = PartiallyRefunded,
        (Declined, _) => because(&mut reading, REASONS, std::slice::from_ref(&detail)),
        _ => {}
    }
    if reading.status == Chargeback {
        reading.subject = Subject::Dispute;
        if matches!(detail.as_deref(), Some("reimbursed")) {
            reading.status = Approved;
        }
    }
    let total = |path: &str| money(node, &[path], &["currency_id"], UNIT).map(|money| money.minor);
    let back = total("transaction_amount_refunded").filter(|minor| *minor > 0);
    reading.money = match reading.status {
        Refunded | PartiallyRefunded if back.is_some() => {
            money(node, &["transaction_amount_refunded"], &["currency_id"], UNIT)
        }
        _ => money(node, &["transaction_amount"], &["currency_id"], UNIT),
    };
    let is_captured = node.at("captured").flag() != Some(false);
    let has_paid = matches!(reading.status, Approved | Refunded | PartiallyRefunded | Chargeback);
    reading.totals.authorized =
        total("transaction_amount").filter(|_| has_paid || reading.status == Authorized);
    reading.totals.captured = total("transaction_amount").filter(|_| has_paid && is_captured);
    reading.totals.refunded = back;
    reading.payment_id = node.text_at("id");
    reading.merchant_id = node.text_at("collector_id");
    reading.code = detail;
    reading.payment_method = node.first_of(&["payment_type_id", "payment_method_id"]);
    if node.text_at("payment_type_id").is_some_and(|kind| kind.ends_with("_card")) {
        reading.card_brand = brand(node, &["payment_method_id"]);
    }
    reading
}

fn refund(node: &Node) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let mut reading = by_word(Subject::Refund, REFUNDS, &status);
    because(&mut reading, REASONS, &[]);
    reading.operation_id = node.text_at("id");
    reading.payment_id = node.first_of(&["payment_id", "advanced_payment_id"]);
    reading.money = money(node, &["amount"], &["currency_id"], UNIT);
    reading
}

fn chargeback(node: &Node) -> Reading {
    let status = node.first_of(&["status", "documentation_status"]).unwrap_or_default();
    // Who bears it in the end is said by `coverage_applied`.
    let meaning = match (node.at("coverage_applied").flag(), meaning(CHARGEBACKS, &status)) {
        (Some(true), _) => Approved,
        (_, known) => known.unwrap_or(Chargeback),
    };
    let mut reading = Reading::new(Subject::Dispute, meaning, status);
    reading.operation_id = node.text_at("id");
    reading.payment_id = node.first_of(&["payment_id", "payments.0"]);
    reading.money = money(node, &["amount"], &["currency_id", "currency"], UNIT);
    reading.code = node.first_of(&["reason_id", "reason"]);
    reading.message = node.text_at("reason");
    reading
}

const CHARGEBACKS: &Words<StatusCategory> =
    &[("in_review", Chargeback), ("lost", Chargeback), ("won", Approved), ("covered", Approved)];
