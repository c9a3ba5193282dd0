use std::sync::{Mutex, PoisonError};

use cauce_model::{Asset, Fiat, TradeType};
use serde::{Deserialize, Serialize};

/// How the venue misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultMode {
    /// HTTP 429 with `Retry-After: 1`.
    RateLimited,
    /// HTTP 503.
    ServerError,
    /// HTTP 403.
    Forbidden,
    /// HTTP 451 with the venue's words for it.
    GeoBlocked,
    /// The answer takes so many milliseconds.
    Slow {
        /// How long.
        millis: u64,
    },
    /// The connection ends in the middle of the body.
    CutBody,
    /// A whole body that ends in the middle of the JSON.
    TruncatedJson,
    /// A web page with status 200.
    HtmlBlockPage,
    /// A market without offers.
    EmptyMarket,
    /// Status 200 and a code that is not "000000".
    VenueCode,
}

/// A fault, and which requests it hits: those that name the same asset, currency, side and page, where given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How.
    pub mode: FaultMode,
    /// Only this asset.
    #[serde(default)]
    pub asset: Option<Asset>,
    /// Only this currency.
    #[serde(default)]
    pub fiat: Option<Fiat>,
    /// Only this side.
    #[serde(default)]
    pub trade_type: Option<TradeType>,
    /// Only this page.
    #[serde(default)]
    pub page: Option<u32>,
    /// So many requests, then no more; all if not given.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that hits every request.
    pub fn always(mode: FaultMode) -> Self {
        Self { mode, asset: None, fiat: None, trade_type: None, page: None, times: None }
    }
}

/// Faults at work, the first that fits hits.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn hit(&self, asset: &str, fiat: &str, side: TradeType, page: u32) -> Option<FaultMode> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |fault: &Fault| {
            fault.asset.as_ref().is_none_or(|only| only.as_str() == asset)
                && fault.fiat.as_ref().is_none_or(|only| only.as_str() == fiat)
                && fault.trade_type.is_none_or(|only| only == side)
                && fault.page.is_none_or(|only| only == page)
                && fault.times != Some(0)
        };
        let fault = faults.iter_mut().find(|fault| fits(fault))?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.mode)
    }
}
