//! CyberSource: SOAP answers (`replyMessage`), and the JSON of its REST API and webhooks.
//!
//! `decision` and `reasonCode` of the whole decide, not those of a service. 475 rejects a call until the payer has proved who
//! they are; nothing is declined by it.
//!
//! Sources: "Reason codes" of the Simple Order API; status and `errorInformation.reason` of the REST reference.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use super::{
    About, Mark, Provider,
    reading::{
        Unit, Words, because, brand, by_word, country, meaning, money, no_payment, refused_call, time,
    },
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct CyberSource;

/// `status` of the REST API.
const STATUSES: &Words<StatusCategory> = &[
    ("AUTHORIZED", Authorized),
    ("PARTIAL_AUTHORIZED", Authorized),
    ("AUTHORIZED_RISK_DECLINED", Declined),
    ("TRANSMITTED", Approved),
    ("COMPLETED", Approved),
    ("SETTLED", Approved),
    ("PENDING", Pending),
    ("PENDING_AUTHENTICATION", Pending),
    ("PENDING_REVIEW", Pending),
    ("AUTHORIZED_PENDING_REVIEW", Pending),
    ("DECLINED", Declined),
    ("AUTHENTICATION_FAILED", Declined),
    ("REVERSED", Cancelled),
    ("VOIDED", Cancelled),
    ("CANCELLED", Cancelled),
    ("INVALID_REQUEST", Failed),
    ("SERVER_ERROR", Failed),
];

/// `reasonCode`, and `errorInformation.reason`.
const REASONS: &Words<FailureReason> = &[
    ("150", ProviderError),
    ("151", Timeout),
    ("152", Timeout),
    ("200", InvalidCard),
    ("201", BankDecline),
    ("202", ExpiredCard),
    ("203", BankDecline),
    ("204", InsufficientFunds),
    ("205", Fraud),
    ("207", NetworkError),
    ("208", InvalidCard),
    ("209", InvalidCard),
    ("210", LimitExceeded),
    ("211", InvalidCard),
    ("221", Fraud),
    ("222", InvalidCard),
    ("230", InvalidCard),
    ("231", InvalidCard),
    ("232", Configuration),
    ("233", BankDecline),
    ("236", ProviderError),
    ("240", InvalidCard),
    ("250", Timeout),
    ("476", AuthenticationFailed),
    ("478", AuthenticationFailed),
    ("481", Fraud),
    ("INSUFFICIENT_FUND", InsufficientFunds),
    ("EXPIRED_CARD", ExpiredCard),
    ("PROCESSOR_DECLINED", BankDecline),
    ("GENERAL_DECLINE", BankDecline),
    ("BOARD_DECLINED", BankDecline),
    ("STOLEN_LOST_CARD", Fraud),
    ("BLACKLISTED_CUSTOMER", Fraud),
    ("SUSPENDED_ACCOUNT", InvalidCard),
    ("ISSUER_UNAVAILABLE", NetworkError),
    ("UNAUTHORIZED_CARD", InvalidCard),
    ("CVN_NOT_MATCH", InvalidCard),
    ("CV_FAILED", InvalidCard),
    ("AVS_FAILED", InvalidCard),
    ("EXCEEDS_CREDIT_LIMIT", LimitExceeded),
    ("INVALID_CVN", InvalidCard),
    ("INVALID_ACCOUNT", InvalidCard),
    ("DECISION_PROFILE_REJECT", Fraud),
    ("SCORE_EXCEEDS_THRESHOLD", Fraud),
    ("CONSUMER_AUTHENTICATION_FAILED", AuthenticationFailed),
    ("CUSTOMER_AUTHENTICATION_REQUIRED", AuthenticationFailed),
    ("PROCESSOR_ERROR", ProviderError),
    ("SYSTEM_ERROR", ProviderError),
    ("SERVER_TIMEOUT", Timeout),
    ("SERVICE_TIMEOUT", Timeout),
    ("DUPLICATE_REQUEST", Duplicate),
    ("INVALID_DATA", Configuration),
    ("MISSING_FIELD", Configuration),
];

const UNIT: Unit = Unit::Major;

fn soap(node: &Node) -> &Node {
    match node.at("Envelope.Body.replyMessage") {
        Node::Null => node.get("replyMessage"),
        reply => reply,
    }
}

