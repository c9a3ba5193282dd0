//! Takes what names a person out of texts that providers write for people: card numbers, e-mail addresses, telephone
//! numbers, identity documents of Latin America. What is left says that something was there.
//!
//! A mask errs on the side of hiding: a number that begins as cards do and happens to satisfy their check is hidden, too.

mod fields;

pub use fields::masked_document;

/// Digits of card numbers.
const CARD: std::ops::RangeInclusive<usize> = 13..=19;
/// Digits of numbers that a word before them says to be a person's.
const ANNOUNCED: std::ops::RangeInclusive<usize> = 6..=14;
/// Digits of telephone and document numbers, written out or with the separators of their country.
const PERSONAL: std::ops::RangeInclusive<usize> = 7..=14;

/// Characters of a text that are looked at, and kept.
const LONGEST: usize = 2_000;

/// The text with what names a person replaced; of a very long one its beginning.
pub fn masked(text: &str) -> String {
    let text = match text.char_indices().nth(LONGEST) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    let text = without_numbers(text);
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end_matches(char::is_whitespace);
        let said = before.and_then(|kind| number_of(kind, bare));
        out.push_str(&said.unwrap_or_else(|| masked_word(bare)));
        out.push_str(&word[bare.len()..]);
        before = match announced(bare) {
            // `DNI: 12345678`, `cédula No. 12345678`.
            None if ["", "n", "no", "nro", "num", "numero", "número", "nº", "n°", "es", "is", "de"]
                .contains(&plain(bare).as_str()) =>
            {
                before
            }
            kind => kind,
        };
    }
    out
}

/// Words before numbers that are of a person, as they are called from Mexico to Argentina; in small letters.
const DOCUMENTS: [&str; 20] = [
    "dni",
    "cc",
    "ci",
    "ce",
    "cedula",
    "cédula",
    "nit",
    "rut",
    "run",
    "rif",
    "cpf",
    "cnpj",
    "cuit",
    "cuil",
    "ruc",
    "documento",
    "document",
    "identificacion",
    "identificación",
    "pasaporte",
];
const TELEPHONES: [&str; 12] = [
    "tel",
    "telefono",
    "teléfono",
    "telefone",
    "fone",
    "phone",
    "cel",
    "celular",
    "movil",
    "móvil",
    "whatsapp",
    "mobile",
];

/// A word in small letters, without what stands around and in it.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || matches!(c, 'º' | '°')).collect::<String>().to_lowercase()
}

/// The mask of the number that a word announces.
fn announced(word: &str) -> Option<&'static str> {
    let word = plain(word);
    match () {
        () if DOCUMENTS.contains(&word.as_str()) => Some("[document]"),
        () if TELEPHONES.contains(&word.as_str()) => Some("[phone]"),
        () => None,
    }
}

/// The mask instead of a word that is a number of so many digits, with what stands around it.
fn number_of(mask: &str, word: &str) -> Option<String> {
    let (start, end) = core(word);
    let digits = number(&word[start..end])?;
    ANNOUNCED.contains(&digits.len()).then(|| format!("{}{mask}{}", &word[..start], &word[end..]))
}

/// Numbers of cards and telephones, wherever they stand and however their digits are grouped.
fn without_numbers(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_word = |at: usize| characters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let is_plus = characters[at] == '+';
        let starts = is_plus || characters[at].is_ascii_digit();
        if !starts || at > 0 && is_word(at - 1) {
            out.push(characters[at]);
            at += 1;
            continue;
        }
        let groups = groups_at(&characters, at + usize::from(is_plus));
        // From the longest on: a date or another number may stand beside the one that is looked for.
        let found = (1..=groups.len()).rev().find_map(|count| {
            let end = groups[count - 1].1;
            let digits: String =
                groups[..count].iter().flat_map(|(start, end)| &characters[*start..*end]).collect();
            let mask = match () {
                () if is_word(end) => None,
                () if is_card(&digits) => Some("[card]"),
                () if is_plus && PERSONAL.contains(&digits.len()) => Some("[phone]"),
                () => None,
            };
            Some((mask?, end))
        });
        if let Some((mask, end)) = found {
            out.push_str(mask);
            at = end;
            continue;
        }
        let end = groups.first().map_or(at + 1, |(_, end)| *end);
        out.extend(&characters[at..end]);
        at = end;
    }
    out
}

/// Groups of digits with single separators between them: where each begins and ends.
fn groups_at(characters: &[char], start: usize) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let (mut begin, mut all) = (start, 0);
    loop {
        let digits = characters[begin..].iter().take_while(|c| c.is_ascii_digit()).count();
        all += digits;
        if digits == 0 || all > *CARD.end() && !groups.is_empty() {
            return groups;
        }
        let end = begin + digits;
        groups.push((begin, end));
        if !matches!(characters.get(end), Some(' ' | '-' | '.' | '\u{a0}')) {
            return groups;
        }
        begin = end + 1;
    }
}

/// Whether digits are a card's number: as long as its brand's are, beginning as they do (ISO/IEC 7812), with its check.
fn is_card(digits: &str) -> bool {
    let begins =
        |length: usize| digits.get(..length).and_then(|begin| begin.parse::<u32>().ok()).unwrap_or(0);
    let of_brand = match (begins(1), digits.len()) {
        (2, 16) => (2_221..=2_720).contains(&begins(4)),
        (3, 14) => matches!(begins(2), 30 | 36 | 38 | 39),
        (3, 15) => matches!(begins(2), 34 | 37),
        (3, 16..=19) => begins(2) == 35,
        (4, 13 | 16 | 19) | (5 | 6, 13..=19) => true,
        _ => false,
    };
    of_brand && luhn(digits)
}

