//! PayU Latin America: answers of its payment API, and the confirmation that it posts as form fields.
//!
//! Sources: its reference ("Response codes and variables", "Confirmation page", "Transaction states"). Times of a
//! confirmation are in Colombia's zone, as documented. PayU of India and of Europe speak otherwise.

use cauce_model::{
    FailureReason::{self, *},
    Reading,
    StatusCategory::{self, *},
    Subject,
};
use chrono::FixedOffset;

use super::{
    About, Mark, Provider,
    reading::{Unit, Words, because, brand, by_word, country, meaning, money, refused_call, time, time_in},
};
use crate::document::Node;

#[derive(Debug)]
pub(super) struct PayU;

/// `state` of an answer, and `state_pol` of a confirmation.
const STATUSES: &Words<StatusCategory> = &[
    ("APPROVED", Approved),
    ("4", Approved),
    ("DECLINED", Declined),
    ("6", Declined),
    ("PENDING", Pending),
    ("7", Pending),
    ("SUBMITTED", Pending),
    ("EXPIRED", Expired),
    ("5", Expired),
    ("ERROR", Failed),
    ("104", Failed),
];

/// `responseCode`, and `response_message_pol`.
const REASONS: &Words<FailureReason> = &[
    ("INSUFFICIENT_FUNDS", InsufficientFunds),
    ("ENTITY_DECLINED", BankDecline),
    ("PAYMENT_NETWORK_REJECTED", BankDecline),
    ("CONTACT_THE_ENTITY", BankDecline),
    ("BANK_ACCOUNT_ACTIVATION_ERROR", BankDecline),
    ("BANK_ACCOUNT_NOT_AUTHORIZED_FOR_AUTOMATIC_DEBIT", BankDecline),
    ("INVALID_TRANSACTION", Configuration),
    ("ANTIFRAUD_REJECTED", Fraud),
    ("BANK_FRAUD_REJECTED", Fraud),
    ("DIGITAL_CERTIFICATE_NOT_FOUND", Configuration),
    ("CREDIT_CARD_NOT_AUTHORIZED_FOR_INTERNET_TRANSACTIONS", BankDecline),
    ("EXPIRED_CARD", ExpiredCard),
    ("INVALID_EXPIRATION_DATE_OR_SECURITY_CODE", InvalidCard),
    ("INVALID_CARD", InvalidCard),
    ("RESTRICTED_CARD", InvalidCard),
    ("INVALID_RESPONSE_PARTIAL_APPROVAL", ProviderError),
    ("EXCEEDED_AMOUNT", LimitExceeded),
    ("REPEAT_TRANSACTION", ProviderError),
    ("DUPLICATE_TRANSACTION", Duplicate),
    ("PAYMENT_NETWORK_NO_CONNECTION", NetworkError),
    ("PAYMENT_NETWORK_NO_RESPONSE", Timeout),
    ("PAYMENT_NETWORK_BAD_RESPONSE", ProviderError),
    ("INTERNAL_PAYMENT_PROVIDER_ERROR", ProviderError),
    ("INACTIVE_PAYMENT_PROVIDER", Configuration),
    ("BANK_UNREACHABLE", NetworkError),
    ("ERROR", ProviderError),
    ("ERROR_CONVERTING_TRANSACTION_AMOUNTS", ProviderError),
    ("ERROR_FIXING_INCONSISTENCY", ProviderError),
    ("NOT_ACCEPTED_TRANSACTION", BankDecline),
    ("ABANDONED_TRANSACTION", CancelledByUser),
    ("CANCELLED_TRANSACTION_MERCHANT", Configuration),
    ("AUTOMATICALLY_FIXED_AND_SUCCESS_REVERSAL", ProviderError),
    ("AUTOMATICALLY_FIXED_AND_UNSUCCESS_REVERSAL", ProviderError),
];

const UNIT: Unit = Unit::Major;

