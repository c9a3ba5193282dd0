//! What is said about a payment: its subject, its status, why it failed, and money in minor units.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency as Iso;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{BadValue, RawId, names::names};

names! {
    /// What an event is about.
    Subject("event_type") {
        /// An intent, an order, a charge; its authorization, capture, or cancellation.
        Payment = "payment",
        /// Money that goes back to the payer.
        Refund = "refund",
        /// A chargeback, or what may become one.
        Dispute = "dispute",
        /// What payments are made for: an order, an invoice, a link. Its payments are told of by themselves.
        Order = "order",
        /// Money sent to a merchant's bank, or to others.
        Payout = "payout",
        /// A call that the provider refused or failed. No payment was changed by it.
        Request = "request",
        /// Anything else: customers, cards on file, subscriptions, reports.
        Other = "other",
    }
}

names! {
    /// What became of what an event is about. Of a refund or a dispute it is that of the refund or the dispute.
    StatusCategory("status_category") {
        /// Captured, paid, settled; a dispute that the merchant won.
        Approved = "APPROVED",
        /// Reserved on the payer's card, and not known to be captured.
        Authorized = "AUTHORIZED",
        /// Waits for the payer, the bank, a review, or for the result of what was asked.
        Pending = "PENDING",
        /// Refused by the bank, the card's network, or a risk rule.
        Declined = "DECLINED",
        /// Did not work for another reason.
        Failed = "FAILED",
        /// Given up before it was captured.
        Cancelled = "CANCELLED",
        /// Given up because nobody acted in time.
        Expired = "EXPIRED",
        /// All of it went back to the payer.
        Refunded = "REFUNDED",
        /// Some of it went back to the payer.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// Disputed, and not won by the merchant.
        Chargeback = "CHARGEBACK",
        /// The event is not about money that a payer pays.
        NotAPayment = "NOT_A_PAYMENT",
        /// The provider's word is one that nobody has explained to us.
        Unknown = "UNKNOWN",
        /// Not understood; kept until somebody does.
        Unprocessed = "UNPROCESSED",
    }
}

names! {
    /// Why something was declined, failed, or was cancelled.
    FailureReason("failure_reason") {
        /// Not enough money in the account.
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        /// The bank refused, and does not say more.
        BankDecline = "BANK_DECLINE",
        /// Somebody thinks that it is fraud; also lost and stolen cards.
        Fraud = "FRAUD",
        /// The card has expired, or its date is wrong.
        ExpiredCard = "EXPIRED_CARD",
        /// The card's number, code or account is wrong, or it is not active.
        InvalidCard = "INVALID_CARD",
        /// The payer did not prove who they are.
        AuthenticationFailed = "AUTHENTICATION_FAILED",
        /// Too much, or too often.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// The same was asked before.
        Duplicate = "DUPLICATE",
        /// Nobody answered in time.
        Timeout = "TIMEOUT",
        /// A connection between banks or networks failed.
        NetworkError = "NETWORK_ERROR",
        /// The provider, or whom it works with, failed.
        ProviderError = "PROVIDER_ERROR",
        /// The request is wrong, or the merchant's account does not allow it.
        Configuration = "CONFIGURATION",
        /// The payer gave up.
        CancelledByUser = "CANCELLED_BY_USER",
        /// Not said, or said in a word that nobody has explained to us.
        Unexplained = "UNKNOWN",
    }
}

names! {
    /// Who understood an event.
    NormalizationMethod("normalization_method") {
        /// The rules of its provider.
        RuleBased = "rule_based",
        /// A language model.
        Ai = "ai",
        /// Rules, and a model for what they left open.
        Hybrid = "hybrid",
        /// Nobody yet.
        None = "none",
    }
}

names! {
    /// What is known of an event's signature.
    SignatureState("signature") {
        /// It is the provider's.
        Verified = "verified",
        /// The provider signs, and this one was not signed, or there is no secret to verify it with.
        Absent = "absent",
        /// The provider does not sign, or it is no webhook.
        NotSigned = "not_signed",
    }
}

/// A currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(Iso);

impl Currency {
    /// Three capital letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits of its minor unit: 2 for USD, 0 for CLP, 3 for KWD. None for gold and the like.
    pub fn minor_unit(self) -> Option<u32> {
        self.0.exponent().map(u32::from)
    }
}

impl FromStr for Currency {
    type Err = BadValue;

