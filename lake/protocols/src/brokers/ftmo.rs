//! FTMO: the positions of an account, newest first.

use super::{
    About,
    round_trip::{Columns, Positions, Profit},
    table::Order,
    time::Zone,
};

pub(super) static POSITIONS: Positions = Positions {
    about: About {
        name: "ftmo",
        broker: "ftmo",
        title: "FTMO, positions",
        header: &[
            "Ticket",
            "Open",
            "Type",
            "Volume",
            "Symbol",
            "Price",
            "Close",
            "Swap",
            "Commissions",
            "Profit",
        ],
    },
    columns: Columns {
        id: &["Ticket"],
        opened: &["Open"],
        kind: &["Type"],
        state: &[],
        size: &["Volume"],
        symbol: &["Symbol"],
        open_price: &["Price"],
        closed: &["Close"],
        close_price: &["Price 2"],
        commission: &["Commissions"],
        taxes: &[],
        swap: &["Swap"],
        profit: &["Profit"],
    },
    times: &["%Y-%m-%d %H:%M:%S"],
    zone: Zone::Account,
    order: Order::NewestFirst,
    profit: Profit::Gross,
};
