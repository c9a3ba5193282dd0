//! FX Blue: the positions, orders and payments of an account.

use super::{
    About,
    round_trip::{Columns, Positions, Profit},
    table::Order,
    time::Zone,
};

pub(super) static POSITIONS: Positions = Positions {
    about: About {
        name: "fxblue",
        broker: "fxblue",
        title: "FX Blue, positions",
        header: &["Type", "Ticket", "Symbol", "Lots", "Buy/sell", "Open time", "Close time", "Net profit"],
    },
    columns: Columns {
        id: &["Ticket"],
        opened: &["Open time"],
        kind: &["Buy/sell"],
        state: &["Type"],
        size: &["Lots"],
        symbol: &["Symbol"],
        open_price: &["Open price", "Open Price"],
        closed: &["Close time"],
        close_price: &["Close price", "Close Price"],
        commission: &["Commission"],
        taxes: &[],
        swap: &["Swap"],
        profit: &["Profit"],
    },
    times: &["%Y/%m/%d %H:%M:%S"],
    zone: Zone::Account,
    order: Order::OldestFirst,
    profit: Profit::Gross,
};
