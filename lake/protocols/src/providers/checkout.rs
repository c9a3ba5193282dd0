//! Checkout.com: webhooks (`type`, `data`), payments and actions as its API answers them, errors.
//!
//! Sources: "Webhook events", "Response codes", the reference of payments; currencies with their own units.

use cauce_model::{
    Currency,
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};

use ring::hmac::HMAC_SHA256;

use super::{
    About, Forged, Mark, Provider, Signed,
    reading::{
        Unit, Words, because, brand, by_word, country, meaning, money, money_in, no_payment, refused_call,
        time,
    },
    signature::{Written, is_hmac},
    words::ISO_8583,
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct Checkout;

const STATUSES: &Words<StatusCategory> = &[
    ("Authorized", Authorized),
    ("Pending", Pending),
    ("Card Verified", NotAPayment),
    ("Captured", Approved),
    ("Partially Captured", Approved),
    ("Deferred Capture", Approved),
    ("Paid", Approved),
    ("Declined", Declined),
    ("Expired", Expired),
    ("Canceled", Cancelled),
    ("Voided", Cancelled),
    ("Refunded", Refunded),
    ("Partially Refunded", PartiallyRefunded),
    ("Deferred Refund", Pending),
    ("Retry Scheduled", Pending),
    // Of a context: the payer has consented.
    ("Approved", Pending),
];

const EVENTS: &Words<(Subject, StatusCategory)> = &[
    ("payment_approved", (Subject::Payment, Authorized)),
    ("payment_pending", (Subject::Payment, Pending)),
    ("payment_authentication_failed", (Subject::Payment, Declined)),
    ("payment_declined", (Subject::Payment, Declined)),
    ("payment_expired", (Subject::Payment, Expired)),
    ("payment_canceled", (Subject::Payment, Cancelled)),
    ("payment_voided", (Subject::Payment, Cancelled)),
    ("payment_void_declined", (Subject::Payment, Authorized)),
    ("payment_authorization_incremented", (Subject::Payment, Authorized)),
    // What was authorized before is so still.
    ("payment_authorization_increment_declined", (Subject::Payment, Authorized)),
    ("payment_captured", (Subject::Payment, Approved)),
    ("payment_capture_pending", (Subject::Payment, Pending)),
    ("payment_capture_declined", (Subject::Payment, Failed)),
    ("payment_retry_scheduled", (Subject::Payment, Pending)),
    ("payment_compliance_review", (Subject::Payment, Pending)),
    ("payment_refunded", (Subject::Refund, Refunded)),
    ("payment_refund_pending", (Subject::Refund, Pending)),
    ("payment_refund_declined", (Subject::Refund, Failed)),
    ("dispute_received", (Subject::Dispute, Chargeback)),
    ("dispute_evidence_required", (Subject::Dispute, Chargeback)),
    ("dispute_evidence_submitted", (Subject::Dispute, Chargeback)),
    ("dispute_evidence_acknowledged_by_scheme", (Subject::Dispute, Chargeback)),
    ("dispute_arbitration_sent_to_scheme", (Subject::Dispute, Chargeback)),
    ("dispute_accepted", (Subject::Dispute, Chargeback)),
    ("dispute_arbitration_lost", (Subject::Dispute, Chargeback)),
    ("dispute_expired", (Subject::Dispute, Chargeback)),
    ("dispute_lost", (Subject::Dispute, Chargeback)),
    ("dispute_arbitration_won", (Subject::Dispute, Approved)),
    ("dispute_canceled", (Subject::Dispute, Approved)),
    ("dispute_resolved", (Subject::Dispute, Approved)),
    ("dispute_won", (Subject::Dispute, Approved)),
];

/// Codes that are none of ISO 8583, and codes of errors.
const REASONS: &Words<FailureReason> = &[
    ("20017", CancelledByUser),
    ("20020", ProviderError),
    ("20039", InvalidCard),
    ("20052", InvalidCard),
    ("20053", InvalidCard),
    ("20083", InvalidCard),
    ("20087", InvalidCard),
    ("20099", ProviderError),
    ("20100", InvalidCard),
    ("20101", InvalidCard),
    ("20102", Configuration),
    ("20103", BankDecline),
    ("20104", BankDecline),
    ("20105", BankDecline),
    ("20106", Configuration),
    ("20107", Configuration),
    ("20124", InvalidCard),
    ("20150", AuthenticationFailed),
    ("20151", AuthenticationFailed),
    ("20152", AuthenticationFailed),
    ("20153", AuthenticationFailed),
    ("20154", AuthenticationFailed),
    ("20155", AuthenticationFailed),
    ("20157", Configuration),
    ("20158", Configuration),
    ("20159", AuthenticationFailed),
    ("20179", InvalidCard),
    ("20182", BankDecline),
    ("20183", Fraud),
    ("2005C", BankDecline),
    ("200P1", LimitExceeded),
    ("200P9", LimitExceeded),
    ("200R1", BankDecline),
    ("200R3", BankDecline),
    ("30004", Fraud),
    ("30007", Fraud),
    ("30015", InvalidCard),
    ("30017", BankDecline),
    ("30020", Configuration),
    ("30021", LimitExceeded),
    ("30022", LimitExceeded),
    ("30033", ExpiredCard),
    ("30034", Fraud),
    ("30036", InvalidCard),
    ("30038", LimitExceeded),
    ("30041", Fraud),
    ("30043", Fraud),
    ("30046", InvalidCard),
    ("40101", Fraud),
    // Lists of what its customers block.
    ("40201", Fraud),
    ("40202", Fraud),
    ("40203", Fraud),
    ("40204", Fraud),
    ("40205", Fraud),
    ("card_expired", ExpiredCard),
    ("card_number_invalid", InvalidCard),
    ("cvv_invalid", InvalidCard),
    ("card_disabled", InvalidCard),
    ("duplicate_payment", Duplicate),
    ("amount_limit_exceeds", LimitExceeded),
    ("processing_error", ProviderError),
];

/// Digits of its minor unit, where it is not that of ISO 4217: Chile's peso is sent in hundredths.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        "BIF" | "DJF" | "GNF" | "ISK" | "KMF" | "XAF" | "CLF" | "XPF" | "JPY" | "PYG" | "RWF" | "KRW"
        | "VUV" | "VND" | "XOF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

const UNIT: Unit = Unit::Own(digits);

fn is_payment(node: &Node) -> bool {
    node.text_at("id").is_some_and(|id| id.starts_with("pay_"))
}

const MARKS: &[Mark] = &[
    Mark {
        weight: 90,
        what: "an event whose data has a payment's or dispute's id",
        is_there: |node| {
            node.has("type")
                && node.has("created_on")
                && (node.text_at("id").is_some_and(|id| id.starts_with("evt_"))
                    || is_payment(node.get("data")))
        },
    },
    Mark {
        weight: 60,
        what: "an id that begins with pay_, with response_code or links",
        is_there: |node| {
            is_payment(node)
                && (node.has("response_code") || node.has("_links.self") || node.has("action_id"))
        },
    },
    Mark {
        weight: 30,
        what: "links of checkout.com",
        is_there: |node| node.text_at("_links.self.href").is_some_and(|href| href.contains("checkout.com/")),
    },
    Mark {
        weight: 65,
        what: "an action_id that begins with act_",
        is_there: |node| node.text_at("action_id").is_some_and(|id| id.starts_with("act_")),
    },
    Mark {
        weight: 80,
        what: "error_type with error_codes",
        is_there: |node| node.has("error_type") && node.has("error_codes") && node.has("request_id"),
    },
];

static ABOUT: About = About {
    name: "checkout",
    title: "Checkout.com",
    headers: &["cko-signature"],
    signs: true,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for Checkout {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    /// The HMAC of the body in hex ("Verify webhook signatures").
    fn verify(&self, signed: &Signed<'_>, secret: &str) -> Result<(), Forged> {
        let said = signed.header("cko-signature")?;
        is_hmac(HMAC_SHA256, secret.as_bytes(), &[signed.body], said, Written::Hex)
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let reading = match record.text_at("type").filter(|_| record.has("data")) {
            Some(event) => event_of(record, event),
            None => answer(record),
        };
        reading.into_iter().collect()
    }
}

fn event_of(node: &Node, event: String) -> Option<Reading> {
    let data = node.get("data");
    let mut reading = match meaning(EVENTS, &event) {
        Some((subject, status)) => Reading::new(subject, status, event.clone()),
        None if event.starts_with("card_") => no_payment(Subject::Other, event.clone()),
        None if event == "payment_paid" || event == "payment_returned" => {
            no_payment(Subject::Payout, event.clone())
        }
        None if event.starts_with("payment_instrument_") || event.starts_with("payment_link_") => {
            no_payment(Subject::Other, event.clone())
        }
        None if event.starts_with("payment_") => Reading::new(Subject::Payment, Unknown, event.clone()),
        None if event.starts_with("dispute_") => Reading::new(Subject::Dispute, Unknown, event.clone()),
        None => no_payment(Subject::Other, event.clone()),
    };
    declined(&mut reading, data);
    if event == "payment_authentication_failed" {
        reading.reason = Some(AuthenticationFailed);
    }
    details(&mut reading, data);
    if reading.subject == Subject::Dispute {
        reading.operation_id = data.text_at("id");
        reading.payment_id = data.text_at("payment_id");
        reading.code = data.first_of(&["reason_code", "category"]);
    }
    reading.event_id = node.text_at("id");
    reading.occurred_at = time(node, &["created_on"]);
    reading.native_event = Some(event);
    Some(reading)
}

fn answer(node: &Node) -> Option<Reading> {
    if let Some(kind) = node.text_at("error_type") {
        let code = node.text_at("error_codes.0");
        let reason = code.as_deref().and_then(|code| meaning(REASONS, code)).unwrap_or(Configuration);
        let word = code.as_ref().map_or_else(|| kind.clone(), |code| format!("{kind}/{code}"));
        let mut reading = refused_call(word, reason);
        reading.code = code;
        return Some(reading);
    }
    let status = node.text_at("status");
    let code = node.text_at("response_code");
    let mut reading = match (&status, &code) {
        // Money sent to a card.
        (Some(status), _) if node.has("instruction") => no_payment(Subject::Payout, status),
        (Some(status), _) if status == "Card Verified" => no_payment(Subject::Other, status),
        (Some(status), _) => by_word(Subject::Payment, STATUSES, status),
        (None, Some(code)) if code.starts_with("10") => Reading::new(Subject::Payment, Authorized, code),
        (None, Some(code)) if code.starts_with(['2', '3', '4']) => {
            Reading::new(Subject::Payment, Declined, code)
        }
        // An action was accepted. Which, only the question says.
        (None, None) if node.has("action_id") && !node.has("amount") => {
            Reading::new(Subject::Payment, Pending, "action_id")
        }
        (None, _) if is_payment(node) => Reading::new(Subject::Payment, Unknown, ""),
        (None, _) => return None,
    };
    declined(&mut reading, node);
    details(&mut reading, node);
    // An action names its payment by its address.
    let named = || node.text_at("_links.payment.href")?.rsplit('/').next().map(str::to_owned);
    reading.payment_id = reading.payment_id.or_else(|| named().filter(|id| id.starts_with("pay_")));
    Some(reading)
}

/// Why it was declined: a code of its own, or 20 and the code of ISO 8583.
fn declined(reading: &mut Reading, node: &Node) {
    let code = node.first_of(&["response_code", "response_summary_code"]);
    let network = code.as_deref().and_then(|code| code.strip_prefix("200")).map(str::to_owned);
    because(reading, REASONS, std::slice::from_ref(&code));
    if reading.reason == Some(FailureReason::Unexplained) {
        because(reading, ISO_8583, &[network]);
    }
    reading.code = code;
    reading.message = node.text_at("response_summary");
}

fn details(reading: &mut Reading, node: &Node) {
    let request = if node.has("payment_request.amount") { node.get("payment_request") } else { node };
    reading.payment_id = node.first_of(&["id", "payment_id"]).filter(|_| !node.has("payment_request"));
    reading.operation_id = node.text_at("action_id");
    reading.reference = node.text_at("reference");
    reading.money = money(request, &["amount"], &["currency"], UNIT);
    if let Some(currency) = reading.money.map(|money| money.currency) {
        let total = |path: &str| money_in(node, &[path], currency, UNIT).map(|money| money.minor);
        reading.totals.authorized = total("balances.total_authorized");
        reading.totals.captured = total("balances.total_captured");
        reading.totals.refunded = total("balances.total_refunded");
        if matches!(reading.status, Refunded | PartiallyRefunded) && reading.subject == Subject::Payment {
            reading.money = money_in(node, &["balances.total_refunded"], currency, UNIT).or(reading.money);
        }
    }
    reading.payment_method = request.first_of(&["source.type"]);
    reading.card_brand = brand(node, &["source.scheme"]);
    reading.country = country(node, &["source.billing_address.country", "source.issuer_country"]);
    reading.occurred_at = time(node, &["processed_on", "requested_on"]);
}
