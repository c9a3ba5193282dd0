//! TradeNote: executions of a day, with what every authority takes.

use cauce_model::{Effect, MarketKind, Rule, Side};

use super::{
    About,
    number::Numbers,
    record::Told,
    table::{Order, Table, no_footer},
    time::Zone,
};

pub(super) static EXECUTIONS: Table = Table {
    about: About {
        name: "tradenote",
        broker: "tradenote",
        title: "TradeNote, executions",
        header: &[
            "Account",
            "T/D",
            "Currency",
            "Side",
            "Symbol",
            "Qty",
            "Price",
            "Exec Time",
            "Comm",
            "SEC",
            "TAF",
            "NSCC",
            "Nasdaq",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        let (side, effect) = match row.text("Side").as_ref() {
            "B" => (Side::Buy, Effect::Open),
            "S" => (Side::Sell, Effect::Close),
            "SS" => (Side::Sell, Effect::Open),
            "BC" => (Side::Buy, Effect::Close),
            _ => return Err(row.broken(Rule::UnknownSide, "Side", "is none of B, S, SS, BC")),
        };
        let text = format!("{} {}", row.text("T/D"), row.text("Exec Time"));
        let at = row.time_of("T/D", &text, &["%m/%d/%Y %H:%M:%S", "%m/%d/%y %H:%M:%S"], Zone::Account)?;
        let (quantity, price) = (row.need_number("Qty")?, row.need_number("Price")?);
        let fill = row.fill(row.need("Symbol")?, side, ("Qty", quantity), ("Price", price), at)?;
        let mut fill = fill.in_currency(row.need("Currency")?).on(MarketKind::Equity);
        (fill.broker_account, fill.effect) = (row.some("Account"), effect);
        for name in ["Comm", "SEC", "TAF", "NSCC", "Nasdaq", "ECN Remove", "ECN Add"] {
            fill = fill.fee(row.number_or_zero(name)?, None);
        }
        fill.said()
    },
};
