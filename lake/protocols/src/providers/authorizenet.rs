//! Authorize.net: XML and JSON answers (`createTransactionResponse`), and webhooks (`net.authorize.…`).
//!
//! An answer does not say what was asked. What names another transaction and has no authorization code of its own is a
//! refund; the rest is a payment, of which it is not said whether it was captured.
//!
//! Sources: its API reference, "Response reason codes", "Webhooks".

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::hmac::HMAC_SHA512;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, currency, meaning, money, no_payment, refused_call, time,
    },
    signature::{Written, is_hmac, unhex},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct AuthorizeNet;

/// `responseCode`.
const STATUSES: &Words<StatusCategory> = &[("1", Approved), ("2", Declined), ("3", Failed), ("4", Pending)];

/// Codes of reasons: of declines, and of errors that are the card's.
const REASONS: &Words<FailureReason> = &[
    ("2", BankDecline),
    ("3", BankDecline),
    ("4", Fraud),
    ("6", InvalidCard),
    ("7", InvalidCard),
    ("8", ExpiredCard),
    ("9", InvalidCard),
    ("10", InvalidCard),
    ("11", Duplicate),
    ("19", ProviderError),
    ("20", ProviderError),
    ("21", ProviderError),
    ("22", ProviderError),
    ("23", ProviderError),
    ("25", ProviderError),
    ("26", ProviderError),
    ("27", InvalidCard),
    ("37", InvalidCard),
    ("41", Fraud),
    ("44", InvalidCard),
    ("45", InvalidCard),
    ("65", InvalidCard),
    ("127", InvalidCard),
    ("141", Fraud),
    ("145", Fraud),
    ("165", InvalidCard),
    ("200", BankDecline),
    ("201", BankDecline),
    ("250", Fraud),
    ("251", Fraud),
    ("254", Fraud),
    ("315", InvalidCard),
    ("316", InvalidCard),
    ("317", ExpiredCard),
];

const EVENTS: &Words<(Subject, StatusCategory)> = &[
    ("authorization.created", (Subject::Payment, Authorized)),
    ("authcapture.created", (Subject::Payment, Approved)),
    ("capture.created", (Subject::Payment, Approved)),
    ("priorAuthCapture.created", (Subject::Payment, Approved)),
    ("void.created", (Subject::Payment, Cancelled)),
    ("refund.created", (Subject::Refund, Refunded)),
    ("fraud.held", (Subject::Payment, Pending)),
    ("fraud.approved", (Subject::Payment, Approved)),
    ("fraud.declined", (Subject::Payment, Declined)),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "an eventType of net.authorize",
        is_there: |node| node.text_at("eventType").is_some_and(|kind| kind.starts_with("net.authorize.")),
    },
    Mark {
        weight: 95,
        what: "createTransactionResponse",
        is_there: |node| node.has("createTransactionResponse"),
    },
    Mark {
        weight: 90,
        what: "a transaction with its status and when it was submitted",
        is_there: |node| {
            let node = detailed(node);
            node.has("transId") && node.has("transactionStatus") && node.has("submitTimeUTC")
        },
    },
    Mark {
        weight: 95,
        what: "the fields of a silent post",
        is_there: |node| {
            // Payeezy's page took the names over, and adds its own.
            const THEIRS: [&str; 4] =
                ["exact_ctr", "EXact_Resp_Code", "Bank_Resp_Code", "Transaction_Approved"];
            node.has("x_response_code")
                && node.has("x_trans_id")
                && node.has("x_type")
                && !node
                    .members()
                    .iter()
                    .any(|(name, _)| THEIRS.iter().any(|theirs| theirs.eq_ignore_ascii_case(name)))
        },
    },
    Mark {
        weight: 90,
        what: "an XML answer about a customer's profile or a subscription",
        is_there: |node| profile(node).is_some(),
    },
    Mark {
        weight: 75,
        what: "an error of the API in its form",
        is_there: |node| {
            node.members().len() <= 2
                && node.is("messages.resultCode", "Error")
                && node.text_at("messages.message.0.code").is_some_and(|code| code.starts_with("E00"))
        },
    },
    Mark {
        weight: 90,
        what: "transactionResponse with a responseCode and messages",
        is_there: |node| node.has("transactionResponse.responseCode") && node.has("messages.resultCode"),
    },
];

