//! Mollie: a webhook that only names a payment, and the resources that its API answers.
//!
//! Sources: "Webhooks", the references of payments, refunds, chargebacks, captures and settlements.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{Unit, Words, because, brand, by_word, country, money, no_payment, refused_call, time},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Mollie;

const STATUSES: &Words<StatusCategory> = &[
    ("open", Pending),
    // An order.
    ("created", Pending),
    ("pending", Pending),
    ("authorized", Authorized),
    ("paid", Approved),
    ("completed", Approved),
    ("shipping", Authorized),
    ("canceled", Cancelled),
    ("expired", Expired),
    ("failed", Declined),
];

const REFUNDS: &Words<StatusCategory> = &[
    ("queued", Pending),
    ("pending", Pending),
    ("processing", Pending),
    ("refunded", Refunded),
    ("failed", Failed),
    ("canceled", Cancelled),
];

/// `details.failureReason` of cards.
const REASONS: &Words<FailureReason> = &[
    ("authentication_abandoned", AuthenticationFailed),
    ("authentication_failed", AuthenticationFailed),
    ("authentication_required", AuthenticationFailed),
    ("authentication_unavailable_acs", AuthenticationFailed),
    ("card_declined", BankDecline),
    ("card_expired", ExpiredCard),
    ("inactive_card", InvalidCard),
    ("insufficient_funds", InsufficientFunds),
    ("invalid_cvv", InvalidCard),
    ("invalid_card_holder_name", InvalidCard),
    ("invalid_card_number", InvalidCard),
    ("invalid_card_type", InvalidCard),
    ("possible_fraud", Fraud),
    ("refused_by_issuer", BankDecline),
    ("unknown_reason", FailureReason::Unexplained),
];

const UNIT: Unit = Unit::Major;

const RESOURCES: &[&str] = &[
    "payment",
    "refund",
    "chargeback",
    "capture",
    "settlement",
    "order",
    "payment-link",
    "subscription",
    "event",
];

fn is_resource(node: &Node) -> bool {
    node.text_at("resource").is_some_and(|resource| RESOURCES.contains(&resource.as_str()))
}

const MARKS: &[Mark] = &[
    Mark {
        weight: 80,
        what: "a resource with amount.value and createdAt",
        is_there: |node| is_resource(node) && (node.has("createdAt") || node.has("_links")),
    },
    Mark {
        weight: 80,
        what: "an embedded list of its resources",
        is_there: |node| {
            node.get("_embedded").members().iter().any(|(_, list)| list.items().iter().any(is_resource))
        },
    },
    Mark {
        weight: 80,
        what: "an error with its documentation",
        is_there: |node| {
            let place = node.text_at("_links.documentation.href").unwrap_or_default();
            node.has("title") && node.has("detail") && place.contains("mollie.com/")
        },
    },
    Mark {
        weight: 70,
        what: "a field id that begins with tr_, ord_ or pl_, alone",
        is_there: |node| {
            let id = node.text_at("id").unwrap_or_default();
            node.members().len() == 1 && ["tr_", "ord_", "pl_"].iter().any(|prefix| id.starts_with(prefix))
        },
    },
];

static ABOUT: About = About {
    name: "mollie",
    title: "Mollie",
    headers: &[],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Mollie {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn api(&self) -> Option<&'static str> {
        Some("https://api.mollie.com")
    }

    /// "Webhooks": a form with an id and nothing else, so that only the API says what became of it.
    fn named_by(&self, record: &Node) -> Option<String> {
        let id = record.text_at("id").filter(|_| record.members().len() == 1)?;
        let kind = match id.split_once('_')?.0 {
            "tr" => "payments",
            "ord" => "orders",
            "pl" => "payment-links",
            _ => return None,
        };
        super::path(&["v2", kind], &id)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if !record.has("resource")
            && let Some((_, list)) = record.get("_embedded").members().first()
        {
            return list.items().iter().filter_map(|item| one(item, None)).collect();
        }
        one(record, None).into_iter().collect()
    }
}

