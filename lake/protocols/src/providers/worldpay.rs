//! Worldpay: the XML of its corporate gateway (`paymentService`, replies and notifications), and the JSON of Access Worldpay.
//!
//! Every amount of the XML says its exponent, which is believed. A refusal by an exemption's result is a soft decline: the
//! bank wants the payer to prove who they are.
//!
//! Sources: "Payment statuses", "Response codes", "Error codes" of the gateway's guide; events of Access Worldpay.

use cauce_model::{
    Currency,
    FailureReason::{self, *},
    Money, Reading,
    StatusCategory::{self, *},
    Subject,
};
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    About, Mark, Provider,
    reading::{Unit, Words, because, brand, country, meaning, money, no_payment, refused_call, time},
    words::ISO_8583,
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Worldpay;

/// `lastEvent`, and what happened to refunds and disputes.
const EVENTS: &Words<(Subject, StatusCategory)> = &[
    ("AUTHORISED", (Subject::Payment, Authorized)),
    ("AUTHORIZED", (Subject::Payment, Authorized)),
    ("CAPTURED", (Subject::Payment, Approved)),
    ("SETTLED", (Subject::Payment, Approved)),
    ("SETTLED_BY_MERCHANT", (Subject::Payment, Approved)),
    ("REFUSED", (Subject::Payment, Declined)),
    ("REFUSED_BY_BANK", (Subject::Payment, Declined)),
    ("CANCELLED", (Subject::Payment, Cancelled)),
    ("EXPIRED", (Subject::Payment, Expired)),
    ("ERROR", (Subject::Payment, Failed)),
    ("SENT_FOR_AUTHORISATION", (Subject::Payment, Pending)),
    ("SHOPPER_REDIRECTED", (Subject::Payment, Pending)),
    ("SENT_FOR_REFUND", (Subject::Refund, Pending)),
    ("REFUNDED", (Subject::Refund, Refunded)),
    ("REFUNDED_BY_MERCHANT", (Subject::Refund, Refunded)),
    ("SENT_FOR_FAST_REFUND", (Subject::Refund, Pending)),
    ("REFUND_FAILED", (Subject::Refund, Failed)),
    ("CAPTURE_FAILED", (Subject::Payment, Failed)),
    ("REFUND_EXPIRED", (Subject::Refund, Expired)),
    ("REFUND_REVERSED", (Subject::Refund, Failed)),
    ("CHARGED_BACK", (Subject::Dispute, Chargeback)),
    ("CHARGEBACK_REVERSED", (Subject::Dispute, Approved)),
    ("INFORMATION_REQUESTED", (Subject::Dispute, Pending)),
    ("INFORMATION_SUPPLIED", (Subject::Dispute, Pending)),
    // Access Worldpay.
    ("sentForAuthorization", (Subject::Payment, Pending)),
    ("authorized", (Subject::Payment, Authorized)),
    ("sentForSettlement", (Subject::Payment, Approved)),
    ("settled", (Subject::Payment, Approved)),
    ("settlementFailed", (Subject::Payment, Failed)),
    ("3dsChallenged", (Subject::Payment, Pending)),
    ("3dsDeviceDataRequired", (Subject::Payment, Pending)),
    ("3dsAuthenticationFailed", (Subject::Payment, Declined)),
    ("3dsUnavailable", (Subject::Payment, Declined)),
    ("fraudHighRisk", (Subject::Payment, Declined)),
    ("refused", (Subject::Payment, Declined)),
    ("sentForCancellation", (Subject::Payment, Pending)),
    ("cancelled", (Subject::Payment, Cancelled)),
    ("expired", (Subject::Payment, Expired)),
    ("error", (Subject::Payment, Failed)),
    ("sentForRefund", (Subject::Refund, Pending)),
    ("refunded", (Subject::Refund, Refunded)),
    ("refundFailed", (Subject::Refund, Failed)),
    ("disputeOpened", (Subject::Dispute, Chargeback)),
    ("disputeWon", (Subject::Dispute, Approved)),
    ("disputeLost", (Subject::Dispute, Chargeback)),
    ("chargedBack", (Subject::Dispute, Chargeback)),
    ("chargebackReversed", (Subject::Dispute, Approved)),
    ("tokenCreated", (Subject::Other, NotAPayment)),
    ("tokenUpdated", (Subject::Other, NotAPayment)),
    ("tokenDeleted", (Subject::Other, NotAPayment)),
];

