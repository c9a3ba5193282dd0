//! What readers share: looking up words, and reading money, times and ids out of a tree.

use cauce_model::{Currency, FailureReason, Money, Reading, StatusCategory, Subject};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};

use crate::document::Node;

/// A provider's words and ours.
pub(super) type Words<T> = [(&'static str, T)];

/// What a word means, in capital or small letters.
pub(super) fn meaning<T: Copy>(words: &Words<T>, word: &str) -> Option<T> {
    words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
}

/// A reading of `subject` whose status `word` says. A word that is not in the table is unknown, and never guessed at.
pub(super) fn by_word(subject: Subject, words: &Words<StatusCategory>, word: &str) -> Reading {
    Reading::new(subject, meaning(words, word).unwrap_or(StatusCategory::Unknown), word)
}

/// Something that is no payment.
pub(super) fn no_payment(subject: Subject, word: impl Into<String>) -> Reading {
    Reading::new(subject, StatusCategory::NotAPayment, word)
}

/// A call that failed and changed no payment.
pub(super) fn refused_call(word: impl Into<String>, reason: FailureReason) -> Reading {
    Reading { reason: Some(reason), ..Reading::new(Subject::Request, StatusCategory::Failed, word) }
}

/// Sets why something went wrong, where it did: by the first of the codes that says more than that it did, else unknown.
pub(super) fn because(reading: &mut Reading, words: &Words<FailureReason>, codes: &[Option<String>]) {
    if !matches!(reading.status, StatusCategory::Declined | StatusCategory::Failed) {
        return;
    }
    let known = || codes.iter().flatten().filter_map(|code| meaning(words, code));
    let specific = known().find(|reason| *reason != FailureReason::BankDecline);
    reading.reason = Some(specific.or_else(|| known().next()).unwrap_or(FailureReason::Unexplained));
}

/// The unit of a provider's amounts.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Whole units, with decimals.
    Major,
    /// The minor unit of ISO 4217.
    Minor,
    /// Units of `10^-n`, by the provider's own list.
    Own(fn(Currency) -> u32),
}

/// The amount at the first of `amounts` where there is one, in the currency at the first of `currencies`.
pub(super) fn money(node: &Node, amounts: &[&str], currencies: &[&str], unit: Unit) -> Option<Money> {
    money_in(node, amounts, currency(node, currencies)?, unit)
}

/// The same, in a currency that is known.
pub(super) fn money_in(node: &Node, amounts: &[&str], currency: Currency, unit: Unit) -> Option<Money> {
    let digits = match unit {
        Unit::Major => 0,
        Unit::Minor => currency.minor_unit()?,
        Unit::Own(digits) => digits(currency),
    };
    let amount = node.first_of(amounts)?;
    // Cents with a point in them are somebody else's writing of it, and a hundred times off.
    if !matches!(unit, Unit::Major) && amount.contains('.') {
        return None;
    }
    Money::parse(&amount, digits, currency).ok()
}

/// The first of `paths` where there is a currency.
pub(super) fn currency(node: &Node, paths: &[&str]) -> Option<Currency> {
    paths.iter().find_map(|path| node.at(path).text()?.parse().ok())
}

/// The time at the first of `paths` that has one. A time without a zone is not guessed at: see [`time_in`].
pub(super) fn time(node: &Node, paths: &[&str]) -> Option<DateTime<Utc>> {
    paths.iter().find_map(|path| moment(&node.at(path).text()?, None))
}

/// The same, of a provider that states which zone its times without one are in.
pub(super) fn time_in(node: &Node, paths: &[&str], zone: FixedOffset) -> Option<DateTime<Utc>> {
    paths.iter().find_map(|path| moment(&node.at(path).text()?, Some(zone)))
}

/// Whether there is a moment in seconds since 1970, and not in milliseconds or as a day.
pub(super) fn in_seconds(node: &Node, path: &str) -> bool {
    node.at(path)
        .text()
        .is_some_and(|time| time.len() <= 10 && time.bytes().all(|byte| byte.is_ascii_digit()))
}

fn moment(text: &str, zone: Option<FixedOffset>) -> Option<DateTime<Utc>> {
    // Seconds or milliseconds since 1970; Go and Rust write nanoseconds nowhere here.
    if let Ok(number) = text.parse::<i64>() {
        return match text.len() {
            9..=10 => DateTime::from_timestamp(number, 0),
            12..=13 => DateTime::from_timestamp_millis(number),
            _ => None,
        };
    }
    let with_zone = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%d %H:%M:%S%.f%z"];
    let read = DateTime::parse_from_rfc3339(text)
        .ok()
        .or_else(|| with_zone.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()));
    if let Some(time) = read {
        return Some(time.to_utc());
    }
    if let Some(plain) = text.strip_suffix(" UTC").or_else(|| text.strip_suffix('Z')) {
        return naive(plain.trim()).map(|time| time.and_utc());
    }
    naive(text)?.and_local_timezone(zone?).single().map(|time| time.to_utc())
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y.%m.%d %H:%M:%S", "%d/%m/%Y %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// A country in two capital letters.
pub(super) fn country(node: &Node, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| {
        let text = node.at(path).text()?;
        let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_code.then(|| text.to_ascii_uppercase())
    })
}

/// A card's brand by one name, whatever providers call it.
pub(super) fn brand(node: &Node, paths: &[&str]) -> Option<String> {
    let text = node.first_of(paths)?.to_ascii_lowercase().replace(['_', '-'], " ");
    let one = match text.as_str() {
        "vi" | "visa" | "visa ssl" | "visa credit" | "visa debit" | "visa electron" => "visa",
        "mc" | "mastercard" | "master" | "master card" | "ecmc ssl" | "mastercard credit"
        | "master debit" => "mastercard",
        "ax" | "amex" | "american express" | "american_express" | "americanexpress" | "amex ssl" => "amex",
        "di" | "discover" => "discover",
        "dc" | "diners" | "diners club" => "diners",
        other => other,
    };
    Some(one.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_kinds() {
        let bogota = FixedOffset::west_opt(5 * 3_600);
        for (text, zone, expected) in [
            ("1648319949", None, Some("2022-03-26T18:39:09Z")),
            ("1648319949123", None, Some("2022-03-26T18:39:09.123Z")),
            ("2022-03-26T18:39:09+02:00", None, Some("2022-03-26T16:39:09Z")),
            ("2022-03-26T18:39:09.5-0300", None, Some("2022-03-26T21:39:09.500Z")),
            ("2022-03-26T18:39:09Z", None, Some("2022-03-26T18:39:09Z")),
            ("2022-03-26 18:39:09 UTC", None, Some("2022-03-26T18:39:09Z")),
            ("2022-03-26 18:39:09", bogota, Some("2022-03-26T23:39:09Z")),
            ("2022.03.26 18:39:09", bogota, Some("2022-03-26T23:39:09Z")),
            ("2022-03-26 18:39:09", None, None),
            ("soon", bogota, None),
            ("12", None, None),
        ] {
            let expected: Option<DateTime<Utc>> = expected.map(|text| text.parse().unwrap());
            assert_eq!(moment(text, zone), expected, "{text}");
        }
    }
}