static ABOUT: About = About {
    name: "authorizenet",
    title: "Authorize.net",
    headers: &["x-anet-signature"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for AuthorizeNet {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// `sha512=<hex>`: the HMAC of the body ("Webhooks", verifying the notification). The key is written in hex: as it is written it
    /// signs webhooks that people have published, and as the bytes that it stands for by an article of its support.
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let header = signed.header("x-anet-signature")?;
        let (kind, said) = header.split_once('=').ok_or(Forged::Wrong)?;
        if !kind.eq_ignore_ascii_case("sha512") {
            return Err(Forged::Wrong);
        }
        let is_of = |key: &[u8]| is_hmac(HMAC_SHA512, key, &[signed.body], said, Written::Hex);
        is_of(secret.as_bytes()).or_else(|forged| unhex(secret).map_or(Err(forged), |key| is_of(&key)))
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let reading = match (record.text_at("eventType"), record.get("createTransactionResponse")) {
            (Some(event), _) => event_of(record, &event),
            (None, Node::Null) if detailed(record).has("transactionStatus") => {
                Some(details(detailed(record)))
            }
            (None, Node::Null) if record.has("x_response_code") => Some(posted(record)),
            (None, Node::Null) if profile(record).is_some() => {
                profile(record).and_then(|(name, inner)| of_profile(name, inner))
            }
            (None, Node::Null) => answer(record),
            (None, inner) => answer(inner),
        };
        reading.into_iter().collect()
    }
}

/// `createCustomerProfileTransactionResponse`, `ARBCreateSubscriptionResponse` …, and what stands in it.
fn profile(node: &Node) -> Option<(&str, &Node)> {
    let (name, inner) = node.members().first()?;
    let is_theirs = (name.contains("CustomerProfile")
        || name.contains("CustomerPaymentProfile")
        || name.starts_with("ARB"))
        && name.ends_with("Response")
        && inner.has("messages.resultCode");
    is_theirs.then_some((name.as_str(), inner))
}

/// Of a profile's transaction the answer stands in one text, parted by commas ("AIM guide", fields of the response): 1 the code,
/// 3 why, 4 in words, 7 the transaction, 8 the invoice, 10 the amount, 12 what was asked for.
fn of_profile(name: &str, node: &Node) -> Option<Reading> {
    let code = || node.first_of(&["messages.message.code", "messages.message.0.code"]);
    let Some(direct) = node.text_at("directResponse") else {
        let is_error = node.is("messages.resultCode", "Error");
        if is_error {
            return answer(node);
        }
        return Some(no_payment(Subject::Other, code().unwrap_or_else(|| name.to_owned())));
    };
    let fields: Vec<&str> = direct.split(',').map(str::trim).collect();
    let field =
        |number: usize| fields.get(number - 1).filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
    let kind = field(12).unwrap_or_default().to_ascii_lowercase();
    let known = meaning(STATUSES, fields.first()?).unwrap_or(Unknown);
    let (subject, status) = match (kind.as_str(), known) {
        // A card is asked whether it is one.
        _ if name.starts_with("validate") => (Subject::Other, NotAPayment),
        ("auth_only", Approved) => (Subject::Payment, Authorized),
        ("void", Approved) => (Subject::Payment, Cancelled),
        ("credit", Approved) => (Subject::Refund, Refunded),
        ("credit", _) => (Subject::Refund, Failed),
        (_, known) => (Subject::Payment, known),
    };
    let mut reading = Reading::new(subject, status, format!("{}/{kind}", fields.first()?));
    let why = field(3);
    because(&mut reading, REASONS, std::slice::from_ref(&why));
    if reading.status == Declined && reading.reason == Some(FailureReason::Unexplained) {
        reading.reason = Some(BankDecline);
    }
    let own = field(7).filter(|id| id != "0");
    match subject {
        Subject::Refund => reading.operation_id = own,
        _ => reading.payment_id = own,
    }
    reading.reference = field(8);
    reading.code = why.filter(|code| code != "1");
    reading.message = field(4);
    Some(reading)
}

fn event_of(node: &Node, event: &str) -> Option<Reading> {
    let payload = node.get("payload");
    let name = event.strip_prefix("net.authorize.")?;
    let mut reading = match name.strip_prefix("payment.").map(|name| meaning(EVENTS, name)) {
        Some(Some((subject, status))) => {
            let code = payload.text_at("responseCode");
            let answered = code.as_deref().map_or(Some(Approved), |code| meaning(STATUSES, code));
            let status = match answered {
                Some(Approved) => status,
                Some(other) => other,
                None => Unknown,
            };
            let word = code.map_or_else(|| event.to_owned(), |code| format!("{event}/{code}"));
            let mut reading = Reading::new(subject, status, word);
            because(&mut reading, REASONS, &[payload.text_at("responseReasonCode")]);
            if name.starts_with("payment.fraud") && reading.status == Declined {
                reading.reason = Some(Fraud);
            }
            reading
        }
        Some(None) => Reading::new(Subject::Payment, Unknown, event),
        None => no_payment(Subject::Other, event),
    };
    reading.event_id = node.text_at("notificationId");
    reading.native_event = Some(event.to_owned());
    // A refund is a transaction of its own, which does not say what it is of.
    match reading.subject {
        Subject::Refund => reading.operation_id = payload.text_at("id"),
        _ => reading.payment_id = payload.text_at("id"),
    }
    reading.reference = payload.first_of(&["merchantReferenceId", "invoiceNumber"]);
    reading.money = money(payload, &["authAmount", "settleAmount"], &["currencyCode", "currency"], UNIT);
    reading.occurred_at = time(node, &["eventDate"]);
    Some(reading)
}

/// The transaction in the answer to who asks for it.
fn detailed(node: &Node) -> &Node {
    match node.at("getTransactionDetailsResponse.transaction") {
        Node::Null => node.get("transaction"),
        inner => inner,
    }
}

/// How a transaction stands ("Transaction Details", transactionStatus).
const STANDS: &Words<StatusCategory> = &[
    ("authorizedPendingCapture", Authorized),
    ("capturedPendingSettlement", Approved),
    ("settledSuccessfully", Approved),
    ("communicationError", Failed),
    ("generalError", Failed),
    ("failedReview", Failed),
    ("settlementError", Failed),
    ("couldNotVoid", Approved),
    ("declined", Declined),
    ("expired", Expired),
    ("voided", Cancelled),
    ("underReview", Pending),
    ("FDSPendingReview", Pending),
    ("FDSAuthorizedPendingReview", Pending),
    ("approvedReview", Pending),
    ("returnedItem", Chargeback),
    ("chargeback", Chargeback),
    ("chargebackReversal", Approved),
];

fn details(node: &Node) -> Reading {
    let word = node.text_at("transactionStatus").unwrap_or_default();
    let is_refund = node.is("transactionType", "refundTransaction");
    let mut reading = match word.as_str() {
        "refundSettledSuccessfully" => Reading::new(Subject::Refund, Refunded, word),
        "refundPendingSettlement" => Reading::new(Subject::Refund, Pending, word),
        "returnedItem" | "chargeback" | "chargebackReversal" => by_word(Subject::Dispute, STANDS, &word),
        _ if is_refund => {
            let mut reading = by_word(Subject::Refund, STANDS, &word);
            if reading.status == Declined {
                reading.status = Failed;
            }
            reading
        }
        _ => by_word(Subject::Payment, STANDS, &word),
    };
    let code = node.text_at("responseReasonCode");
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    let own = node.text_at("transId");
    match reading.subject {
        Subject::Refund => {
            reading.payment_id = node.text_at("refTransId");
            reading.operation_id = own;
        }
        _ => reading.payment_id = own,
    }
    reading.reference = node.text_at("order.invoiceNumber");
    reading.code = code.filter(|code| code != "1");
    reading.message = node.text_at("responseReasonDescription");
    reading.card_brand = brand(node, &["payment.creditCard.cardType"]);
    reading.occurred_at = time(node, &["submitTimeUTC"]);
    reading
}

/// What is posted to a page of the merchant's ("Silent Post"): it names no currency.
fn posted(node: &Node) -> Reading {
    let response = node.text_at("x_response_code").unwrap_or_default();
    let kind = node.text_at("x_type").unwrap_or_default().to_ascii_lowercase();
    let known = meaning(STATUSES, &response).unwrap_or(Unknown);
    let (subject, status) = match (kind.as_str(), known) {
        ("auth_only", Approved) => (Subject::Payment, Authorized),
        ("void", Approved) => (Subject::Payment, Cancelled),
        ("credit", Approved) => (Subject::Refund, Refunded),
        ("credit", _) => (Subject::Refund, Failed),
        // What could not be done changes nothing.
        ("void" | "prior_auth_capture" | "capture_only", Declined | Failed) => (Subject::Request, Failed),
        (_, known) => (Subject::Payment, known),
    };
    let code = node.text_at("x_response_reason_code");
    let mut reading = Reading::new(subject, status, format!("{response}/{kind}"));
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.status == Declined && reading.reason == Some(FailureReason::Unexplained) {
        reading.reason = Some(BankDecline);
    }
    let own = node.text_at("x_trans_id").filter(|id| id != "0");
    reading.event_id = own.as_ref().map(|id| format!("{id}:{kind}:{response}"));
    match subject {
        Subject::Refund => reading.operation_id = own,
        _ => reading.payment_id = own,
    }
    reading.reference = node.text_at("x_invoice_num");
    reading.code = code.filter(|code| code != "1");
    reading.message = node.text_at("x_response_reason_text");
    reading.money = money(node, &["x_amount"], &["x_currency_code"], UNIT);
    reading.card_brand = brand(node, &["x_card_type"]);
    reading
}

fn answer(node: &Node) -> Option<Reading> {
    let transaction = node.get("transactionResponse");
    let outer = node.at("messages.message.0");
    let outer = if outer.is_null() { node.at("messages.message") } else { outer };
    let Some(response) = transaction.text_at("responseCode") else {
        let code = outer.text_at("code").filter(|_| node.is("messages.resultCode", "Error"))?;
        let reason = if code == "E00001" { ProviderError } else { Configuration };
        let mut reading = refused_call(code.clone(), reason);
        reading.code = Some(code);
        reading.message = outer.text_at("text");
        reading.reference = node.text_at("refId");
        return Some(reading);
    };
    let error = ["errors.error.0", "errors.error", "errors.0"]
        .iter()
        .map(|path| transaction.at(path))
        .find(|error| error.has("errorCode"));
    let code = error.and_then(|error| error.text_at("errorCode"));
    let is_original = |id: &str| transaction.text_at("transId").as_deref() == Some(id);
    let original = transaction.text_at("refTransID").filter(|id| !is_original(id));
    let has_no_authorization = !transaction.has("authCode")
        && !transaction.has("cvvResultCode")
        && !transaction.has("cavvResultCode");
    let mut reading = match response.as_str() {
        "1" if original.is_some() && !transaction.has("authCode")
            || has_no_authorization && transaction.has("accountType") && !transaction.has("refTransID") =>
        {
            Reading::new(Subject::Refund, Refunded, "1")
        }
        "3" => failed(code.as_deref()),
        _ => by_word(Subject::Payment, STATUSES, &response),
    };
    if reading.status == Declined && response == "2" {
        // A decline without an error may still say that the code of the card was wrong.
        because(&mut reading, REASONS, std::slice::from_ref(&code));
        let wrong_code = transaction.is("cvvResultCode", "N");
        if reading.reason == Some(FailureReason::Unexplained) {
            reading.reason = Some(if wrong_code { InvalidCard } else { BankDecline });
            if wrong_code {
                reading.native_status = "2/N".to_owned();
            }
        }
    }
    reading.payment_id = original.clone().or_else(|| transaction.text_at("transId").filter(|id| id != "0"));
    reading.operation_id = original.is_some().then(|| transaction.text_at("transId")).flatten();
    reading.reference = node.text_at("refId");
    reading.code = code;
    reading.message = error.and_then(|error| error.text_at("errorText")).or_else(|| outer.text_at("text"));
    reading.card_brand = brand(transaction, &["accountType"]);
    let fields = transaction.at("userFields.userField").items();
    let named = fields.iter().find(|field| field.is("name", "x_currency_code"));
    if let (Some(field), Some(amount)) = (named, transaction.text_at("amount"))
        && let Some(currency) = currency(field, &["value"])
    {
        reading.money = cauce_model::Money::parse(&amount, 0, currency).ok();
    }
    Some(reading)
}

/// An error is the card's, or the call's.
fn failed(code: Option<&str>) -> Reading {
    let word = code.map_or_else(|| "3".to_owned(), |code| format!("3/{code}"));
    match code.map(|code| meaning(REASONS, code)) {
        Some(Some(reason @ (ProviderError | NetworkError))) => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Failed, word) }
        }
        Some(Some(Duplicate)) => refused_call(word, Duplicate),
        Some(Some(reason)) => {
            Reading { reason: Some(reason), ..Reading::new(Subject::Payment, Declined, word) }
        }
        Some(None) => refused_call(word, Configuration),
        None => Reading {
            reason: Some(FailureReason::Unexplained),
            ..Reading::new(Subject::Payment, Failed, word)
        },
    }
}