/// Quotes and brackets around a word are not part of it.
fn core(word: &str) -> (usize, usize) {
    let edge = |c: char| !c.is_alphanumeric() && c != '+';
    let start = word.len() - word.trim_start_matches(edge).len();
    let end = word.trim_end_matches(edge).len();
    (start, end.max(start))
}

fn masked_word(word: &str) -> String {
    let (start, end) = core(word);
    let inner = &word[start..end];
    let mask = if is_email(inner) {
        "[email]"
    } else if is_lettered_document(inner) {
        "[document]"
    } else {
        match number(inner) {
            Some(digits) if has_document_separators(inner) && PERSONAL.contains(&digits.len()) => {
                "[document]"
            }
            _ => return word.to_owned(),
        }
    };
    format!("{}{mask}{}", &word[..start], &word[end..])
}

/// The digits of a number that is written with the separators that people use in numbers of cards and documents.
fn number(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '/' | '+' | '(' | ')');
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (text.chars().all(allowed) && !digits.is_empty()).then_some(digits)
}

/// `123.456.789-09`, `12.345.678/0001-95`, `20-12345678-3`: and not a date, an amount, or an address of the network.
fn has_document_separators(text: &str) -> bool {
    let dots = text.matches('.').count();
    let Some((head, check)) = text.rsplit_once('-') else { return false };
    let groups: Vec<&str> = head.split(['.', '/', '-']).collect();
    let is_date = groups.len() == 2 && groups[0].len() == 4 && check.len() == 2;
    (1..=2).contains(&check.len())
        && !is_date
        && (dots > 0 || groups.last().is_some_and(|group| group.len() >= 7))
}

/// `V-12345678`, `J-12345678-9`, and the mixed letters and digits of Mexico's CURP and RFC.
fn is_lettered_document(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let is_capital = |part: &[u8]| part.iter().all(u8::is_ascii_uppercase);
    if let Some((letter, rest)) = text.split_once('-') {
        let digits: String = rest.chars().filter(|c| *c != '-' && *c != '.').collect();
        let kinds = ["V", "E", "J", "G", "P"];
        return kinds.contains(&letter.to_uppercase().as_str())
            && (6..=9).contains(&digits.len())
            && is_digits(digits.as_bytes());
    }
    match bytes.len() {
        // CURP: four letters, a date, six letters, two more.
        18 => is_capital(&bytes[..4]) && is_digits(&bytes[4..10]) && is_capital(&bytes[10..16]),
        // RFC of a person, and of a company.
        13 => {
            is_capital(&bytes[..4])
                && is_digits(&bytes[4..10])
                && bytes[10..].iter().all(u8::is_ascii_alphanumeric)
        }
        12 => {
            is_capital(&bytes[..3])
                && is_digits(&bytes[3..9])
                && bytes[9..].iter().any(u8::is_ascii_uppercase)
        }
        _ => false,
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, twice) if twice > 9 => twice - 9,
                (_, twice) => twice,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::masked;

    #[test]
    fn what_names_a_person_is_gone() {
        for (text, expected) in [
            ("card 4111111111111111 refused", "card [card] refused"),
            ("card 4111 1111 1111 1111 refused", "card [card] refused"),
            ("4111-1111-1111-1111", "[card]"),
            ("card 4111 1111 1111 1111.", "card [card]."),
            ("pan=4111111111111111;", "pan=[card];"),
            ("{\"card\":\"4111111111111111\"}", "{\"card\":\"[card]\"}"),
            ("of\n4111111111111111\tand ana@example.com\n", "of\n[card]\tand [email]\n"),
            ("card 4111111111111111 12/28", "card [card] 12/28"),
            ("100 4111111111111111", "100 [card]"),
            ("4111111111111111 123", "[card] 123"),
            ("3782 822463 10005 amex", "[card] amex"),
            ("DNI 12345678, tel. 11 1234", "DNI [document], tel. 11 1234"),
            ("cédula No. 1020304050", "cédula No. [document]"),
            ("CC: 1.020.304.050", "CC: [document]"),
            ("celular 04121234567.", "celular [phone]."),
            ("+58 412 123 4567", "[phone]"),
            ("write to ana.perez@example.com, please", "write to [email], please"),
            ("(ana@example.com)", "([email])"),
            ("call +58 or +584121234567", "call +58 or [phone]"),
            ("CPF 123.456.789-09", "CPF [document]"),
            ("CNPJ 12.345.678/0001-95", "CNPJ [document]"),
            ("CUIT 20-12345678-3", "CUIT [document]"),
            ("RUT 12.345.678-5", "RUT [document]"),
            ("cédula V-12345678", "cédula [document]"),
            ("CURP GODE561231HDFRRN09", "CURP [document]"),
            ("RFC GODE561231GR8", "RFC [document]"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn what_names_nobody_stays() {
        for text in [
            "Do not honor",
            "2026-03-01T10:20:30Z",
            "2026-03-01",
            "10.50",
            "1.234.567",
            "code 20051",
            "10.0.0.1",
            "order 1234567890",
            // Milliseconds with the check of cards, which begin otherwise.
            "order 1700000000004",
            "100 200 300",
            "ORD-5023-4E89",
            "pi_3MqLnJHfXbQ8wWVU0K8m5V6p",
            "  two  blanks ",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_masked_without_a_fault(text in ".*") {
            let once = masked(&text);
            prop_assert_eq!(masked(&once), once.clone(), "masking twice changes nothing");
        }
    }
}
