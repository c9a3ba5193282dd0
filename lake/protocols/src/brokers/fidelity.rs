//! Fidelity: the history of one account or of all. What happened stands in the first words of the action.

use cauce_model::{Effect, MarketKind, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Said,
    file::Record,
    number::Numbers,
    record::{Result, Told, Values, is_of_bond},
    table::{Order, Table, skipped},
    time::Zone,
};

const BROKER: &str = "fidelity";

/// Sentences of the law, and when it was made, stand under the table.
fn is_sentence(record: &Record) -> bool {
    let first = record.cells.get(0).unwrap_or_default().trim();
    let is_day = (6..=12).contains(&first.len()) && first.ends_with(|c: char| c.is_ascii_digit());
    record.cells.len() < 5 || !is_day
}

pub(super) static ONE_ACCOUNT: Table = Table {
    about: About {
        name: "fidelity",
        broker: BROKER,
        title: "Fidelity, history of one account",
        header: &["Run Date", "Action", "Symbol", "Quantity", "Price ($)", "Commission ($)", "Amount ($)"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: is_sentence,
    read: |row| read(row, ["Price ($)", "Commission ($)", "Fees ($)"]),
};

pub(super) static ALL_ACCOUNTS: Table = Table {
    about: About {
        name: "fidelity_all_accounts",
        broker: BROKER,
        title: "Fidelity, history of all accounts",
        header: &[
            "Run Date",
            "Account",
            "Account Number",
            "Action",
            "Symbol",
            "Currency",
            "Price",
            "Quantity",
            "Commission",
            "Amount",
        ],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: is_sentence,
    read: |row| read(row, ["Price", "Commission", "Fees"]),
};

fn read(row: &Values<'_>, [price, commission, fees]: [&str; 3]) -> Result<Said> {
    let action = row.text("Action").into_owned();
    let side = match action.as_str() {
        action if action.starts_with("YOU BOUGHT") || action.starts_with("REINVESTMENT") => Side::Buy,
        action if action.starts_with("YOU SOLD") => Side::Sell,
        _ => return skipped(kind_of(&action), action),
    };
    let at = row.time("Run Date", &["%m/%d/%Y", "%b-%d-%Y"], Zone::Account)?;
    let (quantity, paid) = (row.need_number("Quantity")?, row.need_number(price)?);
    // The price of a bond is for a hundred of its face value.
    let is_bond = is_of_bond(&row.text("Symbol"));
    let symbol = row.need("Symbol")?;
    let is_option = is_option(&symbol);
    let symbol = symbol.trim_start_matches('-').to_owned();
    let fill = row.fill(symbol, side, ("Quantity", quantity), (price, paid), at)?;
    let currency = row.some("Currency").unwrap_or_else(|| "USD".to_owned());
    let mut fill = fill.in_currency(currency).on(if is_bond { MarketKind::Bond } else { MarketKind::Equity });
    if is_bond {
        fill.multiplier = Decimal::new(1, 2);
    }
    if is_option {
        // Of a hundred shares.
        (fill.market, fill.multiplier) = (MarketKind::Option, Decimal::ONE_HUNDRED);
        fill.effect = match () {
            () if action.contains("OPENING") => Effect::Open,
            () if action.contains("CLOSING") => Effect::Close,
            () => Effect::Unknown,
        };
    }
    fill.broker_account = row.some("Account Number");
    fill.fee(row.number_or_zero(commission)? + row.number_or_zero(fees)?, None).said()
}

/// `-SPY240119C480`: what it is of, a day, a side, and a price.
fn is_option(symbol: &str) -> bool {
    let rest = symbol.trim_start_matches('-').trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (day, rest) = rest.split_at_checked(6).unwrap_or_default();
    day.len() == 6
        && day.chars().all(|c| c.is_ascii_digit())
        && rest.starts_with(['C', 'P'])
        && rest.len() > 1
}

fn kind_of(action: &str) -> SkippedAs {
    let says = |words: &[&str]| words.iter().any(|word| action.contains(word));
    match () {
        () if says(&["DIVIDEND", "INTEREST", "EXEMPT INT", "CAP GAIN"]) => SkippedAs::Income,
        () if says(&["TAX", "FEE"]) => SkippedAs::Charge,
        () if says(&["REDEMPTION", "MERGER", "SPLIT", "SPINOFF", "DISTRIBUTION"]) => {
            SkippedAs::CorporateAction
        }
        () if says(&["TRANSFERRED"]) => SkippedAs::Transfer,
        () => SkippedAs::Cash,
    }
}
