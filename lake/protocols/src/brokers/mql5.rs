//! MQL5: the history of a signal, of MetaTrader 4 and 5.

use super::{
    About,
    round_trip::{Columns, Positions, Profit},
    table::Order,
    time::Zone,
};

pub(super) static SIGNAL: Positions = Positions {
    about: About {
        name: "mql5_signal",
        broker: "mql5",
        title: "MQL5, history of a signal",
        header: &[
            "Time",
            "Type",
            "Volume",
            "Symbol",
            "Price",
            "Time 2",
            "Price 2",
            "Commission",
            "Swap",
            "Profit",
        ],
    },
    columns: Columns {
        id: &[],
        opened: &["Time"],
        kind: &["Type"],
        state: &[],
        size: &["Volume"],
        symbol: &["Symbol"],
        open_price: &["Price"],
        closed: &["Time 2"],
        close_price: &["Price 2"],
        commission: &["Commission"],
        taxes: &[],
        swap: &["Swap"],
        profit: &["Profit"],
    },
    times: &["%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M"],
    zone: Zone::Account,
    order: Order::NewestFirst,
    profit: Profit::Gross,
};