const MARKS: &[Mark] = &[
    Mark {
        weight: 80,
        what: "transactionResponse with a state",
        is_there: |node| node.has("transactionResponse.state") && node.has("code"),
    },
    Mark {
        weight: 80,
        what: "an order in the answer to a question",
        is_there: |node| {
            let is_order = |order: &Node| {
                order.has("transactions.0.transactionResponse.state") && order.has("referenceCode")
            };
            is_order(node.at("result.payload"))
                || is_order(node.get("payload"))
                || node.at("result.payload").items().first().is_some_and(is_order)
        },
    },
    Mark {
        weight: 75,
        what: "how a transaction stands, in the answer to a question",
        is_there: |node| {
            node.has("result.payload.state") && node.has("result.payload.paymentNetworkResponseCode")
        },
    },
    Mark {
        weight: 90,
        what: "the fields of a page to which the payer comes back",
        is_there: |node| node.has("transactionState") && node.has("reference_pol") && node.has("TX_VALUE"),
    },
    Mark {
        weight: 90,
        what: "the fields of a confirmation",
        is_there: |node| node.has("state_pol") && node.has("reference_sale"),
    },
    Mark {
        weight: 65,
        what: "an error beside the transaction that there is not",
        is_there: |node| {
            let names: Vec<&str> = node.members().iter().map(|(name, _)| name.as_str()).collect();
            names == ["code", "error", "transactionResponse"] && node.is("code", "ERROR")
        },
    },
    Mark { weight: 80, what: "an XML paymentResponse", is_there: |node| node.has("paymentResponse.code") },
];

static ABOUT: About = About {
    name: "payu",
    title: "PayU Latin America",
    headers: &[],
    signs: false,
    marks: MARKS,
    statuses: STATUSES,
    reasons: REASONS,
};

impl Provider for PayU {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read(&self, record: &Node) -> Vec<Reading> {
        let record = if record.has("paymentResponse") { record.get("paymentResponse") } else { record };
        let reading = if record.has("state_pol") {
            confirmation(record)
        } else if record.has("transactionState") && record.has("reference_pol") {
            came_back(record)
        } else if let Node::List(orders) = record.at("result.payload") {
            return orders.iter().filter_map(asked).collect();
        } else if record.has("result.payload.transactions") {
            asked(record.at("result.payload"))
        } else if record.has("payload.transactions") {
            asked(record.get("payload"))
        } else if record.has("result.payload.state") {
            // Neither its order nor its kind is said.
            let found = record.at("result.payload");
            found.text_at("state").map(|state| answered("", &state, found))
        } else {
            answer(record)
        };
        reading.into_iter().collect()
    }
}

fn answer(node: &Node) -> Option<Reading> {
    let transaction = node.get("transactionResponse");
    let Some(state) = transaction.text_at("state") else {
        let code = node.text_at("code").filter(|code| code == "ERROR")?;
        let mut reading = refused_call(code, Configuration);
        reading.message = node.text_at("error");
        return Some(reading);
    };
    // Only the answer to a refund has no transaction of its own yet.
    let kind = match transaction.text_at("additionalInfo.transactionType") {
        Some(kind) => kind,
        None if transaction.has("transactionId") => String::new(),
        None => "REFUND".to_owned(),
    };
    let mut reading = answered(&kind, &state, transaction);
    reading.payment_id = transaction.text_at("orderId");
    reading.operation_id = transaction.text_at("transactionId");
    reading.money = money(
        transaction,
        &["additionalInfo.transactionAmount", "transactionAmount"],
        &["additionalInfo.currency", "currency"],
        UNIT,
    );
    Some(reading)
}

/// What a transaction of a kind is about, and how it stands.
fn went(kind: &str, known: StatusCategory) -> (Subject, StatusCategory) {
    match (kind, known) {
        ("AUTHORIZATION", Approved) => (Subject::Payment, Authorized),
        ("VOID", Approved) => (Subject::Payment, Cancelled),
        ("REFUND" | "PARTIAL_REFUND", Approved) => (Subject::Refund, Refunded),
        ("REFUND" | "PARTIAL_REFUND", Declined) => (Subject::Refund, Failed),
        ("REFUND" | "PARTIAL_REFUND", other) => (Subject::Refund, other),
        ("CHARGEBACK", _) => (Subject::Dispute, Chargeback),
        (_, known) => (Subject::Payment, known),
    }
}

