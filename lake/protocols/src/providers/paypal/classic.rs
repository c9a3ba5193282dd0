//! PayPal before its REST API: the SOAP answers of the classic one, and instant payment notifications in form fields.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::{
    super::reading::{Words, because, by_word, country, meaning, money, no_payment, refused_call, time},
    REASONS, UNIT,
};
use crate::document::Node;

/// `PaymentStatus` of the classic API.
const CLASSIC: &Words<StatusCategory> = &[
    ("Completed", Approved),
    ("Completed-Funds-Held", Approved),
    ("Processed", Approved),
    ("Created", Pending),
    ("Pending", Pending),
    ("In-Progress", Pending),
    ("Denied", Declined),
    ("Failed", Failed),
    ("Expired", Expired),
    ("Refunded", Refunded),
    ("Partially-Refunded", PartiallyRefunded),
    ("Reversed", Chargeback),
    ("Canceled-Reversal", Approved),
    ("Voided", Cancelled),
];

/// The answer in a SOAP envelope, and its name.
pub(super) fn classic(node: &Node) -> Option<(&str, &Node)> {
    let body = node.at("Envelope.Body").members();
    let (name, answer) = body.iter().find(|(_, answer)| answer.has("Ack") && answer.has("CorrelationID"))?;
    Some((name, answer))
}

/// An instant payment notification, in form fields ("IPN and PDT variables").
pub(super) fn instant(node: &Node) -> Option<Reading> {
    let word = node.text_at("payment_status")?.replace('_', "-");
    let known = meaning(CLASSIC, &word).unwrap_or(Unknown);
    let parent = node.text_at("parent_txn_id");
    let (subject, status) = match (known, &parent) {
        (Refunded | PartiallyRefunded, Some(_)) => (Subject::Refund, Refunded),
        (Chargeback, _) => (Subject::Dispute, Chargeback),
        (Approved, Some(_)) if word == "Canceled-Reversal" => (Subject::Dispute, Approved),
        (Pending, _) if node.is("pending_reason", "authorization") => (Subject::Payment, Authorized),
        (known, _) => (Subject::Payment, known),
    };
    let mut reading = Reading::new(subject, status, word);
    because(&mut reading, REASONS, &[]);
    let own = node.text_at("txn_id");
    reading.event_id = own.as_ref().map(|id| format!("{id}:{}", reading.native_status));
    // What is taken back and given back has an id each: by none of them the one ends the other.
    reading.operation_id = own.clone().filter(|_| parent.is_some() && subject != Subject::Dispute);
    reading.payment_id = parent.or_else(|| own.clone());
    // A capture names its authorization, and refunds name the capture.
    reading.is_also([node.text_at("auth_id"), own.filter(|_| subject == Subject::Payment)]);
    reading.money = money(node, &["mc_gross", "payment_gross"], &["mc_currency"], UNIT);
    if let (Subject::Refund | Subject::Dispute, Some(money)) = (subject, &mut reading.money) {
        money.minor = money.minor.abs();
    }
    reading.totals.captured =
        reading.money.map(|money| money.minor).filter(|_| subject == Subject::Payment && status == Approved);
    reading.code = node.first_of(&["reason_code", "pending_reason"]);
    reading.reference = node.first_of(&["custom", "invoice"]);
    reading.merchant_id = node.text_at("receiver_id");
    reading.country = country(node, &["residence_country"]);
    reading.payment_method = node.text_at("payment_type");
    reading.native_event = node.text_at("txn_type");
    reading.occurred_at = node.text_at("payment_date").as_deref().and_then(pacific);
    Some(reading)
}

/// A notification of no payment: of a case that somebody opened, or of a subscription.
pub(super) fn notice(node: &Node) -> Option<Reading> {
    let kind = node.text_at("txn_type")?;
    let mut reading = match node.text_at("case_type").filter(|_| kind == "new_case") {
        // What the payer asks back, and what their bank does; a request for information is no case.
        Some(case) => {
            let mut reading = Reading::new(Subject::Dispute, Chargeback, format!("{kind}/{case}"));
            reading.payment_id = node.text_at("txn_id");
            reading.operation_id = node.text_at("case_id");
            reading.code = node.text_at("reason_code");
            reading
        }
        None if kind == "masspay" => no_payment(Subject::Payout, kind.clone()),
        None => no_payment(Subject::Other, kind.clone()),
    };
    reading.event_id = node.first_of(&["ipn_track_id", "case_id"]);
    reading.merchant_id = node.text_at("receiver_id");
    reading.native_event = Some(kind);
    reading.occurred_at = node.first_of(&["case_creation_date", "payment_date"]).as_deref().and_then(pacific);
    Some(reading)
}

