//! Trades of an account: what a broker's file or answer says, row by row.

use cauce_model::{AccountId, AccountTerms, Fill, Rule, SkippedAs};
use cauce_protocols::{
    brokers::{self, About, Said},
    document::Bytes,
};
use cauce_raw::{ACCOUNT_HEADER, Envelope};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Whose trades an envelope has, and how they are read: the header [`ACCOUNT_HEADER`], as JSON. It is kept with the bytes, so
/// that they give the same fills whatever becomes of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeSource {
    /// The account.
    pub account: AccountId,
    /// What it says of its files.
    #[serde(default)]
    pub files: AccountTerms,
}

/// One fill, as one source gave it: a row of `trade_observations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeObservation {
    /// The envelope that it stands in.
    pub raw_pos: i32,
    /// The row of the file, from 1.
    pub record: i32,
    /// Which of the row's fills, from 0.
    pub part: i32,
    /// Whose it is.
    pub account: AccountId,
    /// Whose format it is.
    pub broker: String,
    /// Which of its formats.
    pub layout: String,
    /// What tells the bytes that it was read from.
    pub source_hash: String,
    /// What it says.
    pub fill: Fill,
}

/// A row that gives no fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRow {
    /// The row of the file, from 1.
    pub record: i32,
    /// The row, as it stands there.
    pub text: String,
    /// What it is, or why it can't be read.
    pub why: WhyNone,
}

/// Why a row gives no fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNone {
    /// It is recognised, and no trade.
    Skipped(SkippedAs, String),
    /// It should be a trade, and can't be read: the rule that it breaks, and why.
    Broken(Rule, String),
}

/// What a file or an answer says.
#[derive(Debug, Clone)]
pub struct Trades {
    /// What its layout is.
    pub layout: &'static About,
    /// Its fills, in its order.
    pub fills: Vec<TradeObservation>,
    /// All its other rows.
    pub others: Vec<OtherRow>,
}

impl Trades {
    /// Rows that should be trades, and can't be read.
    pub fn broken(&self) -> impl Iterator<Item = (&OtherRow, Rule, &str)> {
        self.others.iter().filter_map(|row| match &row.why {
            WhyNone::Broken(rule, reason) => Some((row, *rule, reason.as_str())),
            WhyNone::Skipped(..) => None,
        })
    }
}

/// Reads the trades in an envelope. An error is that nothing in it can be read.
pub fn trades(raw_pos: i32, envelope: &Envelope<'_>) -> Result<Trades, String> {
    let header = envelope.headers.get(ACCOUNT_HEADER).ok_or("it does not say whose trades it has")?;
    let source: TradeSource = serde_json::from_str(header).map_err(|error| error.to_string())?;
    let content_type = envelope.headers.get("content-type").map(String::as_str);
    let bytes = Bytes { content_type, body: envelope.body.bytes() };
    let reading = brokers::read(bytes, &source.files).map_err(|unknown| unknown.to_string())?;
    let source_hash = blake3::hash(envelope.body.bytes()).to_hex()[..32].to_owned();
    let mut trades = Trades { layout: reading.layout, fills: Vec::new(), others: Vec::new() };
    for row in reading.rows {
        let record = i32::try_from(row.place).unwrap_or(i32::MAX);
        let why = match row.said {
            Said::Fills(fills) => match fills.iter().find_map(too_long) {
                Some(reason) => WhyNone::Broken(Rule::InvalidNumber, reason),
                None => {
                    trades.fills.extend((0..).zip(fills).map(|(part, fill)| TradeObservation {
                        raw_pos,
                        record,
                        part,
                        account: source.account.clone(),
                        broker: reading.layout.broker.to_owned(),
                        layout: reading.layout.name.to_owned(),
                        source_hash: source_hash.clone(),
                        fill,
                    }));
                    continue;
                }
            },
            Said::Skipped(kind, reason) => WhyNone::Skipped(kind, reason),
            Said::Broken(broken) => WhyNone::Broken(broken.rule, broken.to_string()),
        };
        trades.others.push(OtherRow { record, text: row.text, why });
    }
    Ok(trades)
}

/// What is wrong with a fill one of whose numbers has more digits than a column.
fn too_long(fill: &Fill) -> Option<String> {
    let fees = fill.fees.iter().map(|fee| ("fee", fee.amount));
    let optional = [("swap", fill.swap), ("taxes", fill.taxes), ("profit", fill.reported_pnl)];
    let numbers = [("quantity", fill.quantity), ("price", fill.price), ("multiplier", fill.multiplier)]
        .into_iter()
        .chain(optional.into_iter().filter_map(|(name, number): (_, Option<Decimal>)| Some((name, number?))))
        .chain(fees);
    let (name, number) = numbers.into_iter().find(|(_, number)| Fill::units(*number).is_none())?;
    Some(format!("{name}: '{number}' has more digits than 20 before the point"))
}
