//! Exness: the closed positions of an account. Times are UTC, as its columns say.

use super::{
    About,
    round_trip::{Columns, Positions, Profit},
    table::Order,
    time::Zone,
};

pub(super) static POSITIONS: Positions = Positions {
    about: About {
        name: "exness",
        broker: "exness",
        title: "Exness, closed positions",
        header: &[
            "ticket",
            "opening_time_utc",
            "closing_time_utc",
            "type",
            "lots",
            "symbol",
            "opening_price",
            "closing_price",
        ],
    },
    columns: Columns {
        id: &["ticket"],
        opened: &["opening_time_utc"],
        kind: &["type"],
        state: &[],
        size: &["lots"],
        symbol: &["symbol"],
        open_price: &["opening_price"],
        closed: &["closing_time_utc"],
        close_price: &["closing_price"],
        commission: &["commission", "commission_usd"],
        taxes: &[],
        swap: &["swap", "swap_usd"],
        profit: &["profit", "profit_usd"],
    },
    times: &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S"],
    zone: Zone::Utc,
    order: Order::NewestFirst,
    profit: Profit::Gross,
};
