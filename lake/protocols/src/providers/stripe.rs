//! Stripe: events (`object: event`), and the objects and errors that its API answers.
//!
//! Sources: the reference of Payment Intents, Charges, Refunds, Disputes, Events; "Card declines" (decline codes);
//! "Supported currencies" (zero-decimal and special cases).

mod words;

use cauce_model::{
    Currency,
    FailureReason::{self, *},
    Money, Reading,
    StatusCategory::*,
    Subject,
};

use chrono::DateTime;
use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, country, in_seconds, meaning, money, no_payment, refused_call,
        time,
    },
    signature::{Written, fields, is_hmac},
};
use crate::document::Node;
use words::{CALLS, DISPUTES, REASONS, REFUNDS, STATUSES};

#[derive(Debug)]
pub(super) struct Stripe;

/// Digits of Stripe's minor unit. ISK and UGX have none, and are sent in hundredths all the same.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

const UNIT: Unit = Unit::Own(digits);

const OBJECTS: &[&str] = &[
    "payment_intent",
    "charge",
    "refund",
    "dispute",
    "payout",
    "setup_intent",
    "payment_method",
    "checkout.session",
    "balance_transaction",
    "invoice",
    "customer",
    "transfer",
    "payment_attempt_record",
    "application_fee",
    "fee_refund",
];

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "an event with its object in data",
        is_there: |node| {
            node.is("object", "event")
                && matches!(node.at("data.object"), Node::Map(_))
                && node.has("type")
                && in_seconds(node, "created")
        },
    },
    Mark { weight: 70, what: "an object that names its kind", is_there: names_its_kind },
    Mark {
        weight: 70,
        what: "a list of objects that name their kind",
        is_there: |node| {
            (node.is("object", "list") || node.is("object", "search_result"))
                && node.get("data").items().first().is_some_and(names_its_kind)
        },
    },
    Mark {
        weight: 70,
        what: "an error of a type that only it has",
        is_there: |node| {
            let error = node.get("error");
            let kind = error.text_at("type").unwrap_or_default();
            let is_theirs = ["doc_url", "request_log_url"]
                .iter()
                .any(|name| error.text_at(name).is_some_and(|place| !place.contains("stripe.com/")));
            let names_a_payment = ["charge", "payment_intent", "decline_code", "setup_intent"]
                .iter()
                .any(|name| error.has(name));
            let says_whose = error.has("doc_url") || error.has("request_log_url") || names_a_payment;
            // Shift4 and pay.jp have its words, too.
            const THEIRS: [&str; 5] = ["chargeId", "issuerDeclineCode", "adviceCode", "caused_by", "status"];
            error.has("message")
                && !is_theirs
                && !THEIRS.iter().any(|name| error.has(name))
                && match kind.as_str() {
                    "idempotency_error" => true,
                    // Shift4 says no more than kind, code and message.
                    "card_error" => says_whose || error.has("param"),
                    "invalid_request_error" | "api_error" => says_whose,
                    _ => false,
                }
        },
    },
    Mark {
        weight: 75,
        what: "an event's data by itself",
        is_there: |node| {
            let inner = node.get("object");
            let id = inner.text_at("id").unwrap_or_default();
            inner.has("created") && inner.has("livemode") | inner.is("object", "checkout.session")
                || ["cs_", "ch_", "pi_"].iter().any(|prefix| id.starts_with(prefix)) && inner.has("livemode")
        },
    },
];

fn names_its_kind(node: &Node) -> bool {
    // Others have taken its words over, each with some of their own.
    const THEIRS: [&str; 5] = ["location", "fee_rate", "captured_at", "three_d_secure_status", "live_mode"];
    node.has("id")
        && !THEIRS.iter().any(|name| node.has(name))
        && (in_seconds(node, "created") || node.is("object", "checkout.session"))
        && OBJECTS.iter().any(|object| node.is("object", object))
}