const MARKS: &[Mark] = &[
    Mark {
        weight: 95,
        what: "a replyMessage with decision and reasonCode",
        is_there: |node| soap(node).has("decision") && soap(node).has("reasonCode"),
    },
    Mark {
        weight: 95,
        what: "the signed fields of a page for paying",
        is_there: |node| {
            node.has("decision")
                && node.has("reason_code")
                && node.has("signed_field_names")
                && node.has("req_transaction_type")
        },
    },
    Mark {
        weight: 85,
        what: "submitTimeUtc and clientReferenceInformation",
        // Its keys are told of in the same words.
        is_there: |node| node.has("submitTimeUtc") && node.has("status") && !node.has("keyInformation"),
    },
    Mark {
        weight: 90,
        what: "a webhook with eventType and a webhook's id",
        is_there: |node| node.has("webhookId") && node.has("payload.data") && node.has("organizationId"),
    },
];

static ABOUT: About = About {
    name: "cybersource",
    title: "CyberSource",
    headers: &["v-c-signature"],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for CyberSource {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let reply = soap(record);
        let reading = if record.has("req_transaction_type") {
            page(record)
        } else if !reply.is_null() {
            answer(record, reply)
        } else if record.has("payload.data") {
            rest(record.at("payload.data")).map(|mut reading| {
                reading.event_id = record.first_of(&["transactionTraceId", "notificationId"]);
                reading.native_event = record.text_at("eventType");
                reading.merchant_id = record.text_at("organizationId");
                reading.occurred_at = time(record, &["eventDate"]).or(reading.occurred_at);
                reading
            })
        } else {
            rest(record)
        };
        reading.into_iter().collect()
    }
}

fn answer(record: &Node, reply: &Node) -> Option<Reading> {
    let (decision, code) = (reply.text_at("decision")?, reply.text_at("reasonCode").unwrap_or_default());
    let word = format!("{decision}/{code}");
    let has = |name: &str| reply.has(name);
    let subject = if has("ccCreditReply") { Subject::Refund } else { Subject::Payment };
    let mut reading = match decision.as_str() {
        "ACCEPT" => {
            let status = match () {
                () if has("ccCreditReply") => Refunded,
                () if has("voidReply") || has("ccAuthReversalReply") => Cancelled,
                () if has("ccCaptureReply") => Approved,
                () if has("ccAuthReply") || has("ccIncrementalAuthReply") => Authorized,
                () => return Some(no_payment(Subject::Other, word)),
            };
            Reading::new(subject, status, word)
        }
        "REVIEW" => Reading::new(subject, Pending, word),
        // The payer has to prove who they are first.
        "REJECT" if code == "475" => Reading::new(subject, Pending, word),
        "REJECT" | "ERROR" => refusal(subject, &code, word),
        _ => Reading::new(subject, Unknown, word),
    };
    // A credit is a request of its own, which does not say what it is of.
    match reading.subject {
        Subject::Refund => reading.operation_id = reply.text_at("requestID"),
        _ => reading.payment_id = reply.text_at("requestID"),
    }
    reading.reference = reply.text_at("merchantReferenceCode");
    reading.code = Some(code);
    let amounts = [
        "ccCreditReply.amount",
        "voidReply.amount",
        "ccCaptureReply.amount",
        "ccAuthReply.amount",
        "ccIncrementalAuthReply.amount",
    ];
    reading.money = money(reply, &amounts, &["purchaseTotals.currency", "voidReply.currency"], UNIT);
    reading.card_brand = card(reply.text_at("card.cardType"));
    let minor = reading.money.map(|money| money.minor);
    reading.totals.captured = minor.filter(|_| reading.status == Approved);
    reading.totals.authorized = minor.filter(|_| matches!(reading.status, Approved | Authorized));
    reading.occurred_at = time(
        reply,
        &[
            "ccCreditReply.requestDateTime",
            "voidReply.requestDateTime",
            "ccAuthReply.authorizedDateTime",
            "ccCaptureReply.requestDateTime",
        ],
    )
    .or_else(|| time(record, &["Envelope.Header.Security.Timestamp.Created"]));
    Some(reading)
}

