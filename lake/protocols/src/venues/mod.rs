//! P2P venues.

mod binance_p2p;

use std::borrow::Cow;

use cauce_model::{ErrorType, MakerSide, Market, Offer, Rule, TradeType};
use serde_json::Value;

use crate::Drift;

/// Every venue that Cauce speaks with. Adding one is its file and a line here.
pub fn all() -> &'static [&'static dyn VenueProtocol] {
    &[&binance_p2p::BinanceP2p]
}

/// The venue of this name.
pub fn find(name: &str) -> Option<&'static dyn VenueProtocol> {
    all().iter().copied().find(|venue| venue.name() == name)
}

/// What to send for one page of a market.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRequest {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query, to be put behind the venue's `base_url`.
    pub path: String,
    /// JSON to send with it.
    pub body: Option<Value>,
}

/// What came back, before anybody has looked into it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// The header `content-type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// An answer that is good: what the pulling engine needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSummary {
    /// Offers of the market, as the venue counts them.
    pub announced: u32,
    /// Ids of the offers on this page, in its order.
    pub offer_ids: Vec<String>,
}

/// An answer that is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub error_type: ErrorType,
    /// What was seen.
    pub message: String,
}

/// One record of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "offers are the rule and rejects the exception")]
pub enum Record<'a> {
    /// An offer, and the pair that it says it belongs to.
    Offer {
        /// The asset it names.
        asset: Cow<'a, str>,
        /// The currency it names.
        fiat: Cow<'a, str>,
        /// The offer. `raw_pos` and `rank` count from the page; the normalizer sets them.
        offer: Offer<'a>,
    },
    /// A record that broke a hard rule.
    Reject {
        /// The rule.
        rule: Rule,
        /// The field and its value.
        reason: String,
        /// The record, verbatim.
        record: Cow<'a, str>,
    },
}

/// A page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    /// Offers of the market, as the venue counts them.
    pub announced: Option<u32>,
    /// Everything on the page, in its order.
    pub records: Vec<Record<'a>>,
}

/// A body that is not a page of this venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// [`Rule::InvalidJson`] or [`Rule::UnknownShape`].
    pub rule: Rule,
    /// What is wrong.
    pub reason: String,
}

/// Reads offers out of bytes.
pub trait PageReader: Sync {
    /// Offers on a full page.
    fn page_size(&self) -> u32;

    /// Reads the records of a page. Unknown and missing fields are counted in `drift`.
    fn read<'a>(&self, body: &'a [u8], drift: &mut Drift) -> Result<Page<'a>, Unreadable>;

    /// The text of record `index` of a page, for quarantine.
    fn verbatim<'a>(&self, body: &'a [u8], index: usize) -> Cow<'a, str>;

    /// Whether a page that does not say how many offers there are has all of them.
    fn knows_completeness(&self) -> bool {
        true
    }
}

/// A P2P venue.
pub trait VenueProtocol: PageReader {
    /// The venue's name, as in configuration, keys and facts.
    fn name(&self) -> &'static str;

    /// Where it lives.
    fn base_url(&self) -> &'static str;

    /// The request for page `page` (from 1) of a market.
    fn request(&self, market: &Market, page: u32) -> PageRequest;

    /// Judges an answer: a page, or what kind of failure.
    fn judge(&self, answer: Answer<'_>) -> Result<PageSummary, Failure>;

    /// The taker's side of an offer that was not asked for by side: a file somebody saved.
    fn taker_side(&self, maker: MakerSide) -> TradeType {
        maker.taker()
    }
}

/// Which rule a refused number breaks: `out_of_range` if it is a number at all and not above zero.
pub(crate) fn rule_of(text: &str, out_of_range: Rule) -> Rule {
    match rust_decimal::Decimal::from_scientific(text).or_else(|_| text.parse()) {
        Ok(value) if value.is_sign_negative() || value.is_zero() => out_of_range,
        _ => Rule::InvalidNumber,
    }
}

/// What HTTP itself says about an answer, the same for every venue: none if the body is worth reading.
fn judge_http(answer: &Answer<'_>) -> Option<Failure> {
    let head = || head_of(answer.body);
    let failure = |error_type, message: String| Some(Failure { error_type, message });
    let html = answer.content_type.is_some_and(|kind| kind.contains("html")) || looks_like_html(answer.body);
    match answer.status {
        429 => failure(ErrorType::RateLimited, format!("http 429: {}", head())),
        403 => failure(ErrorType::Forbidden, format!("http 403: {}", head())),
        451 => failure(ErrorType::GeoBlocked, format!("http 451: {}", head())),
        status @ 500..=599 => failure(ErrorType::ServerError, format!("http {status}: {}", head())),
        200..=299 if html => {
            failure(ErrorType::HtmlBlockPage, format!("a web page instead of JSON: {}", head()))
        }
        200..=299 => None,
        status => failure(ErrorType::HttpStatus, format!("http {status}: {}", head())),
    }
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// The beginning of a body, for an error message.
fn head_of(body: &[u8]) -> String {
    const SHOWN: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN * 4)]);
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if flat.is_empty() { "(no body)".to_owned() } else { flat }
}