static ABOUT: About = About {
    name: "stripe",
    title: "Stripe",
    headers: &["stripe-signature"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Stripe {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// `t=<seconds>,v1=<hex>`: the HMAC of the seconds, a point, and the body ("Verify webhook signatures manually").
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let header = signed.header("stripe-signature")?;
        let made = fields(header, "t").first().copied().ok_or(Forged::Unsigned)?;
        let parts: [&[u8]; 3] = [made.as_bytes(), b".", signed.body];
        let right = fields(header, "v1")
            .into_iter()
            .any(|said| is_hmac(HMAC_SHA256, secret.as_bytes(), &parts, said, Written::Hex).is_ok());
        if !right {
            return Err(Forged::Wrong);
        }
        signed.is_fresh(made.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)))
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        // What an event holds in `data`, by itself.
        if matches!(record.get("object"), Node::Map(_)) {
            return object(record.get("object"), None).into_iter().collect();
        }
        if record.is("object", "list") || record.is("object", "search_result") {
            return record.get("data").items().iter().filter_map(|item| object(item, None)).collect();
        }
        if !record.is("object", "event") {
            let reading = if record.has("error") { error(record.get("error")) } else { object(record, None) };
            return reading.into_iter().collect();
        }
        let event = record.text_at("type");
        let Some(mut reading) = object(record.at("data.object"), event.as_deref()) else { return Vec::new() };
        reading.event_id = record.text_at("id");
        reading.merchant_id = record.text_at("account");
        reading.occurred_at = time(record, &["created"]);
        reading.native_event = event;
        vec![reading]
    }
}

/// What an object is: it says so, or its id does.
fn kind_of(node: &Node) -> Option<String> {
    const PREFIXES: &Words<&str> = &[
        ("pi", "payment_intent"),
        ("ch", "charge"),
        ("py", "charge"),
        ("re", "refund"),
        ("pyr", "refund"),
        ("dp", "dispute"),
        ("du", "dispute"),
        ("po", "payout"),
        ("cs", "checkout.session"),
        ("in", "invoice"),
    ];
    let by_id = || meaning(PREFIXES, node.text_at("id")?.split('_').next()?).map(str::to_owned);
    node.text_at("object").or_else(by_id)
}

/// One of Stripe's objects, alone or in an event.
fn object(node: &Node, event: Option<&str>) -> Option<Reading> {
    let kind = kind_of(node)?;
    let mut reading = match kind.as_str() {
        "payment_intent" => intent(node),
        "charge" => charge(node, event),
        "refund" => refund(node),
        "dispute" => dispute(node, event),
        "checkout.session" => session(node, event),
        "invoice" => invoice(node, event),
        // It says amounts, and no status.
        "payment_record" | "payment_attempt_record" => Reading {
            payment_id: node.text_at("id"),
            money: money(node, &["amount.value"], &["amount.currency"], UNIT),
            ..Reading::new(Subject::Payment, Unknown, kind)
        },
        "payout" | "transfer" => Reading {
            operation_id: node.text_at("id"),
            money: money(node, &["amount"], &["currency"], UNIT),
            ..no_payment(Subject::Payout, node.text_at("status").unwrap_or(kind))
        },
        _ => no_payment(Subject::Other, event.map_or(kind, str::to_owned)),
    };
    reading.reference = node.first_of(&["metadata.order_id", "client_reference_id", "metadata.reference"]);
    reading.occurred_at = reading.occurred_at.or_else(|| time(node, &["created"]));
    Some(reading)
}

fn intent(node: &Node) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    let error = node.get("last_payment_error");
    let waits_for_method =
        ["requires_payment_method", "requires_source", "failed"].contains(&status.as_str());
    if waits_for_method && !error.is_null() {
        fail(&mut reading, error);
    }
    if reading.status == Cancelled && node.is("cancellation_reason", "requested_by_customer") {
        reading.reason = Some(CancelledByUser);
    }
    reading.payment_id = node.text_at("id");
    let amounts: &[&str] = match reading.status {
        Approved => &["amount_received", "amount"],
        Authorized if !node.is("amount_capturable", "0") => &["amount_capturable", "amount"],
        _ => &["amount"],
    };
    reading.money = money(node, amounts, &["currency"], UNIT);
    let total = |path: &str| money(node, &[path], &["currency"], UNIT).map(|money| money.minor);
    reading.totals.captured = total("amount_received");
    reading.totals.authorized =
        total("amount_capturable").zip(total("amount_received")).map(|(left, got)| left + got);
    let charge = match node.get("latest_charge") {
        charge @ Node::Map(_) => charge,
        _ => node.at("charges.data.0"),
    };
    let charges = node.at("charges.data").items().iter().map(|charge| charge.text_at("id"));
    reading.is_also(charges.chain([charge.text_at("id"), node.text_at("latest_charge")]));
    method(&mut reading, charge);
    reading.payment_method = reading.payment_method.or_else(|| node.text_at("payment_method_types.0"));
    reading
}

fn method(reading: &mut Reading, charge: &Node) {
    reading.payment_method = charge.first_of(&["payment_method_details.type", "source.object"]);
    reading.card_brand = brand(charge, &["payment_method_details.card.brand", "source.brand"]);
    reading.country = country(
        charge,
        &["billing_details.address.country", "payment_method_details.card.country", "source.country"],
    );
}