/// What its page for paying sends back, in form fields ("Secure Acceptance", reply fields).
fn page(node: &Node) -> Option<Reading> {
    let (decision, code) = (node.text_at("decision")?, node.text_at("reason_code").unwrap_or_default());
    let word = format!("{decision}/{code}");
    let kind = node.text_at("req_transaction_type").unwrap_or_default();
    let (is_sale, is_authorization) = (kind.contains("sale"), kind.contains("authorization"));
    // A card was to be kept, and nothing paid.
    if !is_sale && !is_authorization {
        return Some(no_payment(Subject::Other, word));
    }
    let mut reading = match decision.as_str() {
        "ACCEPT" if is_sale => Reading::new(Subject::Payment, Approved, word),
        "ACCEPT" => Reading::new(Subject::Payment, Authorized, word),
        "REVIEW" => Reading::new(Subject::Payment, Pending, word),
        "DECLINE" | "ERROR" => refusal(Subject::Payment, &code, word),
        "CANCEL" => {
            Reading { reason: Some(CancelledByUser), ..Reading::new(Subject::Payment, Cancelled, word) }
        }
        _ => Reading::new(Subject::Payment, Unknown, word),
    };
    reading.payment_id = node.text_at("transaction_id");
    reading.event_id = reading.payment_id.as_ref().map(|id| format!("{id}:{decision}"));
    reading.reference = node.text_at("req_reference_number");
    reading.code = Some(code);
    reading.message = node.text_at("message");
    reading.money = money(node, &["auth_amount", "req_amount"], &["req_currency"], UNIT);
    reading.card_brand = card(node.text_at("req_card_type"));
    reading.payment_method = node.text_at("req_payment_method");
    reading.country = country(node, &["req_bill_to_address_country"]);
    reading.occurred_at = time(node, &["signed_date_time"]);
    Some(reading)
}

fn refusal(subject: Subject, code: &str, word: String) -> Reading {
    match meaning(REASONS, code) {
        Some(reason @ (ProviderError | Timeout | NetworkError)) => {
            Reading { reason: Some(reason), ..Reading::new(subject, Failed, word) }
        }
        Some(Configuration) => refused_call(word, Configuration),
        Some(reason) => {
            let status = if subject == Subject::Refund { Failed } else { Declined };
            Reading { reason: Some(reason), ..Reading::new(subject, status, word) }
        }
        None if code == "104" => refused_call(word, Duplicate),
        // 101, 102 and the like: fields that lack or are wrong.
        None if code.starts_with('1') => refused_call(word, Configuration),
        None if code.starts_with('2') => {
            Reading { reason: Some(FailureReason::Unexplained), ..Reading::new(subject, Declined, word) }
        }
        None => Reading::new(subject, Unknown, word),
    }
}

fn card(code: Option<String>) -> Option<String> {
    const TYPES: &Words<&str> = &[
        ("001", "visa"),
        ("002", "mastercard"),
        ("003", "amex"),
        ("004", "discover"),
        ("005", "diners"),
        ("007", "jcb"),
        ("042", "maestro"),
        ("054", "elo"),
    ];
    Some(meaning(TYPES, &code?)?.to_owned())
}

fn rest(node: &Node) -> Option<Reading> {
    let status = node.text_at("status")?;
    let place = node.text_at("_links.self.href").unwrap_or_default();
    let is_refund = ["/credits/", "/refunds/"].iter().any(|part| place.contains(part))
        || node.has("refundAmountDetails")
        || node.has("creditAmountDetails");
    let is_capture = place.contains("/captures/");
    let mut reading = by_word(if is_refund { Subject::Refund } else { Subject::Payment }, STATUSES, &status);
    let reason = node.first_of(&["errorInformation.reason", "reason"]);
    match status.as_str() {
        "INVALID_REQUEST" => reading = refused_call(status, Configuration),
        "SERVER_ERROR" => reading = refused_call(status, ProviderError),
        _ => because(&mut reading, REASONS, std::slice::from_ref(&reason)),
    }
    match (reading.subject, reading.status) {
        (Subject::Refund, Approved) => reading.status = Refunded,
        (Subject::Refund, Declined) => reading.status = Failed,
        (Subject::Payment, Pending) if is_capture => reading.status = Approved,
        _ => {}
    }
    match reading.subject {
        Subject::Refund => reading.operation_id = node.text_at("id"),
        _ => reading.payment_id = node.text_at("id"),
    }
    reading.reference = node.text_at("clientReferenceInformation.code");
    reading.code = reason;
    reading.message = node.text_at("errorInformation.message");
    reading.money = money(
        node,
        &["creditAmountDetails.creditAmount", "refundAmountDetails.refundAmount"],
        &["creditAmountDetails.currency", "refundAmountDetails.currency"],
        UNIT,
    )
    .or_else(|| {
        money(
            node,
            &[
                "orderInformation.amountDetails.authorizedAmount",
                "orderInformation.amountDetails.totalAmount",
                "voidAmountDetails.voidAmount",
                "reversalAmountDetails.reversedAmount",
            ],
            &[
                "orderInformation.amountDetails.currency",
                "voidAmountDetails.currency",
                "reversalAmountDetails.currency",
            ],
            UNIT,
        )
    });
    reading.card_brand =
        card(node.first_of(&["paymentInformation.card.type", "paymentAccountInformation.card.type"]))
            .or_else(|| brand(node, &["paymentInformation.card.brandName"]));
    reading.occurred_at = time(node, &["submitTimeUtc"]);
    Some(reading)
}
