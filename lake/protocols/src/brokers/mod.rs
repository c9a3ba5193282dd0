//! Brokers: what their files and answers say of the trades of an account.
//!
//! A broker is one file here and a line in [`all`]. Its file has the layouts that the broker writes, and what is particular
//! about each. Everything is pure: bytes and the account's terms in, rows out. Every row of a file is one or more fills, or
//! something recognised that is no trade, or broken, with its place and the value that is wrong.
//!
//! A layout is recognised by its header or its members, never by the name of a file.

mod binance;
mod bitstamp;
mod bittrex;
mod bittytax;
mod bitvavo;
mod blockfi;
mod cgt_calc;
mod coinbase;
mod coinledger;
mod cointracking;
mod connector;
mod cryptocom;
mod dali;
mod degiro;
mod delta;
mod etoro;
mod exness;
mod fidelity;
mod file;
mod finpension;
mod freetrade;
mod freqtrade;
mod ftmo;
mod fxblue;
mod gemini;
mod generic;
mod ghostfolio;
mod html;
mod interactive_brokers;
mod investengine;
mod investimental;
mod kraken;
mod kucoin;
mod metatrader4;
mod metatrader5;
mod morgan_stanley;
mod mql5;
mod myfxbook;
mod nexo;
mod number;
mod poloniex;
mod portfolio_performance;
mod rabobank;
mod record;
mod revolut;
mod rotki;
mod round_trip;
mod schwab;
mod shapeshift;
mod swap;
mod swissquote;
mod table;
mod time;
mod trade_republic;
mod tradenote;
mod trading212;
mod uphold;
mod vanguard;
mod wallets;
mod wealthfolio;
mod workbook;
mod xtb;

use std::fmt::Debug;

use cauce_model::{Account, AccountTerms, Fetching, Fill, Rule, SkippedAs};
pub use connector::{
    Ask, Begin, Connector, Heard, Login, Reply, Session, Trouble, connectors, find_connector,
};
use file::File;
use thiserror::Error;

use crate::document::Bytes;

/// Every layout that is understood, in the order in which they are tried: the particular before the general.
pub fn all() -> &'static [&'static dyn Layout] {
    ALL
}

static ALL: &[&dyn Layout] = &[
    &portfolio_performance::ClientXml,
    &fidelity::ONE_ACCOUNT,
    &fidelity::ALL_ACCOUNTS,
    &vanguard::Report,
    &investimental::OrderLog,
    &metatrader4::Statement,
    &metatrader4::StrategyTester,
    &metatrader5::History,
    &metatrader4::TABLE,
    &myfxbook::TRADES,
    &fxblue::POSITIONS,
    &mql5::SIGNAL,
    &ftmo::POSITIONS,
    &exness::POSITIONS,
    &interactive_brokers::FlexXml,
    &interactive_brokers::FlexTable,
    &interactive_brokers::TransactionHistory,
    &ghostfolio::ACTIVITIES_TABLE,
    &ghostfolio::ACTIVITIES_TABLE_SHORT,
    &ghostfolio::Activities,
    &degiro::Account,
    &degiro::Transactions,
    &binance::SPOT_EXPORT,
    &binance::SPOT_EXPORT_NEWER,
    &binance::SPOT_EXPORT_OLDER,
    &binance::FUTURES_EXPORT,
    &binance::FUTURES_EXPORT_UTC,
    &binance::FUTURES_EXPORT_NEWER,
    &binance::AUTO_INVEST,
    &binance::Statement,
    &binance::Answers,
    &coinbase::TRANSACTIONS,
    &coinbase::TRANSACTIONS_OLDER,
    &coinbase::FILLS,
    &bitstamp::TRANSACTIONS,
    &bitstamp::TRANSACTIONS_NEWER,
    &bitstamp::Answers,
    &trading212::HISTORY,
    &trading212::HISTORY_UTC,
    &revolut::TRADES,
    &etoro::ACTIVITY,
    &etoro::ACTIVITY_NEWER,
    &trade_republic::TRANSACTIONS,
    &rotki::TRADES,
    &rotki::EVENTS,
    &swissquote::TRANSACTIONS,
    &xtb::OPERATIONS,
    &xtb::OPERATIONS_NEWER,
    &rabobank::TRANSACTIONS,
    &finpension::TRANSACTIONS,
    &investengine::TRANSACTIONS,
    &freetrade::TRANSACTIONS,
    &bitvavo::TRANSACTIONS,
    &cointracking::TRADES,
    &delta::TRANSACTIONS,
    &bittytax::RECORDS,
    &bittrex::ORDERS,
    &bittrex::TRANSFERS,
    &bittrex::DEPOSITS_OLDER,
    &bittrex::WITHDRAWALS_OLDER,
    &blockfi::TRADES,
    &blockfi::LEDGER,
    &kucoin::TRADES,
    &kucoin::TRADES_OLDER,
    &kucoin::TRADES_NEWER,
    &nexo::TRANSACTIONS,
    &shapeshift::TRADES,
    &uphold::TRANSACTIONS,
    &cryptocom::TRANSACTIONS,
    &coinledger::Legs,
    &cgt_calc::TRANSACTIONS,
    &tradenote::EXECUTIONS,
    &wealthfolio::ACTIVITIES,
    &wealthfolio::SETTLED,
    &dali::ACQUIRED,
    &dali::DISPOSED,
    &poloniex::TRADES,
    &poloniex::Answers,
    &kraken::TRADES,
    &kraken::Ledgers,
    &gemini::Answers,
    &freqtrade::Backtest,
    &schwab::TRANSACTIONS,
    &schwab::AWARDS,
    &schwab::EquityAwards,
    &morgan_stanley::WITHDRAWALS,
    &morgan_stanley::WIRES,
    &morgan_stanley::RELEASES,
    &wallets::BITMEX,
    &wallets::BITCOIN_TAX,
    &wallets::PIONEX,
    &wallets::TREZOR,
    &wallets::BITBANK,
    &wallets::BITBANK_FIAT,
];

