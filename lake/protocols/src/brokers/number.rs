//! Numbers as brokers write them.

use std::str::FromStr;

use rust_decimal::Decimal;

/// What stands between a number's whole part and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// A point; commas are between thousands.
    Point,
    /// A comma; points are between thousands.
    Comma,
    /// Either, within one file. What can be read both ways is refused.
    Either,
}

/// Texts that stand for no number.
const NOTHING: [&str; 7] = ["", "-", "--", "N/A", "n/a", "null", "Not available"];
/// Spaces between thousands, and around numbers: plain, no-break, narrow no-break, thin.
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];
/// Signs of currencies, before or after a number.
const SIGNS: [char; 5] = ['$', '€', '£', '¥', '₿'];

/// The number that a text is; none where it stands for none. Spaces between thousands, the sign of a currency, a minus apart
/// from its number, and parentheses for less than zero are understood. An error says what is wrong with it.
pub(super) fn number(text: &str, numbers: Numbers) -> Result<Option<Decimal>, &'static str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || SPACES.contains(&c) || c == '"');
    if NOTHING.contains(&text) {
        return Ok(None);
    }
    let (text, in_parentheses) = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let bare: String = text.chars().filter(|c| !SIGNS.contains(c)).collect();
    let bare = bare.trim_matches(SPACES);
    let (bare, is_negative) = match bare.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (rest.trim_start_matches(SPACES), true),
        None => (bare.strip_prefix('+').unwrap_or(bare), false),
    };
    let plain = plain(bare, numbers)?;
    let read =
        if plain.contains(['e', 'E']) { Decimal::from_scientific(&plain) } else { Decimal::from_str(&plain) };
    let mut number = match read {
        Ok(number) => number,
        // So small that nothing is left of it.
        Err(rust_decimal::Error::Underflow | rust_decimal::Error::ScaleExceedsMaximumPrecision(_)) => {
            Decimal::ZERO
        }
        Err(_) => return Err("is not a number"),
    };
    number.set_sign_negative(is_negative != in_parentheses);
    Ok(Some(number))
}

/// Digits and a point, perhaps with an exponent.
fn plain(text: &str, numbers: Numbers) -> Result<String, &'static str> {
    let digits = |c: char| c.is_ascii_digit();
    if text.is_empty() || !text.chars().any(|c| c.is_ascii_digit()) {
        return Err("is not a number");
    }
    let (text, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], &text[at..]),
        None => (text, ""),
    };
    let is_exponent = exponent.is_empty()
        || exponent[1..].trim_start_matches(['-', '+']).chars().all(digits) && exponent.len() > 1;
    if !is_exponent {
        return Err("is not a number");
    }
    let point = match numbers {
        Numbers::Point => '.',
        Numbers::Comma => ',',
        Numbers::Either => decider(text)?,
    };
    let thousands = if point == '.' { ',' } else { '.' };
    let (whole, rest) = text.split_once(point).unwrap_or((text, ""));
    if !rest.chars().all(digits) {
        return Err("is not a number");
    }
    let is_between = |c: char| c == thousands || c == '\'' || SPACES.contains(&c);
    let groups: Vec<&str> = whole.split(is_between).collect();
    // Nobody writes `0,005` for five.
    let are_thousands = groups.len() == 1
        || !groups[0].starts_with('0')
            && (1..=3).contains(&groups[0].len())
            && groups[1..].iter().all(|group| group.len() == 3);
    if !are_thousands || !groups.iter().all(|group| group.chars().all(digits)) {
        return Err("is not a number");
    }
    let whole = groups.concat();
    let whole = if whole.is_empty() { "0" } else { &whole };
    let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    Ok(format!("{whole}{rest}{exponent}"))
}

