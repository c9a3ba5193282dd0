//! Rates of currencies, as files and public services give them.
//!
//! | form | example |
//! |---|---|
//! | a table | `date,currency,per_usd` and a line per day and currency |
//! | one day of a service | `{"base": "USD", "date": "2026-03-01", "rates": {"BRL": 5.43}}`; `timestamp` instead of `date` |
//! | several days | `{"base": "USD", "rates": {"2026-03-01": {"BRL": 5.43}}}` |
//!
//! A service that counts from another currency than the dollar is understood where it names the dollar, too.

use cauce_model::{BadValue, Currency, DatedRate, Price, Rule};
use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;

use crate::document::{self, Bytes, Node};

/// The source of rates, as raw objects name it.
pub const SOURCE: &str = "fx_rates";

/// Digits after the point that a rate is kept with.
const DIGITS: u32 = 8;

/// A record that is no rate: the rule that it broke, why, and what it says.
pub type BadRate = (Rule, String, String);

/// The rates in a file or an answer, in their order; a whole that can't be read is one bad rate.
pub fn read(bytes: Bytes<'_>) -> Vec<Result<DatedRate, BadRate>> {
    let records = match document::read(bytes) {
        Ok(records) => records,
        Err(unreadable) => {
            let text = String::from_utf8_lossy(bytes.body).into_owned();
            return vec![Err((Rule::UnknownShape, unreadable.to_string(), text))];
        }
    };
    records.iter().flat_map(of_record).collect()
}

fn of_record(record: &Node) -> Vec<Result<DatedRate, BadRate>> {
    let rates = record.get("rates");
    if rates.members().is_empty() {
        return vec![line(record)];
    }
    let base = record.first_of(&["base", "base_code", "source"]).unwrap_or_else(|| "USD".to_owned());
    if rates.members().iter().all(|(_, day)| matches!(day, Node::Map(_))) {
        return rates.members().iter().flat_map(|(day, rates)| of_day(day, &base, rates)).collect();
    }
    let at =
        |seconds: String| Some(DateTime::from_timestamp(seconds.parse().ok()?, 0)?.date_naive().to_string());
    let day = record.first_of(&["date", "day"]);
    let day = day.or_else(|| record.first_of(&["timestamp", "time_last_update_unix"]).and_then(at));
    of_day(&day.unwrap_or_default(), &base, rates)
}

/// All currencies of one day, counted from `base`.
fn of_day(day: &str, base: &str, rates: &Node) -> Vec<Result<DatedRate, BadRate>> {
    let said = |currency: &str, text: &str| format!("{day} {currency} {text} for one {base}");
    let number = |text: &str| Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok();
    let dollar = match base {
        "USD" => Some(Decimal::ONE),
        _ => rates.text_at("USD").as_deref().and_then(number).filter(|dollar| !dollar.is_zero()),
    };
    let Some(dollar) = dollar else {
        let reason = format!("rates are counted from '{base}', and the dollar is not among them");
        return vec![Err((Rule::InvalidCurrency, reason, day.to_owned()))];
    };
    let one = |(currency, rate): &(String, Node)| {
        let text = rate.text().unwrap_or_default();
        let per_usd = number(&text).and_then(|rate| rate.checked_div(dollar)).map(|rate| rate.to_string());
        dated(day, currency, &per_usd.unwrap_or_else(|| text.to_string()))
            .map_err(|(rule, reason)| (rule, reason, said(currency, &text)))
    };
    // The base is worth something too.
    let of_base = (base != "USD").then(|| {
        let per_usd = Decimal::ONE.checked_div(dollar).unwrap_or_default().to_string();
        dated(day, base, &per_usd).map_err(|(rule, reason)| (rule, reason, said(base, "1")))
    });
    let others = rates.members().iter().filter(|(currency, _)| currency != "USD").map(one);
    of_base.into_iter().chain(others).collect()
}