/// What the answer to a transaction says, where it stands in whatever it is in.
fn answered(kind: &str, state: &str, response: &Node) -> Reading {
    let code = response.first_of(&["responseCode", "pendingReason"]);
    let (subject, status) = went(kind, meaning(STATUSES, state).unwrap_or(Unknown));
    let said = code.as_ref().filter(|code| *code != state);
    let word = said.map_or_else(|| state.to_owned(), |code| format!("{state}/{code}"));
    let mut reading = Reading::new(subject, status, word);
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    reading.code = code;
    reading.message =
        response.first_of(&["responseMessage", "paymentNetworkResponseErrorMessage", "errorCode"]);
    reading.occurred_at = time(response, &["operationDate"]);
    reading
}

/// What the payer's browser brings to the shop. It says what the confirmation says, and anybody can write it.
fn came_back(node: &Node) -> Option<Reading> {
    let mut reading = by_word(Subject::Payment, STATUSES, &node.text_at("transactionState")?);
    let code = node.text_at("lapResponseCode");
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.reason == Some(CancelledByUser) {
        reading.status = Cancelled;
    }
    if let Some(code) = &code {
        reading.native_status = format!("{}/{code}", reading.native_status);
    }
    reading.payment_id = node.text_at("reference_pol");
    reading.operation_id = node.text_at("transactionId");
    reading.reference = node.text_at("referenceCode");
    reading.merchant_id = node.text_at("merchantId");
    reading.code = code;
    reading.message = node.text_at("message");
    reading.money = money(node, &["TX_VALUE"], &["currency"], UNIT);
    reading.payment_method = node.first_of(&["lapPaymentMethod", "lapPaymentMethodType"]);
    Some(reading)
}

/// An order as it was asked for: its last transaction says how it stands.
fn asked(order: &Node) -> Option<Reading> {
    let transaction = order.get("transactions").items().last()?;
    let response = transaction.get("transactionResponse");
    let state = response.text_at("state")?;
    let kind = transaction.text_at("type").unwrap_or_default();
    let mut reading = answered(&kind, &state, response);
    reading.payment_id = order.text_at("id");
    reading.operation_id = transaction.text_at("id");
    reading.reference = order.text_at("referenceCode");
    let value = |node: &Node| {
        money(node, &["additionalValues.TX_VALUE.value"], &["additionalValues.TX_VALUE.currency"], UNIT)
    };
    reading.money = value(transaction).or_else(|| value(order));
    reading.payment_method = transaction.text_at("paymentMethod");
    reading.card_brand = brand(transaction, &["paymentMethod"]);
    reading.country = country(transaction, &["paymentCountry"]);
    Some(reading)
}

fn confirmation(node: &Node) -> Option<Reading> {
    let mut reading = by_word(Subject::Payment, STATUSES, &node.text_at("state_pol")?);
    let code = node.text_at("response_message_pol");
    because(&mut reading, REASONS, std::slice::from_ref(&code));
    if reading.reason == Some(CancelledByUser) {
        reading.status = Cancelled;
    }
    if let Some(code) = &code {
        reading.native_status = format!("{}/{code}", reading.native_status);
    }
    reading.event_id = node.text_at("transaction_id").map(|id| format!("{id}:{}", reading.native_status));
    reading.payment_id = node.text_at("reference_pol");
    reading.operation_id = node.text_at("transaction_id");
    reading.reference = node.text_at("reference_sale");
    reading.merchant_id = node.text_at("merchant_id");
    reading.code = code.or_else(|| node.text_at("response_code_pol"));
    reading.message = node.text_at("error_message_bank");
    reading.money = money(node, &["value"], &["currency"], UNIT);
    reading.payment_method = node.first_of(&["payment_method_name", "payment_method_type"]);
    reading.card_brand = brand(node, &["franchise"]);
    reading.country = country(node, &["billing_country"]);
    let colombia = FixedOffset::west_opt(5 * 3_600)?;
    reading.occurred_at = time_in(node, &["transaction_date", "date"], colombia);
    Some(reading)
}