/// What is known of a layout, as data.
#[derive(Debug)]
pub struct About {
    /// Its name: small letters, digits and `_`.
    pub name: &'static str,
    /// Whose it is.
    pub broker: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The columns or members that it is recognised by.
    pub header: &'static [&'static str],
}

/// One way in which a broker writes.
pub trait Layout: Debug + Send + Sync {
    /// What is known of it.
    fn about(&self) -> &About;

    /// Whether a file is of this layout.
    fn is_of(&self, file: &File<'_>) -> bool;

    /// All rows of a file of this layout, in its order.
    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row>;
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line, or its place among the records, from 1.
    pub place: u32,
    /// The row, as it stands there.
    pub text: String,
    /// What it says.
    pub said: Said,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is a trade: a fill, or the two of a position that the broker reports as one row.
    Fills(Vec<Fill>),
    /// It is recognised, and no trade.
    Skipped(SkippedAs, String),
    /// It should be a trade, and can't be read.
    Broken(Broken),
}

/// Why a row can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{column}: '{value}' {reason}")]
pub struct Broken {
    /// The rule that it breaks.
    pub rule: Rule,
    /// The column or member.
    pub column: String,
    /// Its value.
    pub value: String,
    /// What is wrong with it; reads on from the value.
    pub reason: String,
}

impl Broken {
    pub(crate) fn new(rule: Rule, column: &str, value: &str, reason: impl Into<String>) -> Self {
        let value = value.chars().take(120).collect();
        Self { rule, column: column.to_owned(), value, reason: reason.into() }
    }
}

/// Why a file as a whole can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnknownLayout {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is a workbook, and broken.
    #[error("the workbook can't be read: {why}; save its sheet as CSV")]
    Workbook {
        /// What is wrong with it.
        why: String,
    },
    /// No layout has such a header.
    #[error(
        "no known layout has the header [{header}]; the nearest is {nearest}, of which [{missing}] are not there. If all is there by other names, name them in columns \
         of the account, with layout = \"generic\""
    )]
    Header {
        /// The header, as it stands there.
        header: String,
        /// The nearest known layout.
        nearest: &'static str,
        /// The columns of that layout that are not in the header.
        missing: String,
    },
    /// The account asks for a layout that there is not.
    #[error("there is no layout '{name}'; there are {known}")]
    Name {
        /// What was asked for.
        name: String,
        /// All of them.
        known: String,
    },
    /// The account's layout is not that of the file.
    #[error("the file is not of the layout '{name}' that the account says: its header is [{header}]")]
    Other {
        /// What the account says.
        name: String,
        /// The header, as it stands there.
        header: String,
    },
}