fn line(record: &Node) -> Result<DatedRate, BadRate> {
    let text = |names: &[&str]| record.first_of(names).unwrap_or_default();
    let (day, currency) = (text(&["date", "day", "rate_date"]), text(&["currency", "currency_code", "code"]));
    let per_usd = text(&["per_usd", "rate", "usd_rate"]);
    dated(&day, &currency, &per_usd).map_err(|(rule, reason)| {
        (rule, reason, format!("date '{day}', currency '{currency}', per_usd '{per_usd}'"))
    })
}

fn dated(day: &str, currency: &str, per_usd: &str) -> Result<DatedRate, (Rule, String)> {
    let bad = |rule: Rule| move |error: BadValue| (rule, error.to_string());
    let date = day.get(..10).unwrap_or(day).parse::<NaiveDate>();
    let date = date.map_err(|_| {
        let error = BadValue::new("date", day, "is no day such as 2026-03-01");
        (if day.is_empty() { Rule::MissingField } else { Rule::InvalidDate }, error.to_string())
    })?;
    let currency: Currency = currency.parse().map_err(bad(Rule::InvalidCurrency))?;
    // A rate is a valuation: digits beyond the eighth are rounded half to even.
    let rounded = Decimal::from_str_exact(per_usd.trim()).map(|rate| rate.round_dp(DIGITS).to_string());
    let rounded = rounded.as_deref().unwrap_or(per_usd);
    let per_usd = Price::parse("per_usd", rounded).map_err(bad(Rule::InvalidNumber))?;
    Ok(DatedRate { date, currency, per_usd })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rates(text: &str) -> Vec<String> {
        let of = |rate: Result<DatedRate, BadRate>| match rate {
            Ok(DatedRate { date, currency, per_usd }) => format!("{date} {currency} {per_usd}"),
            Err((rule, ..)) => rule.as_str().to_owned(),
        };
        read(Bytes { content_type: None, body: text.as_bytes() }).into_iter().map(of).collect()
    }

    #[test]
    fn a_table_a_day_and_several_days_say_the_same() {
        let table = "date,currency,per_usd\n2026-03-01,BRL,5.43\n2026-03-01,VES,312.123456789\n";
        let expected = ["2026-03-01 BRL 5.43", "2026-03-01 VES 312.12345679"];
        assert_eq!(rates(table), expected);
        let day = r#"{"BRL": 5.43, "USD": 1, "VES": 312.123456789}"#;
        assert_eq!(rates(&format!(r#"{{"base":"USD","date":"2026-03-01","rates":{day}}}"#)), expected);
        assert_eq!(rates(&format!(r#"{{"base":"USD","timestamp":1772366400,"rates":{day}}}"#)), expected);
        assert_eq!(rates(&format!(r#"{{"base":"USD","rates":{{"2026-03-01":{day}}}}}"#)), expected);
    }

    #[test]
    fn a_service_may_count_from_another_currency() {
        let euros = r#"{"base":"EUR","date":"2026-03-01","rates":{"USD":1.25,"BRL":6.25}}"#;
        assert_eq!(rates(euros), ["2026-03-01 EUR 0.8", "2026-03-01 BRL 5"]);
        assert_eq!(rates(&euros.replace("USD", "CHF")), ["invalid_currency"]);
    }

    #[test]
    fn what_is_no_rate_says_why() {
        for (line, rule) in [
            ("2026-03-01,BTC,0.00001", "invalid_currency"),
            ("2026-13-01,BRL,5", "invalid_date"),
            (",BRL,5", "missing_field"),
            ("2026-03-01,BRL,0", "invalid_number"),
            ("2026-03-01,BRL,five", "invalid_number"),
        ] {
            assert_eq!(rates(&format!("date,currency,per_usd\n{line}\n")), [rule], "{line}");
        }
        assert_eq!(rates("<!DOCTYPE html><html></html>"), ["unknown_shape"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_rates_or_say_why(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(Bytes { content_type: None, body: &body });
        }
    }
}