/// A decline, or what else an error says.
fn fail(reading: &mut Reading, error: &Node) {
    let (decline, code) = (error.text_at("decline_code"), error.text_at("code"));
    let kind = error.text_at("type").unwrap_or_default();
    reading.status = if kind == "api_error" { Failed } else { Declined };
    because(
        reading,
        REASONS,
        &[code.clone().filter(|code| code != "card_declined"), decline.clone(), code.clone()],
    );
    if reading.reason == Some(FailureReason::Unexplained)
        && let Some(reason) = meaning(CALLS, &kind)
    {
        reading.reason = Some(reason);
    }
    if reading.reason == Some(ProviderError) {
        reading.status = Failed;
    }
    reading.code = decline.or(code);
    reading.message = error.text_at("message");
}

fn charge(node: &Node, event: Option<&str>) -> Reading {
    let status = node.text_at("status").or_else(|| {
        // Very old versions of the API say it in a flag.
        node.at("paid").flag().map(|paid| if paid { "succeeded" } else { "failed" }.to_owned())
    });
    let status = status.unwrap_or_default();
    let mut reading =
        by_word(Subject::Payment, STATUSES, if status == "paid" { "succeeded" } else { &status });
    let total = |path: &str| money(node, &[path], &["currency"], UNIT).map(|money| money.minor);
    let (amount, refunded) = (total("amount"), total("amount_refunded"));
    // Of a part that is captured the rest is released, which is told as if it had gone back.
    let part =
        total("amount_captured").filter(|part| *part > 0 && amount.is_some_and(|amount| *part < amount));
    let released = part.zip(amount).map_or(0, |(part, amount)| amount - part);
    let refunded = refunded.map(|refunded| (refunded - released).max(0));
    let is_captured = node.at("captured").flag() != Some(false);
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading.totals.authorized = amount.filter(|_| reading.status == Approved);
    reading.totals.captured =
        total("amount_captured").or(amount).filter(|_| reading.status == Approved && is_captured);
    reading.totals.refunded = refunded;
    if reading.status == Approved && !is_captured {
        reading.status = Authorized;
    }
    let is_refund = event.is_some_and(|event| event == "charge.refunded");
    match refunded {
        Some(back) if back > 0 => {
            // What was never captured and went back was released.
            let whole = match part {
                Some(part) => back >= part,
                None => node.at("refunded").flag().unwrap_or(Some(back) == amount),
            };
            reading.status = match (is_captured, whole) {
                (false, true) if event == Some("charge.expired") => Expired,
                (false, true) => Cancelled,
                (_, true) => Refunded,
                (_, false) => PartiallyRefunded,
            };
            reading.money = reading.money.map(|money| Money { minor: back, ..money });
            if is_refund {
                reading.subject = Subject::Refund;
            }
        }
        _ => {
            if let (Some(part), Some(money)) = (part, &mut reading.money) {
                money.minor = part;
            }
        }
    }
    if reading.status == Failed {
        let codes = [node.text_at("outcome.reason"), node.text_at("failure_code")];
        because(&mut reading, REASONS, &codes);
        // Failed without a word of who refused it, it was refused by nobody.
        let refused =
            ["issuer_declined", "blocked", "invalid"].iter().any(|kind| node.is("outcome.type", kind));
        if refused || codes.iter().any(Option::is_some) {
            reading.status = Declined;
        }
        reading.code = node.first_of(&["failure_code", "outcome.reason"]);
        reading.message = node.first_of(&["failure_message", "outcome.seller_message"]);
    }
    reading.payment_id = node.first_of(&["payment_intent", "payment_intent.id", "id"]);
    reading.is_also([node.text_at("id")]);
    // What the event of a refund says is the charge's total, and not one refund.
    reading.operation_id = node.text_at("id").filter(|_| !is_refund);
    if let Some(event) = event.filter(|_| is_refund) {
        event.clone_into(&mut reading.native_status);
    }
    method(&mut reading, node);
    reading
}

fn refund(node: &Node) -> Reading {
    let status = node.text_at("status").unwrap_or_else(|| "succeeded".to_owned());
    let mut reading = by_word(Subject::Refund, REFUNDS, &status);
    because(&mut reading, REASONS, &[node.text_at("failure_reason")]);
    reading.code = node.text_at("failure_reason");
    reading.operation_id = node.text_at("id");
    of_payment(&mut reading, node);
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading
}

/// A refund or a dispute names an intent, its charge, or both; in either's place may stand all of it.
fn of_payment(reading: &mut Reading, node: &Node) {
    let charge = node.first_of(&["charge", "charge.id"]);
    let intent = node.first_of(&[
        "payment_intent",
        "payment_intent.id",
        "charge.payment_intent",
        "charge.payment_intent.id",
    ]);
    reading.payment_id = intent.or_else(|| charge.clone());
    reading.is_also([charge]);
}

