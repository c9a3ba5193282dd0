//! Adyen: standard webhooks, several to a post, and the answers of its payment API.
//!
//! `success` is text. `reason` of a success is authorization code, last digits and expiry date. A capture or refund has a
//! reference of its own, and the payment's in `originalReference`.
//!
//! Sources: "Webhook types", "Result codes", "Refusal reasons", "Currency codes and minor units" of its documentation.

mod words;

use cauce_model::{
    Currency,
    FailureReason::{self, *},
    Reading,
    StatusCategory::*,
    Subject,
};

use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{Unit, because, brand, meaning, money, no_payment, refused_call, time},
    signature::{Written, is_hmac, unhex},
};
use crate::document::Node;
use words::{EVENTS, REASONS, STATUSES};

#[derive(Debug)]
pub(super) struct Adyen;

/// Digits of Adyen's minor unit, where it is not that of ISO 4217.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        "CLP" | "ISK" => 2,
        "CVE" | "IDR" => 0,
        _ => currency.minor_unit().unwrap_or(2),
    }
}

const UNIT: Unit = Unit::Own(digits);

const MARKS: &[Mark] = &[
    Mark { weight: 95, what: "notificationItems", is_there: |node| node.has("notificationItems") },
    Mark {
        weight: 95,
        what: "one notification by itself",
        is_there: |node| node.has("eventCode") && node.has("pspReference") && node.has("merchantAccountCode"),
    },
    Mark {
        weight: 90,
        what: "pspReference with resultCode or response",
        is_there: |node| {
            node.has("pspReference")
                && (node.has("resultCode") || node.has("response") || node.has("merchantAccount"))
        },
    },
    Mark {
        weight: 80,
        what: "a resultCode with what the payer is to do",
        is_there: |node| {
            let waits =
                ["RedirectShopper", "IdentifyShopper", "ChallengeShopper", "PresentToShopper", "Pending"];
            waits.iter().any(|word| node.is("resultCode", word)) && node.has("action.type")
        },
    },
    Mark {
        weight: 90,
        what: "an event of a balance platform",
        is_there: |node| {
            node.text_at("type").is_some_and(|kind| kind.starts_with("balancePlatform."))
                && (node.has("data.balancePlatform") || node.has("balancePlatform"))
        },
    },
    Mark {
        weight: 80,
        what: "an event of a token",
        is_there: |node| {
            node.text_at("type").is_some_and(|kind| kind.starts_with("recurring.token."))
                && node.has("data.merchantAccount")
        },
    },
    Mark {
        weight: 80,
        what: "a session, or a link where it lets pay",
        is_there: |node| {
            let is_link = node.text_at("url").is_some_and(|place| place.contains(".adyen."));
            node.has("merchantAccount") && node.has("expiresAt") && (node.has("sessionData") || is_link)
        },
    },
    Mark {
        weight: 80,
        what: "a notification of its platform for marketplaces",
        is_there: |node| {
            node.has("eventType") && node.has("pspReference") && node.has("content") && node.has("eventDate")
        },
    },
    Mark {
        weight: 80,
        what: "an error with errorType and errorCode",
        is_there: |node| node.has("errorType") && node.has("errorCode") && node.has("status"),
    },
];

static ABOUT: About = About {
    name: "adyen",
    title: "Adyen",
    headers: &[],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Adyen {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// Each item is signed by itself, over eight of its fields; the secret is written in hex ("Verify HMAC signatures").
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let secret = unhex(secret).ok_or(Forged::Wrong)?;
        let records = signed.records()?;
        // What is not signed is not read either.
        if records
            .iter()
            .any(|record| !matches!(record.get("notificationItems"), Node::List(items) if !items.is_empty()))
        {
            return Err(Forged::Unsigned);
        }
        let items: Vec<&Node> =
            records.iter().flat_map(|record| record.get("notificationItems").items()).collect();
        for item in items {
            let item = item.get("NotificationRequestItem");
            let said = item.text_at("additionalData.hmacSignature").ok_or(Forged::Unsigned)?;
            let fields = [
                "pspReference",
                "originalReference",
                "merchantAccountCode",
                "merchantReference",
                "amount.value",
                "amount.currency",
                "eventCode",
                "success",
            ];
            let text = fields.map(|field| item.text_at(field).unwrap_or_default()).join(":");
            is_hmac(HMAC_SHA256, &secret, &[text.as_bytes()], &said, Written::Base64)?;
        }
        Ok(())
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        if record.has("notificationItems") {
            let items = record.get("notificationItems").items();
            let inner = |item: &Node| match item.get("NotificationRequestItem") {
                Node::Null => item.clone(),
                inner => inner.clone(),
            };
            return items.iter().map(inner).filter_map(|item| notification(&item)).collect();
        }
        let reading = if record.has("eventCode") { notification(record) } else { answer(record) };
        reading.into_iter().collect()
    }
}