/// The same, for the documentation.
const STATUSES: &Words<StatusCategory> = &[
    ("AUTHORISED", Authorized),
    ("CAPTURED", Approved),
    ("SETTLED", Approved),
    ("REFUSED", Declined),
    ("CANCELLED", Cancelled),
    ("EXPIRED", Expired),
    ("ERROR", Failed),
    ("SENT_FOR_AUTHORISATION", Pending),
    ("SENT_FOR_REFUND", Pending),
    ("REFUNDED", Refunded),
    ("REFUND_FAILED", Failed),
    ("CHARGED_BACK", Chargeback),
    ("INFORMATION_REQUESTED", Pending),
    ("sentForSettlement", Approved),
    ("3dsChallenged", Pending),
    ("fraudHighRisk", Declined),
];

/// What its gateway means by some codes of ISO 8583, and codes of its own ("Response codes").
const CODES: &Words<FailureReason> = &[
    ("17", CancelledByUser),
    ("20", ProviderError),
    ("38", InvalidCard),
    ("75", InvalidCard),
    ("76", InvalidCard),
    ("85", BankDecline),
    ("97", Fraud),
    ("972", BankDecline),
    ("973", BankDecline),
    ("975", BankDecline),
];

/// Codes of errors of the gateway.
const CALLS: &Words<FailureReason> = &[
    ("1", ProviderError),
    ("2", Configuration),
    ("3", Configuration),
    ("4", Configuration),
    ("5", Configuration),
    ("6", Configuration),
    ("7", InvalidCard),
];

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "an XML paymentService",
        is_there: |node| {
            node.has("paymentService.@merchantCode")
                || node.has("paymentService.reply")
                || node.has("paymentService.notify")
        },
    },
    Mark {
        weight: 90,
        what: "an event with eventDetails",
        is_there: |node| node.has("eventDetails.type") && node.has("eventId") && node.has("eventTimestamp"),
    },
    Mark {
        weight: 80,
        what: "an outcome with links of access.worldpay.com, or why it was refused",
        is_there: |node| {
            let refused = node.has("refusalCode")
                && node.has("refusalDescription")
                && node.has("paymentInstrument.type");
            node.has("outcome") && refused
                || node.has("outcome")
                    && node.get("_links").members().iter().any(|(_, link)| {
                        link.text_at("href").is_some_and(|href| href.contains("worldpay.com"))
                    })
        },
    },
];

static ABOUT: About = About {
    name: "worldpay",
    title: "Worldpay",
    headers: &[],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: ISO_8583,
};

impl Provider for Worldpay {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let reading = match record.get("paymentService") {
            Node::Null => access(record),
            service => gateway(service),
        };
        reading.into_iter().collect()
    }
}

fn gateway(service: &Node) -> Option<Reading> {
    let mut reading = match (service.get("reply"), service.get("notify")) {
        (Node::Null, Node::Null) => return None,
        (Node::Null, notify) => order(notify.get("orderStatusEvent")),
        (reply, _) => match reply.get("error") {
            Node::Null => reply_of(reply)?,
            error => refused(error),
        },
    };
    reading.merchant_id = service.text_at("@merchantCode");
    // The order's code is the merchant's own.
    if let (Some(merchant), Some(id)) = (&reading.merchant_id, &mut reading.event_id) {
        *id = format!("{merchant}:{id}");
    }
    Some(reading)
}

fn reply_of(reply: &Node) -> Option<Reading> {
    for (path, subject) in [
        ("ok.captureReceived", Subject::Payment),
        ("ok.cancelReceived", Subject::Payment),
        ("ok.voidReceived", Subject::Payment),
        ("ok.refundReceived", Subject::Refund),
    ] {
        let received = reply.at(path);
        if !received.is_null() {
            let mut reading = Reading::new(subject, Pending, path.trim_start_matches("ok."));
            reading.payment_id = received.text_at("@orderCode");
            reading.reference.clone_from(&reading.payment_id);
            reading.money = amount(received.get("amount"));
            return Some(reading);
        }
    }
    // A token that is kept, or thrown away, is no payment.
    let token = reply.get("ok").members().iter().find(|(name, _)| name.contains("Token"));
    if let Some((name, _)) = token {
        return Some(no_payment(Subject::Other, name.clone()));
    }
    let status = reply.get("orderStatus");
    match status.get("error") {
        _ if status.is_null() => None,
        Node::Null => Some(order(status)),
        error => Some(Reading { payment_id: status.text_at("@orderCode"), ..refused(error) }),
    }
}

