//! Braintree: notifications as they are posted (`bt_payload`, base64) and as XML (`notification`), and transactions of its API.
//!
//! A notification of a subscription is about its newest transaction; earlier ones stand behind it.
//!
//! Sources: its reference of webhooks, transaction statuses, and processor responses.

use base64::{Engine, prelude::BASE64_STANDARD};
use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::{digest, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY};

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, country, meaning, money, no_payment, refused_call, time,
    },
    signature::{Written, is_hmac},
};
use crate::document::{self, Node};

#[derive(Debug)]
pub(super) struct Braintree;

const STATUSES: &Words<StatusCategory> = &[
    ("authorizing", Pending),
    ("authorized", Authorized),
    ("submitted_for_settlement", Approved),
    ("settlement_pending", Approved),
    ("settlement_confirmed", Approved),
    ("settling", Approved),
    ("settled", Approved),
    ("authorization_expired", Expired),
    ("processor_declined", Declined),
    ("settlement_declined", Declined),
    ("gateway_rejected", Declined),
    ("failed", Failed),
    ("voided", Cancelled),
];

const DISPUTES: &Words<StatusCategory> = &[
    ("open", Chargeback),
    ("under_review", Chargeback),
    ("disputed", Chargeback),
    ("accepted", Chargeback),
    ("auto_accepted", Chargeback),
    ("expired", Chargeback),
    ("lost", Chargeback),
    ("won", Approved),
];

/// `processor-response-code`, and reasons of rejections by the gateway.
const REASONS: &Words<FailureReason> = &[
    ("2000", BankDecline),
    ("2001", InsufficientFunds),
    ("2002", LimitExceeded),
    ("2003", LimitExceeded),
    ("2004", ExpiredCard),
    ("2005", InvalidCard),
    ("2006", InvalidCard),
    ("2007", InvalidCard),
    ("2008", InvalidCard),
    ("2009", InvalidCard),
    ("2010", InvalidCard),
    ("2011", BankDecline),
    ("2012", Fraud),
    ("2013", Fraud),
    ("2014", Fraud),
    ("2015", BankDecline),
    ("2016", Duplicate),
    ("2017", CancelledByUser),
    ("2018", CancelledByUser),
    ("2019", Configuration),
    ("2020", BankDecline),
    ("2021", Fraud),
    ("2022", BankDecline),
    ("2023", Configuration),
    ("2024", Configuration),
    ("2025", Configuration),
    ("2026", Configuration),
    ("2027", Configuration),
    ("2028", Configuration),
    ("2029", Configuration),
    ("2030", Configuration),
    ("2031", ProviderError),
    ("2032", Configuration),
    ("2033", Configuration),
    ("2036", BankDecline),
    ("2037", Configuration),
    ("2038", BankDecline),
    ("2040", Configuration),
    ("2041", BankDecline),
    ("2042", Configuration),
    ("2044", BankDecline),
    ("2045", Configuration),
    ("2046", BankDecline),
    ("2047", Fraud),
    ("2048", Configuration),
    ("2051", InvalidCard),
    ("2053", Fraud),
    ("2056", LimitExceeded),
    ("2057", BankDecline),
    ("2058", Configuration),
    ("2059", InvalidCard),
    ("2060", InvalidCard),
    ("2061", Configuration),
    ("2062", Configuration),
    ("2063", Configuration),
    ("2064", Configuration),
    ("2066", Configuration),
    ("2068", Configuration),
    ("2069", Duplicate),
    ("2071", Configuration),
    ("2072", Configuration),
    ("2077", Fraud),
    ("2079", Configuration),
    ("2099", AuthenticationFailed),
    // What an error without a transaction says in words.
    ("Card Issuer Declined CVV", InvalidCard),
    ("Do Not Honor", BankDecline),
    ("Insufficient Funds", InsufficientFunds),
    ("Expired Card", ExpiredCard),
    ("3000", NetworkError),
    ("application_incomplete", Configuration),
    ("avs", InvalidCard),
    ("avs_and_cvv", InvalidCard),
    ("cvv", InvalidCard),
    ("duplicate", Duplicate),
    ("fraud", Fraud),
    ("risk_threshold", Fraud),
    ("excessive_retry", LimitExceeded),
    ("three_d_secure", AuthenticationFailed),
    ("token_issuance", Configuration),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "bt_signature and bt_payload",
        is_there: |node| node.has("bt_signature") && node.has("bt_payload"),
    },
    Mark {
        weight: 95,
        what: "an XML notification of a kind with a subject",
        is_there: |node| node.has("notification.kind") && node.has("notification.subject"),
    },
    Mark {
        weight: 90,
        what: "an XML api-error-response",
        is_there: |node| {
            ["message", "transaction", "verification"]
                .iter()
                .any(|name| node.get("api-error-response").has(name))
        },
    },
    Mark {
        weight: 80,
        what: "an XML transaction with a processor's response",
        is_there: |node| {
            let is_theirs =
                ["processor-response-code", "gateway-rejection-reason", "payment-instrument-type"];
            node.has("transaction.status") && is_theirs.iter().any(|name| node.get("transaction").has(name))
        },
    },
];