    /// Reads a code in capital or small letters, or the three digits that some providers send.
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let found = match text.parse::<u16>() {
            Ok(number) if text.len() == 3 => Iso::from_numeric(number),
            _ => Iso::from_code(&text.to_ascii_uppercase()),
        };
        found.map(Self).ok_or_else(|| BadValue::new("currency", text, "is no currency of ISO 4217"))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in the minor unit that ISO 4217 gives its currency, whatever unit the provider uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Cents, centavos; whole pesos of Chile. Negative where the provider says so.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Reads a number of `10^-digits` units of the currency: 2 for a provider's cents, 0 for whole units and decimals.
    /// Refuses what is no number, and what the currency's minor unit can't say without rounding.
    pub fn parse(text: &str, digits: u32, currency: Currency) -> Result<Self, BadValue> {
        let bad = |reason: &'static str| BadValue::new("amount", text, reason);
        let number = Decimal::from_str_exact(text.trim()).map_err(|_| bad("is not a decimal number"))?;
        let unit = currency.minor_unit().ok_or_else(|| bad("is of a currency without a minor unit"))?;
        let number = number.normalize();
        let shift = i64::from(unit) - i64::from(digits) - i64::from(number.scale());
        let power = |digits: i64| u32::try_from(digits).ok().and_then(|digits| 10_i128.checked_pow(digits));
        let minor = if shift >= 0 {
            power(shift).and_then(|power| number.mantissa().checked_mul(power))
        } else {
            // Cents of a currency that has none are fine as long as they are .00.
            power(-shift)
                .filter(|power| number.mantissa() % power == 0)
                .map(|power| number.mantissa() / power)
        };
        let minor = minor.ok_or_else(|| bad("is no whole number of the currency's minor unit"))?;
        let minor = i64::try_from(minor).map_err(|_| bad("is too large"))?;
        Ok(Self { minor, currency })
    }
}

/// What the rules of a provider say of one event. Texts are the provider's own, not masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it is about.
    pub subject: Subject,
    /// What became of that.
    pub status: StatusCategory,
    /// Why, where it went wrong.
    pub reason: Option<FailureReason>,
    /// The words that decided the status, as the provider writes them.
    pub native_status: String,
    /// The provider's name for the kind of event.
    pub native_event: Option<String>,
    /// The provider's id of the event itself, where it gives one: the same event sent twice has the same.
    pub event_id: Option<String>,
    /// The provider's id of the payment.
    pub payment_id: Option<String>,
    /// Other ids of the same payment, by which other events of it go: of the authorization that a capture is of, of an
    /// intent's charge.
    pub other_payment_ids: Vec<String>,
    /// The provider's id of the refund, capture or dispute.
    pub operation_id: Option<String>,
    /// The merchant's own reference.
    pub reference: Option<String>,
    /// The merchant's id at the provider.
    pub merchant_id: Option<String>,
    /// The merchant's name.
    pub merchant_name: Option<String>,
    /// Country of the payment or the payer, two capital letters.
    pub country: Option<String>,
    /// Code of the failure or the answer.
    pub code: Option<String>,
    /// The provider's words for people.
    pub message: Option<String>,
    /// `card`, `pix`, `oxxo` …, as the provider names it.
    pub payment_method: Option<String>,
    /// `visa` …, in small letters.
    pub card_brand: Option<String>,
    /// The amount of what the event is about.
    pub money: Option<Money>,
    /// The payment's totals, as far as the event states them.
    pub totals: Totals,
    /// When it happened, as the provider says.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// Totals of a payment, in minor units of the event's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Authorized.
    pub authorized: Option<i64>,
    /// Captured.
    pub captured: Option<i64>,
    /// Refunded.
    pub refunded: Option<i64>,
    /// Disputed.
    pub disputed: Option<i64>,
}

impl Reading {
    /// Of which only this is known.
    pub fn new(subject: Subject, status: StatusCategory, native_status: impl Into<String>) -> Self {
        Self {
            subject,
            status,
            reason: None,
            native_status: native_status.into(),
            native_event: None,
            event_id: None,
            payment_id: None,
            other_payment_ids: Vec::new(),
            operation_id: None,
            reference: None,
            merchant_id: None,
            merchant_name: None,
            country: None,
            code: None,
            message: None,
            payment_method: None,
            card_brand: None,
            money: None,
            totals: Totals::default(),
            occurred_at: None,
        }
    }

    /// Takes ids that the payment goes by besides its own.
    pub fn is_also(&mut self, ids: impl IntoIterator<Item = Option<String>>) {
        for id in ids.into_iter().flatten() {
            let is_new = self.payment_id.as_ref() != Some(&id) && !self.other_payment_ids.contains(&id);
            // A comma parts them where they are written down.
            if is_new && !id.is_empty() && !id.contains(',') {
                self.other_payment_ids.push(id);
            }
        }
    }
}