fn refused(error: &Node) -> Reading {
    let code = error.text_at("@code");
    let message = error.text().map(|text| text.into_owned());
    let said = message.as_deref().unwrap_or_default().to_ascii_lowercase();
    let reason = match () {
        () if said.contains("duplicate order") => Duplicate,
        // What the payer's bank said of who they are can't be read.
        () if said.contains("pares") => AuthenticationFailed,
        () if said.contains("card number") || said.contains("payment details") => InvalidCard,
        () => code.as_deref().and_then(|code| meaning(CALLS, code)).unwrap_or(ProviderError),
    };
    let mut reading = refused_call(code.clone().unwrap_or_else(|| "error".to_owned()), reason);
    reading.code = code;
    reading.message = message;
    reading
}

/// An amount with its exponent.
fn amount(amount: &Node) -> Option<Money> {
    let currency: Currency = amount.text_at("@currencyCode")?.parse().ok()?;
    let digits = amount.text_at("@exponent")?.parse().ok()?;
    Money::parse(&amount.text_at("@value")?, digits, currency).ok()
}

fn order(status: &Node) -> Reading {
    let payment = status.at("payment.0");
    let payment = if payment.is_null() { status.get("payment") } else { payment };
    let mut reading = match payment.text_at("lastEvent") {
        Some(word) => {
            let (subject, known) = meaning(EVENTS, &word).unwrap_or((Subject::Payment, Unknown));
            Reading::new(subject, known, word)
        }
        // The payer is sent to prove who they are, or to a page.
        None if status.has("challengeRequired") => {
            Reading::new(Subject::Payment, Pending, "challengeRequired")
        }
        None if status.has("requestInfo") => Reading::new(Subject::Payment, Pending, "requestInfo"),
        None if status.has("reference") => Reading::new(Subject::Payment, Pending, "reference"),
        None => Reading::new(Subject::Payment, Unknown, ""),
    };
    reading.payment_id = status.text_at("@orderCode");
    reading.reference.clone_from(&reading.payment_id);
    let journal = match status.get("journal") {
        Node::List(journals) => journals.last().unwrap_or(&Node::Null),
        journal => journal,
    };
    reading.money = match reading.subject {
        // The refund's own amount stands beside the payment, whose amount is the payment's.
        Subject::Refund => {
            amount(status.at("orderModification.refund.amount")).or_else(|| amount(booked(journal)))
        }
        _ => amount(payment.get("amount")),
    };
    let code = ["IssuerResponseCode", "ISO8583ReturnCode"].iter().find_map(|name| {
        payment.get(name).text_at("@code").zip(Some(payment.get(name).text_at("@description")))
    });
    if reading.status == Declined {
        refusal(&mut reading, status, code);
    } else if reading.status == Failed {
        reading.reason = Some(ProviderError);
    }
    reading.occurred_at = date(status.get("date"));
    // No id of the event is given: its order, what happened, to how much of it, and when; a day and a batch where it was booked.
    let amount = reading.money.map(|money| money.minor.to_string()).unwrap_or_default();
    let day =
        ["year", "month", "dayOfMonth"].map(|part| journal.text_at(&format!("bookingDate.date.@{part}")));
    let booked = day.into_iter().chain([journal.first_of(&["accountTx.@batchId", "accountTx.0.@batchId"])]);
    let booked = booked.flatten().collect::<Vec<_>>().join("-");
    let at = reading.occurred_at.map_or(booked, |at| at.timestamp().to_string());
    let named = journal.text_at("journalReference.@reference").filter(|_| reading.subject == Subject::Refund);
    let which = named.clone().map(|name| format!(":{name}")).unwrap_or_default();
    reading.event_id =
        reading.payment_id.as_ref().map(|id| format!("{id}:{}:{amount}:{at}{which}", reading.native_status));
    // Nor of a refund, where whoever asked for it gave it no name: several of an order add up, and one that fails is told by
    // its amount. Two of one amount are one.
    if reading.subject == Subject::Refund {
        let which = named.unwrap_or(amount);
        reading.operation_id = reading.payment_id.as_ref().map(|id| format!("{id}:{which}"));
    }
    reading.payment_method = payment.first_of(&["paymentMethod", "paymentMethodDetail.card.@type"]);
    reading.card_brand = card(reading.payment_method.as_deref());
    reading.country = country(payment, &["issuerCountryCode", "cardHolder.address.countryCode"]);
    reading
}