fn dispute(node: &Node, event: Option<&str>) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let mut reading = by_word(Subject::Dispute, DISPUTES, &status);
    let moves = node.get("balance_transactions").items();
    let is_reversed = moves.iter().any(|moved| moved.is("reporting_category", "dispute_reversal"));
    // Of one that is lost a part may come back.
    if status != "lost" && (event == Some("charge.dispute.funds_reinstated") || is_reversed) {
        reading.status = Approved;
    }
    reading.code = node.text_at("reason");
    reading.operation_id = node.text_at("id");
    of_payment(&mut reading, node);
    reading.money = money(node, &["amount"], &["currency"], UNIT);
    reading
}

fn session(node: &Node, event: Option<&str>) -> Reading {
    if node.is("mode", "setup") {
        return no_payment(Subject::Other, "setup");
    }
    let (paid, status) = (node.text_at("payment_status"), node.text_at("status"));
    let word = [status.clone(), paid.clone()].into_iter().flatten().collect::<Vec<_>>().join("/");
    let meaning = match (status.as_deref(), paid.as_deref()) {
        _ if event == Some("checkout.session.async_payment_failed") => Declined,
        (_, Some("paid")) => Approved,
        (Some("expired"), _) => Expired,
        (_, Some("unpaid")) => Pending,
        (_, Some("no_payment_required")) => NotAPayment,
        _ => Unknown,
    };
    let mut reading = Reading::new(Subject::Payment, meaning, word);
    because(&mut reading, REASONS, &[]);
    reading.payment_id = node.first_of(&["payment_intent", "payment_intent.id", "id"]);
    reading.is_also([node.text_at("id")]);
    reading.money = money(node, &["amount_total"], &["currency"], UNIT);
    reading.payment_method = node.text_at("payment_method_types.0");
    reading.country = country(node, &["customer_details.address.country"]);
    reading
}

/// An invoice is a payment where its event says that one was tried.
fn invoice(node: &Node, event: Option<&str>) -> Reading {
    let meaning = match event {
        Some("invoice.payment_succeeded" | "invoice.paid") => Approved,
        Some("invoice.payment_failed") => Declined,
        Some("invoice.payment_action_required") => Pending,
        Some(event) => return no_payment(Subject::Other, event),
        None => return no_payment(Subject::Other, "invoice"),
    };
    // Since 2025 it does not name its payment any more, which is told of by itself.
    let named = node.first_of(&["payment_intent", "payment_intent.id", "charge", "charge.id"]);
    let subject = if named.is_some() { Subject::Payment } else { Subject::Order };
    let mut reading = Reading::new(subject, meaning, event.unwrap_or_default());
    because(&mut reading, REASONS, &[]);
    reading.payment_id = named.or_else(|| node.text_at("id"));
    reading.is_also([node.first_of(&["charge", "charge.id"])]);
    let amounts: &[&str] = if meaning == Approved { &["amount_paid"] } else { &["amount_due"] };
    reading.money = money(node, amounts, &["currency"], UNIT);
    reading.country = country(node, &["account_country"]);
    reading.merchant_name = node.text_at("account_name");
    reading
}

/// An error of the API: a decline, or a call that it refused.
fn error(error: &Node) -> Option<Reading> {
    let kind = error.text_at("type")?;
    // A card that was to be kept, and no payment.
    if error.has("setup_intent") {
        let code = error.first_of(&["decline_code", "code"]).unwrap_or(kind);
        return Some(no_payment(Subject::Other, format!("setup_intent/{code}")));
    }
    if kind == "card_error" {
        let mut reading = Reading::new(Subject::Payment, Declined, "");
        fail(&mut reading, error);
        reading.native_status = reading.code.clone().unwrap_or(kind);
        let intent = error.get("payment_intent");
        reading.payment_id = intent.text_at("id").or_else(|| error.text_at("charge"));
        reading.money = money(intent, &["amount"], &["currency"], UNIT);
        reading.card_brand = brand(error, &["payment_method.card.brand"]);
        return Some(reading);
    }
    let mut reading = refused_call(kind.clone(), meaning(CALLS, &kind).unwrap_or(FailureReason::Unexplained));
    reading.code = error.text_at("code");
    reading.message = error.text_at("message");
    reading.payment_id = error.first_of(&["payment_intent.id", "charge"]);
    reading.money = money(error.get("payment_intent"), &["amount"], &["currency"], UNIT);
    Some(reading)
}