fn notification(item: &Node) -> Option<Reading> {
    let code = item.text_at("eventCode")?;
    let success = item.at("success").flag();
    let word = match success {
        Some(success) => format!("{code}/{success}"),
        None => code.clone(),
    };
    let (subject, status) = match (meaning(EVENTS, &code), success) {
        (Some((subject, yes, _)), Some(true)) => (subject, yes),
        (Some((subject, _, no)), Some(false)) => (subject, no),
        (Some((subject, yes, no)), None) if yes == no => (subject, yes),
        (Some((subject, ..)), None) => (subject, Unknown),
        (None, _) => (Subject::Payment, Unknown),
    };
    let mut reading = Reading::new(subject, status, word);
    let own = item.text_at("pspReference");
    let original = item.text_at("originalReference");
    // The same event may be sent again with another date.
    reading.event_id = own.as_ref().map(|own| format!("{own}:{code}:{}", success.unwrap_or(true)));
    // An adjustment says the whole that is authorized now, and not a part of it.
    let is_part = original.is_some() && code != "AUTHORISATION_ADJUSTMENT";
    reading.operation_id = is_part.then(|| own.clone()).flatten();
    reading.payment_id = original.or(own);
    reading.native_event = Some(code);
    reading.reference = item.text_at("merchantReference");
    reading.merchant_id = item.text_at("merchantAccountCode");
    // In form fields it stands by itself.
    reading.money = money(item, &["amount.value", "value"], &["amount.currency", "currency"], UNIT);
    if reading.native_status == "AUTHORISATION_ADJUSTMENT/false" {
        // To which nothing was adjusted.
        reading.money = None;
    }
    reading.occurred_at = time(item, &["eventDate"]);
    reading.payment_method = item.text_at("paymentMethod");
    reading.card_brand = brand(item, &["paymentMethod"]).filter(|brand| CARDS.contains(&brand.as_str()));
    reading.country =
        super::reading::country(item, &["additionalData.shopperCountry", "additionalData.issuerCountry"]);
    let said = item.text_at("reason").filter(|reason| reason != "null");
    let (raw, refusal) =
        (item.text_at("additionalData.refusalReasonRaw"), item.text_at("additionalData.refusalReasonCode"));
    // Nothing is authorized by it: a card was checked.
    if code_is_check(&reading) {
        (reading.subject, reading.status) = (Subject::Other, NotAPayment);
    }
    // It says which of the two was done.
    if reading.native_event.as_deref() == Some("CANCEL_OR_REFUND")
        && item.get("additionalData").get("modification.action").text().as_deref() == Some("cancel")
        && success == Some(true)
    {
        (reading.subject, reading.status) = (Subject::Payment, Cancelled);
    }
    // It is not signed, and says something of disputes only.
    match item.text_at("additionalData.disputeStatus").filter(|_| subject == Subject::Dispute).as_deref() {
        Some("Won") => reading.status = Approved,
        Some("Lost") => reading.status = Chargeback,
        _ => {}
    }
    if matches!(reading.status, Declined | Failed) {
        because(&mut reading, REASONS, &[said.clone(), refusal.clone(), after_colon(raw.as_deref())]);
        if reading.native_event.as_deref() == Some("MANUAL_REVIEW_REJECT") {
            reading.reason = Some(Fraud);
        }
        reading.code = refusal.or_else(|| said.clone());
        reading.message = said;
    } else if matches!(subject, Subject::Dispute) {
        reading.code = item.text_at("additionalData.chargebackReasonCode");
        reading.message = said;
    }
    Some(reading)
}

fn code_is_check(reading: &Reading) -> bool {
    reading.native_event.as_deref() == Some("AUTHORISATION")
        && reading.status == Authorized
        && reading.money.is_some_and(|money| money.minor == 0)
}

/// Of a platform's balances: disputes of cards that it issued, and money that it moves.
fn platform(node: &Node, kind: &str) -> Reading {
    let data = node.get("data");
    let mut reading = match kind {
        kind if kind.contains(".dispute.") => Reading::new(Subject::Dispute, Chargeback, kind),
        kind if kind.contains(".transfer.") || kind.contains(".payout.") => no_payment(Subject::Payout, kind),
        kind => no_payment(Subject::Other, kind),
    };
    reading.native_event = Some(kind.to_owned());
    reading.operation_id = data.text_at("id");
    reading.merchant_id = data.text_at("balancePlatform");
    reading.money = money(
        data,
        &["disputedAmount.value", "amount.value"],
        &["disputedAmount.currency", "amount.currency"],
        UNIT,
    );
    reading.occurred_at = time(node, &["timestamp"]).or_else(|| time(data, &["creationDate"]));
    reading
}

const CARDS: &[&str] = &[
    "visa",
    "mastercard",
    "amex",
    "discover",
    "diners",
    "jcb",
    "maestro",
    "elo",
    "hipercard",
    "cup",
    "bcmc",
];

