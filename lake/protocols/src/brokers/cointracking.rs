//! CoinTracking: its export, whose currencies stand in three columns of one name.

use cauce_model::{MarketKind, SkippedAs};

use super::{
    About,
    number::Numbers,
    record::Told,
    swap::{Leg, swapped},
    table::{Order, Table, no_footer, skipped},
    time::Zone,
};

pub(super) static TRADES: Table = Table {
    about: About {
        name: "cointracking",
        broker: "cointracking",
        title: "CoinTracking, export of trades",
        header: &["Type", "Buy", "Cur.", "Sell", "Fee", "Exchange", "Group", "Comment", "Date"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let kind = row.text("Type").into_owned();
        match kind.as_str() {
            "Trade" => {}
            "Deposit" | "Withdrawal" => return skipped(SkippedAs::Transfer, kind),
            _ => return skipped(SkippedAs::Income, kind),
        }
        let formats = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"];
        let at = row.time("Date", &formats, Zone::Account)?;
        // Each currency stands behind its amount.
        let got = Leg { name: "Buy", amount: row.need_number("Buy")?, asset: row.cell(2).to_owned() };
        let gave = Leg { name: "Sell", amount: row.need_number("Sell")?, asset: row.cell(4).to_owned() };
        let fee = Some(row.cell(6).to_owned()).filter(|asset| !asset.is_empty());
        let fill = swapped(row, got, gave, at)?.on(MarketKind::Spot).ids(row.some("Tx-ID"), None);
        fill.fee(row.number_or_zero("Fee")?, fee).said()
    },
};