/// Identity of an event: the record in the raw object that it came in. A UUID (of version 8) that a replay makes again.
///
/// It begins with the day of the raw object and a hash of its name, so that an event is looked for in the files of one day, and
/// there among the neighbours that came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

impl EventId {
    /// Bytes of the day, counted since 1970, and of the raw object; the rest is of the record.
    const DAY: usize = 2;
    const OBJECT: usize = 4;

    /// The id of the event `record` in line `raw_pos` of `raw`.
    pub fn derive(raw: &RawId, raw_pos: i32, record: i32) -> Self {
        let raw_name = raw.to_string();
        let days = (raw.date() - NaiveDate::default()).num_days();
        let days = u16::try_from(days.max(0)).unwrap_or(u16::MAX);
        let object = blake3::hash(raw_name.as_bytes());
        let record = blake3::hash(format!("{raw_name}#{raw_pos}#{record}").as_bytes());
        let mut bytes = [0; 16];
        let (day, rest) = bytes.split_at_mut(Self::DAY);
        let (of_object, of_record) = rest.split_at_mut(Self::OBJECT);
        day.copy_from_slice(&days.to_be_bytes());
        of_object.copy_from_slice(&object.as_bytes()[..Self::OBJECT]);
        of_record.copy_from_slice(&record.as_bytes()[..of_record.len()]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The day of the raw object: the partition of the event's row.
    pub fn date(&self) -> NaiveDate {
        let [first, second, ..] = *self.0.as_bytes();
        NaiveDate::default() + TimeDelta::days(u16::from_be_bytes([first, second]).into())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventId {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        Uuid::parse_str(text).map(Self).map_err(|_| BadValue::new("id", text, "is not the id of an event"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str, digits: u32, currency: &str) -> Option<i64> {
        Money::parse(text, digits, currency.parse().unwrap()).ok().map(|money| money.minor)
    }

    #[test]
    fn whatever_unit_a_provider_uses_it_is_the_minor_unit_of_iso_4217() {
        for (text, digits, currency, minor) in [
            ("10.00", 0, "USD", Some(1_000)),
            ("1000", 2, "usd", Some(1_000)),
            ("10", 0, "840", Some(1_000)),
            ("1990", 0, "CLP", Some(1_990)),
            ("1990.00", 0, "CLP", Some(1_990)),
            ("1990.50", 0, "CLP", None),
            ("199000", 2, "CLP", Some(1_990)),
            ("1.234", 0, "KWD", Some(1_234)),
            ("-5", 2, "EUR", Some(-5)),
            ("10.001", 0, "USD", None),
            ("9999999999999999999999", 2, "USD", None),
            ("1,00", 0, "USD", None),
            ("", 0, "USD", None),
            ("1", 0, "XAU", None),
        ] {
            assert_eq!(money(text, digits, currency), minor, "{text} {currency}");
        }
        assert!("US".parse::<Currency>().is_err() && "ZZZ".parse::<Currency>().is_err());
    }

    #[test]
    fn an_event_s_id_says_its_day_and_neighbours_have_one_beginning() {
        let raw = |text: &str| text.parse::<RawId>().unwrap();
        let first = raw("stripe/file/2026-03-01/10/a.json-0123456789abcdef");
        let ids = [0, 1, 9_999].map(|record| EventId::derive(&first, 0, record));
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        assert!(ids.iter().all(|id| id.date() == day && id.to_string()[..13] == ids[0].to_string()[..13]));
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] == ids[0].to_string().parse().unwrap());
        let others = [(first.clone(), 1), (raw("stripe/file/2026-03-01/10/b.json-0123456789abcdef"), 0)];
        assert!(others.iter().all(|(raw, pos)| !ids.contains(&EventId::derive(raw, *pos, 0))));
    }

    proptest! {
        #[test]
        fn minor_units_come_back(minor in any::<i32>(), digits in 0u32..5) {
            let text = Decimal::new(i64::from(minor), 2).to_string();
            prop_assert_eq!(money(&text, 0, "MXN"), Some(i64::from(minor)));
            let _ = money(&text, digits, "JPY");
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".*", digits in 0u32..30) {
            let _ = money(&text, digits, "KWD");
            let _ = text.parse::<Currency>();
            let _ = text.parse::<EventId>();
        }
    }
}
