use cauce_model::{MarketKind, Side};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// Which way a position goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// It gains when the price rises.
    Long,
    /// It gains when the price falls.
    Short,
}

impl Direction {
    /// The direction of a position that such a fill opens.
    pub fn opened_by(side: Side) -> Self {
        match side {
            Side::Buy => Self::Long,
            Side::Sell => Self::Short,
        }
    }

    /// The direction of a position that such a fill closes.
    pub fn closed_by(side: Side) -> Self {
        Self::opened_by(side.opposite())
    }

    /// `long` or `short`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// How what is closed is set against what was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// What was opened first is closed first.
    Fifo,
    /// Everything that is open has one price, the mean by quantity.
    Average,
    /// The profit is the broker's own.
    BrokerReported,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fifo, Self::Average, Self::BrokerReported];

    /// Its name, as it stands in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Average => "average",
            Self::BrokerReported => "broker_reported",
        }
    }
}

/// What one fill closed. Amounts are in `currency`, and costs are more than zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// What was traded, as the broker names it.
    pub symbol: String,
    /// In what kind of market.
    pub market: MarketKind,
    /// The account at the broker, where one file is of several.
    pub broker_account: Option<String>,
    /// The broker's own id of the position.
    pub position_id: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// When the first of what was closed was opened; none if that is not in the account's history.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: DateTime<Utc>,
    /// The moments of one closing order: the place of the trade that closed it.
    pub closing: usize,
    /// How much was closed.
    pub quantity: Decimal,
    /// What it was opened at, the mean by quantity; none if that is not in the account's history.
    pub entry_price: Option<Decimal>,
    /// What it was closed at.
    pub exit_price: Decimal,
    /// Fees of opening and closing it; none if one of them can't be valued.
    pub fees: Option<Decimal>,
    /// Interest for nights, as the broker said; less than zero was paid. None if it can't be valued.
    pub swap: Option<Decimal>,
    /// Taxes; more than zero was paid. None if they can't be valued.
    pub taxes: Option<Decimal>,
    /// Profit by price alone.
    pub gross: Decimal,
    /// Profit after fees, swap and taxes; none if one of them can't be valued.
    pub net: Option<Decimal>,
    /// How it was matched.
    pub method: Method,
    /// What amounts are in; none if the source does not say what prices are in.
    pub currency: Option<String>,
    /// Profit that the broker reports, before fees.
    pub reported: Option<Decimal>,
    /// By how much the profit of its prices is more than that, where both are in one currency.
    pub difference: Option<Decimal>,
    /// The broker's id of the fill that closed it.
    pub external_id: Option<String>,
    /// From how many openings it came.
    pub lots: u32,
}

impl Position {
    /// Seconds from the first opening until the close.
    pub fn seconds(&self) -> Option<i64> {
        Some((self.closed_at - self.opened_at?).num_seconds())
    }
}