/// A file, read.
#[derive(Debug)]
pub struct Reading {
    /// What its layout is.
    pub layout: &'static About,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Reads a file or an answer of a broker. Of a workbook the first sheet that has a known layout is read.
pub fn read(bytes: Bytes<'_>, terms: &AccountTerms) -> Result<Reading, UnknownLayout> {
    let sheets = match workbook::sheets(bytes) {
        None => return read_file(&File::of(bytes), terms),
        Some(sheets) => sheets.map_err(|why| UnknownLayout::Workbook { why })?,
    };
    let mut unknown = UnknownLayout::Empty;
    for sheet in sheets {
        match read_file(&File::of(Bytes { content_type: None, body: sheet.as_bytes() }), terms) {
            Err(why @ (UnknownLayout::Header { .. } | UnknownLayout::Other { .. }))
                if unknown == UnknownLayout::Empty =>
            {
                unknown = why;
            }
            Err(UnknownLayout::Empty | UnknownLayout::Header { .. } | UnknownLayout::Other { .. }) => {}
            read => return read,
        }
    }
    Err(unknown)
}

fn read_file(file: &File<'_>, terms: &AccountTerms) -> Result<Reading, UnknownLayout> {
    if file.is_empty() {
        return Err(UnknownLayout::Empty);
    }
    let layout = match terms.layout.as_deref() {
        Some(generic::NAME) => &generic::Generic as &'static dyn Layout,
        Some(name) => {
            let layout =
                find(name).ok_or_else(|| UnknownLayout::Name { name: name.to_owned(), known: names() })?;
            if !layout.is_of(file) {
                return Err(UnknownLayout::Other {
                    name: name.to_owned(),
                    header: file.first_header().join(", "),
                });
            }
            layout
        }
        None => match all().iter().find(|layout| layout.is_of(file)) {
            Some(layout) => *layout,
            None => return Err(nearest(file)),
        },
    };
    let mut rows = layout.read(file, terms);
    if let Some(wanted) = &terms.broker_account {
        for row in &mut rows {
            only_of(wanted, row);
        }
    }
    Ok(Reading { layout: layout.about(), rows })
}

/// Of a file with several accounts only the one that is wanted.
fn only_of(wanted: &str, row: &mut Row) {
    let Said::Fills(fills) = &row.said else { return };
    let other =
        fills.iter().filter_map(|fill| fill.broker_account.as_ref()).find(|account| *account != wanted);
    if let Some(other) = other {
        row.said = Said::Skipped(SkippedAs::State, format!("of the account {other}"));
    }
}

/// Whether what an account says of its files and of how it is fetched can be: its layout, its time zone and its connectors are
/// known ones. An error says what is wrong.
pub fn check(account: &Account) -> Result<(), String> {
    check_terms(&account.files)?;
    account.fetch.as_ref().map_or(Ok(()), check_fetching)
}

fn check_terms(terms: &AccountTerms) -> Result<(), String> {
    if let Some(name) = terms.layout.as_deref().filter(|name| *name != generic::NAME && find(name).is_none())
    {
        return Err(format!("there is no layout '{name}'; there are {}", names()));
    }
    match &terms.time_zone {
        Some(zone) if !time::is_zone(zone) => Err(format!(
            "time_zone '{zone}' is none of the zones' database, such as \"America/Caracas\" or \"UTC\""
        )),
        _ => Ok(()),
    }
}

fn check_fetching(fetching: &Fetching) -> Result<(), String> {
    if fetching.from.is_empty() {
        return Err("fetch.from names no connector to fetch from".to_owned());
    }
    let twice = |(place, name): &(usize, &String)| fetching.from[..*place].contains(name);
    if let Some((_, name)) = fetching.from.iter().enumerate().find(twice) {
        return Err(format!("fetch.from names '{name}' twice"));
    }
    match fetching.from.iter().find(|name| find_connector(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let known: Vec<&str> = connectors().iter().map(|connector| connector.name()).collect();
            Err(format!("there is no connector '{name}'; there are {}", known.join(", ")))
        }
    }
}

/// The layout of this name.
pub fn find(name: &str) -> Option<&'static dyn Layout> {
    all().iter().copied().find(|layout| layout.about().name == name)
}

fn names() -> String {
    let known = all().iter().map(|layout| layout.about().name);
    known.chain([generic::NAME]).collect::<Vec<_>>().join(", ")
}

fn nearest(file: &File<'_>) -> UnknownLayout {
    let header = file.first_header();
    let has = |column: &&&str| header.iter().any(|found| found == **column);
    let nearest = all()
        .iter()
        .map(|layout| layout.about())
        // As a share of what the layout needs, in thousandths.
        .max_by_key(|about| about.header.iter().filter(has).count() * 1_000 / about.header.len().max(1));
    let missing = |about: &About| {
        let missing: Vec<&str> = about.header.iter().copied().filter(|column| !has(&column)).collect();
        missing.join(", ")
    };
    UnknownLayout::Header {
        header: header.join(", "),
        nearest: nearest.map_or("none", |about| about.name),
        missing: nearest.map(missing).unwrap_or_default(),
    }
}