/// The amount that was booked.
fn booked(journal: &Node) -> &Node {
    match journal.get("accountTx") {
        Node::List(moves) => moves.first().unwrap_or(&Node::Null).get("amount"),
        moved => moved.get("amount"),
    }
}

/// Why a bank refused.
fn code_means(reading: &mut Reading, code: &str) {
    let padded = format!("{code:0>2}");
    match meaning(CODES, &padded) {
        Some(reason) => reading.reason = Some(reason),
        None => because(reading, ISO_8583, &[Some(padded)]),
    }
}

fn refusal(reading: &mut Reading, status: &Node, code: Option<(String, Option<String>)>) {
    if let Some((code, description)) = code {
        code_means(reading, &code);
        reading.native_status = format!("REFUSED/{code}");
        reading.code = Some(code);
        reading.message = description;
        return;
    }
    reading.reason = Some(BankDecline);
    let result = status.text_at("exemptionResponse.@result").filter(|result| result != "HONOURED");
    if let Some(result) = result {
        reading.reason = Some(AuthenticationFailed);
        reading.native_status = format!("REFUSED/{result}");
        reading.code = Some(result);
        reading.message = status.text_at("exemptionResponse.@reason");
    }
}

/// `VISA_CREDIT-SSL` …: the brand in it.
fn card(method: Option<&str>) -> Option<String> {
    let name = method?.strip_suffix("-SSL")?;
    let name = name.split('_').next()?;
    let one = Node::Map(vec![(
        "brand".to_owned(),
        Node::Text(if name == "ECMC" { "mc" } else { name }.to_owned()),
    )]);
    brand(&one, &["brand"])
}

/// `<date dayOfMonth month year hour minute second/>`, in UTC as the guide has it.
fn date(date: &Node) -> Option<DateTime<Utc>> {
    let part = |name: &str| date.text_at(name)?.parse::<u32>().ok();
    let day =
        NaiveDate::from_ymd_opt(i32::try_from(part("@year")?).ok()?, part("@month")?, part("@dayOfMonth")?)?;
    Some(day.and_hms_opt(part("@hour")?, part("@minute")?, part("@second")?)?.and_utc())
}

fn access(node: &Node) -> Option<Reading> {
    let details = node.get("eventDetails");
    let word = details.text_at("type").or_else(|| node.text_at("outcome"))?;
    let (subject, known) = meaning(EVENTS, &word).unwrap_or((Subject::Payment, Unknown));
    let mut reading = Reading::new(subject, known, word.clone());
    let code = node.first_of(&["refusalCode", "eventDetails.refusalCode"]);
    match &code {
        Some(code) if reading.status == Declined => code_means(&mut reading, code),
        _ => because(&mut reading, ISO_8583, &[]),
    }
    match word.as_str() {
        "fraudHighRisk" => reading.reason = Some(Fraud),
        "3dsAuthenticationFailed" | "3dsUnavailable" => reading.reason = Some(AuthenticationFailed),
        _ => {}
    }
    reading.event_id = node.text_at("eventId");
    reading.native_event = details.text_at("type");
    reading.payment_id =
        node.first_of(&["eventDetails.transactionReference", "transactionReference", "paymentId"]);
    reading.reference.clone_from(&reading.payment_id);
    reading.code = code;
    reading.message = node.first_of(&["refusalDescription", "eventDetails.refusalDescription"]);
    reading.money =
        money(details, &["amount.value", "amount"], &["amount.currencyCode", "amount.currency"], Unit::Minor);
    reading.payment_method = node.first_of(&["paymentInstrument.type"]);
    reading.card_brand = brand(node, &["paymentInstrument.card.brand", "paymentInstrument.cardBrand"]);
    reading.occurred_at = time(node, &["eventTimestamp"]);
    Some(reading)
}