/// Which of point and comma is before the rest of the number, in a file that has both.
fn decider(text: &str) -> Result<char, &'static str> {
    match (text.rfind('.'), text.rfind(',')) {
        (Some(point), Some(comma)) => Ok(if point > comma { '.' } else { ',' }),
        (Some(_), None) | (None, None) => Ok('.'),
        (None, Some(comma)) => {
            let (before, after) = (&text[..comma], &text[comma + 1..]);
            if text.matches(',').count() > 1 {
                Ok('.')
            } else if after.len() == 3 && (1..=3).contains(&before.len()) && before != "0" {
                Err("may be thousands or a decimal comma")
            } else {
                Ok(',')
            }
        }
    }
}

/// A number and the asset that is written with it: `500DOGE`, `1.00000000 ETH`.
pub(super) fn with_unit(text: &str, numbers: Numbers) -> Result<Option<(Decimal, &str)>, &'static str> {
    let text = text.trim();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+') || SPACES.contains(&c);
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    let (amount, unit) = text.split_at(end);
    Ok(number(amount, numbers)?.map(|amount| (amount, unit.trim())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, numbers: Numbers) -> String {
        match number(text, numbers) {
            Ok(Some(number)) => number.to_string(),
            Ok(None) => "none".to_owned(),
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn every_way_of_writing_a_number() {
        for (text, numbers, expected) in [
            ("1 204.50", Numbers::Point, "1204.50"),
            ("-1\u{a0}204.50", Numbers::Point, "-1204.50"),
            ("- 0.08", Numbers::Point, "-0.08"),
            (" 3.36", Numbers::Point, "3.36"),
            ("$1,204.50", Numbers::Point, "1204.50"),
            ("-$0.50", Numbers::Point, "-0.50"),
            ("$-0.50", Numbers::Point, "-0.50"),
            ("(0,10)", Numbers::Either, "-0.10"),
            ("12,5 ", Numbers::Comma, "12.5"),
            ("1.204,50", Numbers::Comma, "1204.50"),
            ("1.204,50", Numbers::Either, "1204.50"),
            ("1,204.50", Numbers::Either, "1204.50"),
            ("0,125", Numbers::Either, "0.125"),
            ("1,204", Numbers::Point, "1204"),
            ("1,204", Numbers::Either, "may be thousands or a decimal comma"),
            ("50.", Numbers::Point, "50"),
            (".5", Numbers::Point, "0.5"),
            ("-2.5E-4", Numbers::Point, "-0.00025"),
            ("1e-40", Numbers::Point, "0"),
            ("-", Numbers::Point, "none"),
            ("", Numbers::Point, "none"),
            ("12,34", Numbers::Point, "is not a number"),
            ("0,005", Numbers::Point, "is not a number"),
            ("0,005", Numbers::Either, "0.005"),
            ("1 2", Numbers::Point, "is not a number"),
            ("abc", Numbers::Point, "is not a number"),
            ("1.2.3", Numbers::Point, "is not a number"),
            ("NaN", Numbers::Point, "is not a number"),
        ] {
            assert_eq!(read(text, numbers), expected, "{text} {numbers:?}");
        }
    }

    #[test]
    fn an_asset_may_stand_behind_its_amount() {
        let read = |text| with_unit(text, Numbers::Point).unwrap().unwrap();
        assert_eq!(read("500DOGE"), (Decimal::from(500), "DOGE"));
        assert_eq!(read("1.5 ETH"), (Decimal::new(15, 1), "ETH"));
        assert_eq!(with_unit("", Numbers::Point).unwrap(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_says_why(text in ".{0,20}") {
            for numbers in [Numbers::Point, Numbers::Comma, Numbers::Either] {
                let _ = number(&text, numbers);
                let _ = with_unit(&text, numbers);
            }
        }

        #[test]
        fn a_number_means_the_same_in_every_style(units in -(1_i64 << 50)..(1_i64 << 50), scale in 0_u32..8) {
            let number = Decimal::new(units, scale);
            let text = number.to_string();
            prop_assert_eq!(super::number(&text, Numbers::Point).unwrap(), Some(number));
            prop_assert_eq!(super::number(&text.replace('.', ","), Numbers::Comma).unwrap(), Some(number));
        }
    }
}