static ABOUT: About = About {
    name: "braintree",
    title: "Braintree",
    headers: &[],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Braintree {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// `<public key>|<hex>`, several with `&` between them: the HMAC of the payload as it stands in the form, with the SHA-1
    /// of the private key (as its libraries do). The secret is `<public key>|<private key>`.
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let records = signed.records()?;
        let [form] = records.as_slice() else { return Err(Forged::Unsigned) };
        let Node::Text(payload) = form.get("bt_payload") else { return Err(Forged::Unsigned) };
        let said = form.text_at("bt_signature").ok_or(Forged::Unsigned)?;
        let (public, private) = secret.split_once('|').ok_or(Forged::Wrong)?;
        let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, private.as_bytes());
        let ours =
            said.split('&').filter_map(|pair| pair.split_once('|')).find(|(named, _)| *named == public);
        let (_, said) = ours.ok_or(Forged::Wrong)?;
        // Some frameworks take the last line break off.
        let with_break = format!("{payload}\n");
        let is_of = |payload: &str| {
            is_hmac(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref(), &[payload.as_bytes()], said, Written::Hex)
        };
        is_of(payload).or_else(|_| is_of(&with_break))
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if let Some(payload) = record.text_at("bt_payload") {
            let payload: String = payload.split_whitespace().collect();
            let Ok(xml) = BASE64_STANDARD.decode(payload) else { return Vec::new() };
            let inner = document::read(document::Bytes { content_type: None, body: &xml });
            // A payload in a payload is nobody's.
            return inner
                .iter()
                .flatten()
                .filter_map(|inner| notification(inner.get("notification")))
                .collect();
        }
        let refused = record.get("api-error-response");
        if !refused.is_null() {
            return vec![error(refused)];
        }
        let reading = match (record.get("notification"), record.get("transaction")) {
            (Node::Null, Node::Null) => None,
            (Node::Null, sale) => Some(transaction(sale)),
            (notified, _) => notification(notified),
        };
        reading.into_iter().collect()
    }
}

/// A call that was refused, or a payment that was: that stands in it.
fn error(node: &Node) -> Reading {
    if node.has("transaction.status") {
        return transaction(node.get("transaction"));
    }
    // A card was to be kept: it was asked whether it is one.
    if node.has("verification.status") {
        let verified = node.get("verification");
        let mut reading = no_payment(
            Subject::Other,
            format!("verification/{}", verified.text_at("status").unwrap_or_default()),
        );
        reading.code = verified.text_at("processor-response-code");
        reading.message = verified.text_at("processor-response-text");
        return reading;
    }
    let said = node.text_at("message");
    if let Some(reason) = said.as_deref().and_then(|said| meaning(REASONS, said)) {
        let word = said.clone().unwrap_or_default();
        let mut reading = Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, word) };
        reading.message = said;
        return reading;
    }
    let code = node
        .text_at("errors.transaction.errors.error.code")
        .or_else(|| node.text_at("errors.transaction.errors.0.code"));
    let mut reading =
        refused_call(code.clone().unwrap_or_else(|| "api-error-response".to_owned()), Configuration);
    reading.code = code;
    reading.message = node.text_at("message");
    reading
}

fn notification(node: &Node) -> Option<Reading> {
    let kind = node.text_at("kind")?;
    let subject = node.get("subject");
    let mut reading = match subject.members().iter().find(|(name, _)| !name.starts_with('@')) {
        Some((name, inner)) => match name.as_str() {
            "transaction" if kind == "transaction_disbursed" => Reading {
                payment_id: inner.text_at("id"),
                money: amount(inner, &["disbursement-details.settlement-amount", "amount"]),
                ..no_payment(Subject::Payout, kind.clone())
            },
            "transaction" => transaction(inner),
            "subscription" if kind.starts_with("subscription_charged") => {
                transaction(inner.at("transactions.transaction.0"))
            }
            "dispute" => dispute(inner),
            "local-payment" => {
                let mut reading = transaction(inner.get("transaction"));
                reading.payment_id = reading.payment_id.or_else(|| inner.text_at("payment-id"));
                reading.payment_method = Some("local_payment".to_owned());
                if kind == "local_payment_funded" {
                    reading.status = Approved;
                }
                reading
            }
            "local-payment-funded" => local(inner, Approved),
            "local-payment-expired" => local(inner, Expired),
            "local-payment-reversed" => local(inner, Refunded),
            "transaction-review" => Reading {
                payment_id: inner.text_at("transaction-id"),
                ..review(&inner.text_at("decision").unwrap_or_default())
            },
            "disbursement" => Reading {
                operation_id: inner.text_at("id"),
                merchant_id: inner.text_at("merchant-account.id"),
                money: money(inner, &["amount"], &["merchant-account.currency-iso-code"], UNIT),
                ..no_payment(Subject::Payout, kind.clone())
            },
            _ => no_payment(Subject::Other, kind.clone()),
        },
        None => no_payment(Subject::Other, kind.clone()),
    };
    reading.native_status = if reading.native_status.is_empty() || reading.native_status == kind {
        kind.clone()
    } else {
        format!("{kind}/{}", reading.native_status)
    };
    reading.occurred_at = time(node, &["timestamp"]);
    reading.event_id = reading
        .operation_id
        .as_ref()
        .or(reading.payment_id.as_ref())
        .map(|id| format!("{kind}:{id}:{}", node.text_at("timestamp").unwrap_or_default()));
    reading.native_event = Some(kind);
    Some(reading)
}