/// `20:12:59 Jan 13, 2009 PST`, or `PDT`; what its sandbox sends is `Sun May 24 2015 14:32:31 GMT-0700 (PDT)`.
fn pacific(text: &str) -> Option<DateTime<Utc>> {
    if let Some((said, _)) = text.split_once(" (") {
        let time = DateTime::parse_from_str(said, "%a %b %d %Y %H:%M:%S GMT%z").ok()?;
        return Some(time.to_utc());
    }
    let (time, zone) = text.rsplit_once(' ')?;
    let hours = match zone {
        "PST" => 8,
        "PDT" => 7,
        _ => return None,
    };
    let local = NaiveDateTime::parse_from_str(time, "%H:%M:%S %b %d, %Y").ok()?;
    Some((local + TimeDelta::hours(hours)).and_utc())
}

pub(super) fn soap(name: &str, body: &Node) -> Reading {
    let ack = body.text_at("Ack").unwrap_or_default();
    let error = body.at("Errors.0");
    let error = if error.is_null() { body.get("Errors") } else { error };
    let code = error.text_at("ErrorCode");
    let details =
        body.members().iter().find(|(member, _)| member.ends_with("Details")).map(|(_, details)| details);
    let info = details.map_or(&Node::Null, |details| details.at("PaymentInfo"));
    let mut reading = match ack.as_str() {
        "Failure" | "FailureWithWarning" => soap_failure(name, &ack, code.as_deref()),
        _ if code.as_deref() == Some("11610") => {
            Reading::new(Subject::Payment, Pending, format!("{ack}/11610"))
        }
        _ => soap_success(name, &ack, info),
    };
    reading.payment_id = info
        .text_at("TransactionID")
        .or_else(|| body.first_of(&["TransactionID", "AuthorizationID", "RefundTransactionID"]));
    reading.code = code;
    reading.message = error.first_of(&["LongMessage", "ShortMessage"]);
    reading.money = money(info, &["GrossAmount"], &["GrossAmount.@currencyID"], UNIT).or_else(|| {
        money(
            body,
            &["Amount", "GrossRefundAmount"],
            &["Amount.@currencyID", "GrossRefundAmount.@currencyID"],
            UNIT,
        )
    });
    reading.country = details.and_then(|details| country(details, &["PayerInfo.PayerCountry"]));
    reading.occurred_at = time(info, &["PaymentDate"]).or_else(|| time(body, &["Timestamp"]));
    reading
}

/// What was asked tells a refused card from a refused call: capturing and voiding ask nobody's bank.
fn soap_failure(name: &str, ack: &str, code: Option<&str>) -> Reading {
    let pays = ["DoDirectPayment", "DoExpressCheckoutPayment", "DoReferenceTransaction"];
    let is_payment = pays.iter().any(|call| name.starts_with(call));
    let word = code.map_or_else(|| ack.to_owned(), |code| format!("{ack}/{code}"));
    match code.map(|code| meaning(REASONS, code)) {
        Some(Some(reason)) if reason != Configuration => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, word) }
        }
        None if is_payment => Reading {
            reason: Some(FailureReason::Unexplained),
            ..Reading::new(Subject::Payment, Failed, word)
        },
        _ if code == Some("10001") => refused_call(word, ProviderError),
        _ => refused_call(word, Configuration),
    }
}

fn soap_success(name: &str, ack: &str, info: &Node) -> Reading {
    let word = format!("{name}/{ack}");
    if let Some(status) = info.text_at("PaymentStatus") {
        let mut reading = by_word(Subject::Payment, CLASSIC, &status);
        if reading.status == Pending && info.is("PendingReason", "authorization") {
            reading.status = Authorized;
            reading.native_status = format!("{status}/authorization");
        }
        return reading;
    }
    match name.trim_end_matches("Response") {
        "DoDirectPayment" | "DoCapture" => Reading::new(Subject::Payment, Approved, word),
        "DoAuthorization" | "DoReauthorization" => Reading::new(Subject::Payment, Authorized, word),
        "DoVoid" => Reading::new(Subject::Payment, Cancelled, word),
        "RefundTransaction" => Reading::new(Subject::Refund, Refunded, word),
        "MassPay" => no_payment(Subject::Payout, word),
        _ => no_payment(Subject::Other, word),
    }
}
