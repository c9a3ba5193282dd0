//! PayPal: webhooks (`event_type`, `resource`), orders, captures, authorizations and refunds of its REST API, and the SOAP
//! answers of its classic one.
//!
//! An order that is `APPROVED` has its payer's consent, and no money.
//!
//! Sources: "Webhook event names", references of orders, payments and disputes; error codes of the classic API.

mod classic;
mod words;

use cauce_model::{FailureReason::*, Money, Reading, StatusCategory::*, Subject};

use chrono::DateTime;

use super::signature::is_rsa_of_certificate;
use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, because, brand, by_word, country, meaning, money, no_payment, refused_call, time},
};
use crate::document::Node;
use words::{AUTHORIZATIONS, CAPTURES, REASONS, REFUNDS, STATUSES};

#[derive(Debug)]
pub(super) struct PayPal;

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "event_type, resource_type and resource",
        is_there: |node| node.has("event_type") && node.has("resource") && node.has("create_time"),
    },
    Mark {
        weight: 80,
        what: "an order with intent and purchase_units",
        is_there: |node| node.has("purchase_units") && (node.has("intent") || node.has("status")),
    },
    Mark {
        weight: 80,
        what: "links of paypal.com",
        is_there: |node| {
            node.has("status")
                && node
                    .get("links")
                    .items()
                    .iter()
                    .any(|link| link.text_at("href").is_some_and(|href| href.contains("paypal.com/")))
        },
    },
    Mark {
        weight: 70,
        what: "an error with name, debug_id and details",
        is_there: |node| node.has("name") && node.has("debug_id") && node.has("details.0.issue"),
    },
    Mark {
        weight: 80,
        what: "a payment with intent, state and transactions",
        is_there: |node| node.has("intent") && node.has("state") && node.has("transactions.0.amount.total"),
    },
    Mark {
        weight: 95,
        what: "the fields of an instant payment notification",
        is_there: |node| {
            node.has("verify_sign")
                && (node.has("txn_id") && node.has("payment_status")
                    || node.has("txn_type") && node.has("ipn_track_id"))
        },
    },
    Mark {
        weight: 90,
        what: "a SOAP answer with Ack and CorrelationID",
        is_there: |node| classic::classic(node).is_some(),
    },
];