fn amount(node: &Node, amounts: &[&str]) -> Option<cauce_model::Money> {
    money(node, amounts, &["currency-iso-code"], UNIT)
}

fn transaction(node: &Node) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let mut reading = by_word(Subject::Payment, STATUSES, &status);
    let code = node.text_at("processor-response-code");
    let rejection = node.text_at("gateway-rejection-reason");
    match reading.status {
        Declined => {
            because(&mut reading, REASONS, &[rejection.clone(), code.clone()]);
            if reading.reason == Some(FailureReason::Unexplained) && status != "gateway_rejected" {
                reading.reason = Some(BankDecline);
            }
        }
        Failed => reading.reason = Some(ProviderError),
        _ => {}
    }
    // A credit is a refund; of one its payment is named.
    let refunded = node.text_at("refunded-transaction-id");
    reading.money = amount(node, &["amount"]);
    if refunded.is_some() || node.is("type", "credit") {
        reading.subject = Subject::Refund;
        reading.status = match reading.status {
            Approved => Refunded,
            Authorized => Pending,
            Declined => Failed,
            other => other,
        };
        reading.operation_id = node.text_at("id");
        reading.payment_id = refunded.or_else(|| node.text_at("id"));
    } else {
        let (own, whole) = (node.text_at("id"), node.text_at("authorized-transaction-id"));
        let minor = reading.money.map(|money| money.minor);
        // A part that is settled is a transaction of its own, and names the one that was authorized.
        if whole.is_some() {
            reading.operation_id.clone_from(&own);
        } else {
            reading.totals.authorized = minor.filter(|_| matches!(reading.status, Authorized | Approved));
            reading.totals.captured = minor.filter(|_| reading.status == Approved);
        }
        reading.payment_id = whole.or_else(|| own.clone());
        reading.is_also([own]);
    }
    reading.reference = node.text_at("order-id");
    reading.merchant_id = node.text_at("merchant-account-id");
    reading.code = rejection.or(code);
    reading.message = node.text_at("processor-response-text");
    reading.payment_method = node.text_at("payment-instrument-type");
    reading.card_brand = brand(node, &["credit-card.card-type"]);
    reading.country = country(node, &["billing.country-code-alpha2"]);
    reading.occurred_at = time(node, &["updated-at", "created-at"]);
    reading
}

fn dispute(node: &Node) -> Reading {
    let status = node.text_at("status").unwrap_or_default();
    let mut reading = by_word(Subject::Dispute, DISPUTES, &status);
    if node.is("kind", "retrieval") && reading.status == Chargeback {
        reading.status = Pending;
    }
    reading.operation_id = node.text_at("id");
    reading.payment_id = node.text_at("transaction.id");
    reading.reference = node.text_at("transaction.order-id");
    reading.merchant_id = node.text_at("merchant-account-id");
    reading.code = node.first_of(&["reason-code", "reason"]);
    reading.money = amount(node, &["amount-disputed", "amount"]);
    reading
}

fn local(node: &Node, status: StatusCategory) -> Reading {
    let mut reading = Reading::new(Subject::Payment, status, "");
    reading.payment_id = node.text_at("payment-id");
    reading.payment_method = Some("local_payment".to_owned());
    reading
}

fn review(decision: &str) -> Reading {
    const DECISIONS: &Words<StatusCategory> = &[("accepted", Authorized), ("rejected", Declined)];
    let mut reading =
        Reading::new(Subject::Payment, meaning(DECISIONS, decision).unwrap_or(Unknown), decision);
    if reading.status == Declined {
        reading.reason = Some(Fraud);
    }
    reading
}