/// `05 : Do not honor` and `05: …`: the words.
fn after_colon(raw: Option<&str>) -> Option<String> {
    raw.map(|raw| raw.rsplit(':').next().unwrap_or(raw).trim().to_owned())
}

fn answer(node: &Node) -> Option<Reading> {
    // What comes in and goes out of marketplaces, links and sessions, through which nothing has been paid yet.
    if node.has("eventType") && node.has("content") {
        let kind = node.text_at("eventType")?;
        let mut reading = no_payment(Subject::Other, kind.clone());
        reading.event_id = node.text_at("pspReference").map(|id| format!("{id}:{kind}"));
        reading.native_event = Some(kind);
        reading.occurred_at = time(node, &["eventDate"]);
        return Some(reading);
    }
    if node.has("expiresAt") && node.has("merchantAccount") && !node.has("pspReference") {
        let status = node.text_at("status").unwrap_or_else(|| "session".to_owned());
        let mut reading = no_payment(Subject::Other, status);
        reading.reference = node.text_at("reference");
        reading.merchant_id = node.text_at("merchantAccount");
        return Some(reading);
    }
    let mut reading = if let Some(result) =
        node.text_at("resultCode").filter(|result| result.starts_with("[payout-"))
    {
        let mut reading = no_payment(Subject::Payout, result);
        reading.operation_id = node.text_at("pspReference");
        return Some(reading);
    } else if let Some(result) = node.text_at("resultCode") {
        let mut reading = super::reading::by_word(Subject::Payment, STATUSES, &result);
        let (said, code) = (node.text_at("refusalReason"), node.text_at("refusalReasonCode"));
        let raw = node.text_at("additionalData.refusalReasonRaw");
        because(&mut reading, REASONS, &[said.clone(), code.clone(), after_colon(raw.as_deref())]);
        if reading.status == Failed && reading.reason == Some(FailureReason::Unexplained) {
            reading.reason = Some(ProviderError);
        }
        // An answer to a form is a word: `FRAUD-CANCELLED` was cancelled by no payer.
        if reading.reason == Some(CancelledByUser) {
            reading.status = Cancelled;
        } else if reading.status == Cancelled && said.as_deref().is_some_and(|said| said.starts_with("FRAUD"))
        {
            (reading.status, reading.reason) = (Declined, Some(Fraud));
        }
        reading.code = code.or_else(|| said.clone());
        reading.message = said;
        reading
    } else if let Some(response) = node.text_at("response") {
        let is_refund = response.to_ascii_lowercase().contains("refund");
        let subject = if is_refund { Subject::Refund } else { Subject::Payment };
        let mut reading = super::reading::by_word(subject, STATUSES, &response);
        // The reference is that of the modification: which payment it is of was in the question.
        if response.ends_with("-received]") {
            reading.operation_id = node.text_at("pspReference");
            reading.merchant_id = node.text_at("merchantAccount");
            return Some(reading);
        }
        reading
    } else if node.has("errorType") || node.has("errorCode") {
        let kind = node.text_at("errorType").unwrap_or_else(|| "error".to_owned());
        let code = node.text_at("errorCode");
        let reason = match (kind.as_str(), code.as_deref()) {
            ("internal", _) => ProviderError,
            (_, Some("101" | "103" | "129" | "138")) => InvalidCard,
            (_, Some("0")) => FailureReason::Unexplained,
            _ => Configuration,
        };
        let mut reading = refused_call(code.clone().unwrap_or(kind), reason);
        reading.code = code;
        reading.message = node.text_at("message");
        reading
    } else if node.is("status", "received") && node.has("pspReference") {
        // Modifications of the newer API: captures, refunds, cancels, each answered with its own reference.
        let subject = if node.has("merchantRefundReason") { Subject::Refund } else { Subject::Payment };
        let mut reading = Reading::new(subject, Pending, "received");
        reading.payment_id = node.text_at("paymentPspReference");
        reading.operation_id = node.text_at("pspReference").filter(|_| reading.payment_id.is_some());
        reading
    } else if let Some(kind) = node.text_at("type").filter(|kind| kind.starts_with("balancePlatform.")) {
        return Some(platform(node, &kind));
    } else if node.has("pspReference") || node.has("additionalData") {
        // A piece of an answer.
        Reading::new(Subject::Payment, Unknown, "")
    } else {
        no_payment(Subject::Other, node.text_at("type")?)
    };
    reading.payment_id = reading.payment_id.or_else(|| node.text_at("pspReference"));
    reading.reference = node.first_of(&["merchantReference", "reference"]);
    reading.merchant_id = node.text_at("merchantAccount");
    let amounts: &[&str] = &["amount.value", "action.totalAmount.value"];
    reading.money = money(node, amounts, &["amount.currency", "action.totalAmount.currency"], UNIT);
    reading.payment_method =
        node.first_of(&["paymentMethod.type", "additionalData.paymentMethod", "action.paymentMethodType"]);
    reading.card_brand = brand(node, &["paymentMethod.brand", "additionalData.paymentMethod"]);
    Some(reading)
}