fn one(node: &Node, event: Option<&str>) -> Option<Reading> {
    let Some(kind) = node.text_at("resource") else {
        return match node.text_at("status").filter(|_| node.has("title") && node.has("detail")) {
            Some(status) => {
                let reason = if status.starts_with('5') { ProviderError } else { Configuration };
                let mut reading = refused_call(status, reason);
                reading.message = node.text_at("detail");
                Some(reading)
            }
            // It says that there is something to fetch.
            None => {
                let mut reading = no_payment(Subject::Other, "id");
                reading.payment_id = Some(node.text_at("id").filter(|_| node.members().len() == 1)?);
                Some(reading)
            }
        };
    };
    let status = node.text_at("status");
    let mut reading = match kind.as_str() {
        "event" => {
            let event = node.text_at("type")?;
            let mut reading = match node.at("_embedded.entity") {
                Node::Null => no_payment(Subject::Other, event.clone()),
                entity => one(entity, Some(&event))?,
            };
            reading.event_id = node.text_at("id");
            reading.occurred_at = time(node, &["createdAt"]);
            return Some(reading);
        }
        // A link says only whether somebody has paid by it; the payment is told of by itself.
        "payment-link" if status.is_none() => match node.has("paidAt") {
            true => Reading { subject: Subject::Order, ..payment(node, "paid") },
            false => no_payment(Subject::Other, kind.clone()),
        },
        "payment" | "order" | "payment-link" => payment(node, &status.unwrap_or_default()),
        "refund" => {
            let mut reading = by_word(Subject::Refund, REFUNDS, &status.unwrap_or_default());
            because(&mut reading, REASONS, &[]);
            reading
        }
        "chargeback" => {
            let status = if node.has("reversedAt") { Approved } else { Chargeback };
            let code = node.text_at("reason.code");
            let word = code.as_ref().map_or_else(|| kind.clone(), |code| format!("{kind}/{code}"));
            Reading { code, ..Reading::new(Subject::Dispute, status, word) }
        }
        // Captured at once, unless it says otherwise.
        "capture" => match status.as_deref() {
            None | Some("succeeded") => Reading::new(Subject::Payment, Approved, kind.clone()),
            Some("pending") => Reading::new(Subject::Payment, Pending, "capture/pending"),
            Some("failed") => Reading {
                reason: Some(FailureReason::Unexplained),
                ..Reading::new(Subject::Payment, Failed, "capture/failed")
            },
            Some(word) => Reading::new(Subject::Payment, Unknown, format!("capture/{word}")),
        },
        "settlement" | "balance-transfer" => {
            no_payment(Subject::Payout, status.unwrap_or_else(|| kind.clone()))
        }
        _ => no_payment(Subject::Other, event.map_or(kind.clone(), str::to_owned)),
    };
    if let Some(payment) = node.text_at("paymentId") {
        reading.operation_id = node.text_at("id");
        reading.payment_id = Some(payment);
    } else {
        reading.payment_id = node.text_at("id");
    }
    if reading.money.is_none() {
        reading.money = money(node, &["amount.value"], &["amount.currency"], UNIT);
    }
    reading.native_event = event.map(str::to_owned);
    reading.reference = node.first_of(&["metadata.order_id", "metadata.orderId", "orderNumber"]);
    reading.merchant_id = node.text_at("profileId");
    reading.occurred_at = time(
        node,
        &[
            "reversedAt",
            "paidAt",
            "authorizedAt",
            "canceledAt",
            "expiredAt",
            "failedAt",
            "settledAt",
            "createdAt",
        ],
    );
    Some(reading)
}

fn payment(node: &Node, status: &str) -> Reading {
    let mut reading = by_word(Subject::Payment, STATUSES, status);
    let code = node.text_at("details.failureReason");
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    reading.code = code;
    reading.message = node.text_at("details.failureMessage");
    let total = |path: &str| {
        let value = format!("{path}.value");
        money(node, &[&value], &[&format!("{path}.currency")], UNIT).map(|money| money.minor)
    };
    let (amount, back) = (total("amount"), total("amountRefunded").filter(|back| *back > 0));
    reading.totals.captured = total("amountCaptured").or(amount.filter(|_| reading.status == Approved));
    reading.totals.refunded = back;
    reading.totals.disputed = total("amountChargedBack").filter(|minor| *minor > 0);
    if reading.status == Approved
        && let Some(back) = back
    {
        reading.status = if Some(back) == amount { Refunded } else { PartiallyRefunded };
        reading.money = money(node, &["amountRefunded.value"], &["amountRefunded.currency"], UNIT);
    }
    if reading.status == Approved && reading.totals.disputed.is_some() {
        reading.status = Chargeback;
    }
    reading.payment_method = node.text_at("method");
    reading.card_brand = brand(node, &["details.cardLabel"]);
    reading.country = country(node, &["countryCode", "details.cardCountryCode"]);
    reading
}
