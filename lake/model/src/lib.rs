//! What a record is: money, time, sides, statuses and ids. No I/O, and no knowledge of any other crate.
//!
//! Values are parsed, not validated: a [`Price`] that exists is positive and fits the lake's decimals, a
//! [`Market`] that exists has a well-formed venue, asset and currency. What cannot be parsed is refused with
//! a [`BadValue`] that names the field, the value and the reason.

mod account;
mod check;
mod delivery;
mod error;
mod fees;
mod fx;
mod ids;
mod market;
mod money;
mod names;
mod offer;
mod payment;
mod payment_state;
mod run;
mod secret;
pub mod seed;
mod trade;

pub use account::{Account, AccountResult, AccountStatus, Fetching, ImportReport, TradingDays};
pub use check::{Check, Quarantined, Rule};
pub use delivery::{BatchResult, DeliveryReport, DeliveryStatus, Rejection};
pub use error::BadValue;
pub use fees::{Fees, TakerFees};
pub use fx::DatedRate;
pub use ids::{RawId, RunId, SnapshotId};
pub use market::{Asset, Fiat, MakerSide, Market, TradeType, Venue};
pub use money::{
    AMOUNT_PRECISION, AMOUNT_SCALE, Amount, Price, RATE_PRECISION, RATE_SCALE, Rate, median, sum_of_squares,
};
pub use offer::{AdvertiserSk, Depth, Offer, Snapshot};
pub use payment::{
    Currency, EventId, FailureReason, Money, NormalizationMethod, Reading, SignatureState, StatusCategory,
    Subject, Totals,
};
pub use payment_state::{Flag, Observed, PaymentState, is_about_payment};
pub use run::{ErrorType, MarketResult, MarketStatus, RequestError, RunReport, RunStatus, RunTotals};
pub use secret::SecretPlace;
pub use trade::{
    AccountId, AccountTerms, DateOrder, Effect, Fee, Fill, MarketKind, PositionSide, QUANTITY_PRECISION,
    QUANTITY_SCALE, Side, SkippedAs,
};
