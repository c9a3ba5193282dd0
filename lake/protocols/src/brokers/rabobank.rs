//! Rabobank: transactions of its investment accounts, in Dutch.

use cauce_model::{MarketKind, Side, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRANSACTIONS: Table = Table {
    about: About {
        name: "rabobank",
        broker: "rabobank",
        title: "Rabobank, transactions",
        header: &[
            "Portefeuille",
            "Naam",
            "Datum",
            "Type mutatie",
            "Volume",
            "Koers",
            "Valuta koers",
            "Waarde",
            "Isin code",
            "Tijd",
        ],
    },
    numbers: Numbers::Comma,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type mutatie").into_owned();
        let side = match kind.split(' ').next() {
            Some("Koop") => Side::Buy,
            Some("Verkoop") => Side::Sell,
            Some("Storting") => return skipped(SkippedAs::Cash, kind),
            Some("Tarieven") => return skipped(SkippedAs::Charge, kind),
            _ => return skipped(SkippedAs::Income, kind),
        };
        let text = format!("{} {}", row.text("Datum"), row.text("Tijd"));
        let at = row.time_of("Datum", &text, &["%d-%m-%Y %H:%M:%S%.f", "%d-%m-%Y "], Zone::Account)?;
        let (quantity, price) = (row.need_number("Volume")?, row.need_number("Koers")?);
        let fill = row.fill(row.need("Isin code")?, side, ("Volume", quantity), ("Koers", price), at)?;
        let fill = fill.in_currency(row.need("Valuta koers")?).on(MarketKind::Fund);
        fill.fee(row.number_or_zero("Valuta kosten €")?.abs(), Some("EUR".to_owned())).said()
    },
};
