//! Myfxbook: the trades of an account. The profit is what is left after commission and swap.

use super::{
    About,
    round_trip::{Columns, Positions, Profit},
    table::Order,
    time::Zone,
};

pub(super) static TRADES: Positions = Positions {
    about: About {
        name: "myfxbook",
        broker: "myfxbook",
        title: "Myfxbook, trades",
        header: &[
            "Ticket",
            "Open Date",
            "Close Date",
            "Symbol",
            "Action",
            "Open Price",
            "Close Price",
            "Pips",
            "Profit",
        ],
    },
    columns: Columns {
        id: &["Ticket"],
        opened: &["Open Date"],
        kind: &["Action"],
        state: &[],
        size: &["Units/Lots", "Lots"],
        symbol: &["Symbol"],
        open_price: &["Open Price"],
        closed: &["Close Date"],
        close_price: &["Close Price"],
        commission: &["Commission"],
        taxes: &[],
        swap: &["Swap"],
        profit: &["Profit"],
    },
    times: &["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"],
    zone: Zone::Account,
    order: Order::NewestFirst,
    profit: Profit::Net,
};