static ABOUT: About = About {
    name: "paypal",
    title: "PayPal",
    headers: &["paypal-transmission-id", "paypal-transmission-sig"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for PayPal {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// Signed by RSA is `transmission id|time|webhook id|CRC-32 of the body`; the secret is the webhook's id, and the key that
    /// of the certificate which the message names. <https://developer.paypal.com/api/rest/webhooks/rest/>
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let (id, time) =
            (signed.header("paypal-transmission-id")?, signed.header("paypal-transmission-time")?);
        let said = signed.header("paypal-transmission-sig")?;
        let made = DateTime::parse_from_rfc3339(time).map_err(|_| Forged::Unsigned)?;
        signed.is_recent(made.to_utc())?;
        let message = format!("{id}|{time}|{secret}|{}", crc32fast::hash(signed.body));
        let certificate = signed.certificate.ok_or(Forged::NoCertificate)?;
        is_rsa_of_certificate(certificate, message.as_bytes(), said)
    }

    /// Anybody can write a certificate: PayPal's own hosts give only PayPal's.
    fn certificate(&self, signed: &Signed<'_>) -> Option<String> {
        const HOSTS: [&str; 4] =
            ["api.paypal.com", "api-m.paypal.com", "api.sandbox.paypal.com", "api-m.sandbox.paypal.com"];
        let address = signed.header("paypal-cert-url").ok()?;
        let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
        let is_theirs = HOSTS.contains(&host) && path.starts_with("v1/notifications/certs/");
        is_theirs.then(|| address.to_owned())
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let reading = if let Some((name, body)) = classic::classic(record) {
            Some(classic::soap(name, body))
        } else if record.has("txn_id") && record.has("payment_status") {
            classic::instant(record)
        } else if record.has("txn_type") && record.has("verify_sign") {
            classic::notice(record)
        } else if record.has("event_type") {
            event_of(record)
        } else if record.has("intent") && record.has("state") && record.has("transactions") {
            payment(record)
        } else {
            resource(record, kind_of(record))
        };
        reading.into_iter().collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    Capture,
    Authorization,
    Refund,
    Dispute,
    Other,
}

fn kind_of(node: &Node) -> Kind {
    let place = node
        .get("links")
        .items()
        .iter()
        .find(|link| link.is("rel", "self"))
        .and_then(|link| link.text_at("href"))
        .unwrap_or_default();
    match () {
        () if node.has("purchase_units") || place.contains("/checkout/orders/") => Kind::Order,
        () if place.contains("/authorization") || node.has("expiration_time") => Kind::Authorization,
        () if place.contains("/refund") || node.has("seller_payable_breakdown") => Kind::Refund,
        () if node.has("dispute_id") || node.has("dispute_state") => Kind::Dispute,
        () if place.contains("/captures/") || place.contains("/sale/") || node.has("final_capture") => {
            Kind::Capture
        }
        () => Kind::Other,
    }
}

fn event_of(node: &Node) -> Option<Reading> {
    let event = node.text_at("event_type")?;
    let kind = match event.as_str() {
        // Its resource is the refund, and not the capture.
        "PAYMENT.CAPTURE.REFUNDED" | "PAYMENT.SALE.REFUNDED" => Kind::Refund,
        name if name.starts_with("PAYMENT.REFUND.") => Kind::Refund,
        name if name.contains("DISPUTE") => Kind::Dispute,
        // What takes a capture back is a refund by its form, and names the capture.
        "PAYMENT.CAPTURE.REVERSED"
            if kind_of(node.get("resource")) == Kind::Refund || is_of_capture(node.get("resource")) =>
        {
            Kind::Refund
        }
        name if name.starts_with("PAYMENT.CAPTURE.") || name.starts_with("PAYMENT.SALE.") => Kind::Capture,
        name if name.starts_with("PAYMENT.AUTHORIZATION.") => Kind::Authorization,
        name if name.starts_with("CHECKOUT.ORDER.") => Kind::Order,
        _ => Kind::Other,
    };
    let mut reading = match event.as_str() {
        name if name.contains("PAYOUT") => {
            let paid = node.get("resource");
            let amounts = ["payout_item.amount", "batch_header.amount"]
                .map(|at| [format!("{at}.value"), format!("{at}.currency")]);
            let at = |part: usize| [amounts[0][part].as_str(), amounts[1][part].as_str()];
            Reading {
                operation_id: paid.first_of(&["payout_item_id", "batch_header.payout_batch_id"]),
                money: money(paid, &at(0), &at(1), UNIT),
                ..no_payment(Subject::Payout, name)
            }
        }
        name if kind == Kind::Other => no_payment(Subject::Other, name),
        _ => resource(node.get("resource"), kind)?,
    };
    match event.as_str() {
        "PAYMENT.CAPTURE.REVERSED" | "PAYMENT.SALE.REVERSED" => {
            (reading.subject, reading.status) = (Subject::Dispute, Chargeback);
            if let Some(money) = &mut reading.money {
                money.minor = money.minor.abs();
            }
        }
        "PAYMENT.CAPTURE.COMPLETED" | "CHECKOUT.ORDER.COMPLETED" if reading.status == Unknown => {
            reading.status = Approved
        }
        "PAYMENT.CAPTURE.DECLINED" | "PAYMENT.CAPTURE.DENIED" if reading.status == Unknown => {
            reading.status = Declined
        }
        "PAYMENT.AUTHORIZATION.VOIDED" if reading.status == Unknown => reading.status = Cancelled,
        _ => {}
    }
    if reading.status == Declined && reading.reason.is_none() {
        because(&mut reading, REASONS, &[]);
    }
    if reading.status != NotAPayment {
        reading.native_status = format!("{event}/{}", reading.native_status);
    }
    reading.event_id = node.text_at("id");
    reading.occurred_at = time(node, &["create_time"]);
    reading.native_event = Some(event);
    Some(reading)
}

fn resource(node: &Node, kind: Kind) -> Option<Reading> {
    // The first version of the API says `state`, in small letters.
    let word = node.first_of(&["status", "state", "dispute_state"]);
    let Some(word) = word else { return error(node) };
    let mut reading = match kind {
        Kind::Order => order(node, &word),
        Kind::Capture => by_word(Subject::Payment, CAPTURES, &word),
        Kind::Authorization => by_word(Subject::Payment, AUTHORIZATIONS, &word),
        Kind::Refund => by_word(Subject::Refund, REFUNDS, &word),
        Kind::Dispute => dispute(node, &word),
        Kind::Other => return None,
    };
    // What an order says of it, it says further in.
    if kind != Kind::Order {
        let code =
            node.first_of(&["processor_response.response_code", "status_details.reason", "reason_code"]);
        because(&mut reading, REASONS, std::slice::from_ref(&code));
        reading.code = reading.code.or(code);
    }
    let own = node.text_at("id");
    match kind {
        Kind::Order => {
            let inner =
                ["captures", "authorizations"].map(|kind| format!("purchase_units.0.payments.{kind}.0.id"));
            reading.payment_id = node.first_of(&[&inner[0], &inner[1]]).or_else(|| own.clone());
            let units = node.get("purchase_units").items().iter();
            let inner = units
                .flat_map(|unit| ["captures", "authorizations"].map(|kind| unit.get("payments").get(kind)));
            let ids = inner.flat_map(|inner| inner.items()).map(|inner| inner.text_at("id"));
            reading.is_also(ids.chain([own]));
        }
        Kind::Dispute => {
            reading.operation_id = node.first_of(&["dispute_id", "id"]);
            reading.payment_id = node.first_of(&["disputed_transactions.0.seller_transaction_id"]);
        }
        _ => {
            // Refunds and disputes name the capture, and not its order: the capture is the payment.
            let capture = node
                .first_of(&["supplementary_data.related_ids.capture_id", "capture_id", "sale_id"])
                .or_else(|| up(node).filter(|_| kind == Kind::Refund));
            reading.payment_id = capture.or_else(|| own.clone());
            // An order or an authorization comes before it, and has an id of its own.
            let related =
                ["authorization_id", "order_id"].map(|id| format!("supplementary_data.related_ids.{id}"));
            let before =
                related.iter().map(|path| node.text_at(path)).chain([node.text_at("parent_payment")]);
            reading.is_also(before.chain([up(node).filter(|_| kind != Kind::Refund)]));
            // Of an authorization several parts may be captured: each counts. What has gone back is said in its place.
            let is_part =
                kind == Kind::Capture && !matches!(reading.status, Refunded | PartiallyRefunded | Chargeback);
            reading.operation_id = own.filter(|_| kind == Kind::Refund || is_part);
        }
    }
    if reading.money.is_none() {
        let amounts = ["amount.value", "amount.total", "dispute_amount.value"];
        let currencies = ["amount.currency_code", "amount.currency", "dispute_amount.currency_code"];
        reading.money = money(node, &amounts, &currencies, UNIT);
    }
    // The first version of the API writes what goes back as less than zero.
    if let (Kind::Refund, Some(money)) = (kind, &mut reading.money) {
        money.minor = money.minor.abs();
    }
    reading.reference =
        reading.reference.or_else(|| node.first_of(&["custom_id", "invoice_id", "invoice_number", "custom"]));
    reading.merchant_id = node.first_of(&["payee.merchant_id", "purchase_units.0.payee.merchant_id"]);
    reading.country = country(node, &["payer.address.country_code"]);
    let minor = reading.money.map(|money| money.minor);
    match (kind, reading.status) {
        // It says what was captured, and not how much of that has gone back.
        (Kind::Capture, PartiallyRefunded) => (reading.totals.captured, reading.money) = (minor, None),
        // And it what was reserved, and not how much of that was captured.
        (Kind::Authorization, Approved) => {
            reading.totals.captured = minor.filter(|_| word.eq_ignore_ascii_case("CAPTURED"));
            (reading.totals.authorized, reading.money) = (minor, None);
        }
        _ => {}
    }
    reading.occurred_at = time(node, &["update_time", "create_time"]);
    Some(reading)
}

fn is_of_capture(node: &Node) -> bool {
    let links = node.get("links").items().iter().filter(|link| link.is("rel", "up"));
    links.filter_map(|link| link.text_at("href")).any(|place| place.contains("/captures/"))
}

/// A refund names its capture in a link, and a capture its authorization or order.
fn up(node: &Node) -> Option<String> {
    let up = node.get("links").items().iter().find(|link| link.is("rel", "up"))?;
    up.text_at("href")?.rsplit('/').next().map(str::to_owned)
}

/// What an order comes to. An answer may leave the amounts of its units out, and have those of what was captured.
fn whole(node: &Node) -> Option<Money> {
    let of = |node: &Node| money(node, &["amount.value"], &["amount.currency_code"], UNIT);
    let of_unit = |unit: &Node| {
        let parts = ["captures", "authorizations"].map(|kind| unit.get("payments").get(kind));
        of(unit).or_else(|| total(parts.iter().find(|parts| !parts.is_null())?.items().iter().map(of)))
    };
    total(node.get("purchase_units").items().iter().map(of_unit))
}

/// The sum, where all are there and of one currency.
fn total(mut parts: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    let first = parts.next()??;
    parts.try_fold(first, |sum, part| {
        let part = part.filter(|part| part.currency == sum.currency)?;
        Some(Money { minor: sum.minor.checked_add(part.minor)?, ..sum })
    })
}

fn order(node: &Node, word: &str) -> Reading {
    let mut reading = by_word(Subject::Payment, STATUSES, word);
    let unit = node.at("purchase_units.0");
    reading.money = whole(node);
    reading.reference = unit.first_of(&["custom_id", "invoice_id", "reference_id"]);
    // A completed order may hold an authorization, or a capture that waits or was declined.
    let (capture, authorization) = (unit.at("payments.captures.0"), unit.at("payments.authorizations.0"));
    let inner = [(capture, CAPTURES), (authorization, AUTHORIZATIONS)];
    if let Some((inner, words)) = inner.into_iter().find(|(inner, _)| inner.has("status"))
        && reading.status == Approved
    {
        let word = inner.text_at("status").unwrap_or_default();
        reading.status = meaning(words, &word).unwrap_or(Unknown);
        reading.native_status = format!("{}/{word}", reading.native_status);
        let code = inner.first_of(&["processor_response.response_code", "status_details.reason"]);
        because(&mut reading, REASONS, std::slice::from_ref(&code));
        reading.code = code;
    }
    reading.payment_method = node.get("payment_source").members().first().map(|(name, _)| name.clone());
    reading.card_brand = brand(node, &["payment_source.card.brand"]);
    reading
}

/// A payment of the first version of the API: what came of it stands in its last resource.
fn payment(node: &Node) -> Option<Reading> {
    let last =
        node.at("transactions.0.related_resources").items().last().and_then(|last| last.members().first());
    let mut reading = match last {
        Some((name, inner)) => {
            let kind = match name.as_str() {
                "authorization" | "order" => Kind::Authorization,
                "refund" => Kind::Refund,
                _ => Kind::Capture,
            };
            resource(inner, kind)?
        }
        None => {
            let word = node.text_at("state")?;
            let state = match word.as_str() {
                "failed" => Failed,
                "expired" => Expired,
                "canceled" => Cancelled,
                // Approved by its payer, who has paid nothing yet.
                "created" | "approved" | "pending" | "in_progress" => Pending,
                _ => Unknown,
            };
            let mut reading = Reading::new(Subject::Payment, state, word);
            because(&mut reading, REASONS, &[node.text_at("failure_reason")]);
            reading.payment_id = node.text_at("id");
            reading
        }
    };
    reading.is_also([node.text_at("id")]);
    let transaction = node.at("transactions.0");
    reading.money =
        reading.money.or_else(|| money(transaction, &["amount.total"], &["amount.currency"], UNIT));
    reading.reference = reading.reference.or_else(|| transaction.first_of(&["custom", "invoice_number"]));
    reading.payment_method = node.text_at("payer.payment_method");
    reading.occurred_at = reading.occurred_at.or_else(|| time(node, &["update_time", "create_time"]));
    Some(reading)
}

fn dispute(node: &Node, word: &str) -> Reading {
    let outcome = node.first_of(&["dispute_outcome.outcome_code"]);
    let won = ["RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "DENIED", "RESOLVED_WITH_PAYOUT"];
    let status = match outcome.as_deref() {
        Some(outcome) if won.contains(&outcome) => Approved,
        _ => Chargeback,
    };
    let word = outcome.map_or_else(|| word.to_owned(), |outcome| format!("{word}/{outcome}"));
    let mut reading = Reading::new(Subject::Dispute, status, word);
    reading.code = node.text_at("reason");
    reading
}

/// `{ "name": …, "details": [{ "issue": … }] }`.
fn error(node: &Node) -> Option<Reading> {
    let name = node.first_of(&["name", "error"])?;
    let issue = node.first_of(&["details.0.issue"]);
    let known = issue.as_deref().and_then(|issue| meaning(REASONS, issue));
    let mut reading = match known {
        Some(Duplicate) => refused_call(name, Duplicate),
        Some(reason) => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, issue.clone()?) }
        }
        None if name.contains("INTERNAL") => refused_call(name, ProviderError),
        None => refused_call(name, Configuration),
    };
    reading.code = issue;
    reading.message = node.first_of(&["details.0.description", "message", "error_description"]);
    Some(reading)
}
