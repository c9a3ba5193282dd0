//! The conversation with one of Binance's markets about one account.
//!
//! ```text
//! time ─► balances ─► symbols ─┐
//!    └──► incomes ─► positions ┴─► fills of each symbol, page by page, by their ids
//! ```

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    super::connector::{Ask, Begin, Heard, Reply, Session, Trouble},
    cursor::{self, Cursor, Listed},
    market::{Market, SPOT},
    refusal::{self, Refusal},
    signing::Signer,
};

/// Fills and incomes of one answer at most.
pub(super) const PAGE: usize = 1_000;
/// How long a signed request may be on its way, in milliseconds.
const RECEIVE_WINDOW: &str = "5000";
/// Times that the clock is set before the broker is believed to have none.
const MOST_CLOCKS: u32 = 3;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// What time it is there.
    Time,
    /// Whether the key lives, and what it may do. Only the server of the spot market says so.
    Restrictions,
    /// Spot: what the account has.
    Balances,
    /// Spot: which symbols there are.
    Symbols,
    /// Futures: what the account earned and paid from a time on.
    Incomes { since: i64 },
    /// Futures: what it holds.
    Positions,
    /// Fills of a symbol from an id on.
    Fills { symbol: String, from: i64 },
    /// Fills of a symbol of which no id is known, within a time.
    Window { symbol: String, since: i64, span: i64 },
}

impl Step {
    /// The symbol that it is about, if it is about fills of one.
    fn symbol(&self) -> Option<&str> {
        match self {
            Self::Fills { symbol, .. } | Self::Window { symbol, .. } => Some(symbol),
            _ => None,
        }
    }
}

/// A session with Binance.
#[derive(Debug)]
pub(super) struct Conversation {
    market: &'static Market,
    key: String,
    signer: Signer,
    wanted: Vec<String>,
    weight_per_minute: u32,
    steps: VecDeque<Step>,
    /// How far the server's clock is before ours.
    ahead: TimeDelta,
    clocks: u32,
    /// Where it goes on if it ends now.
    cursor: Cursor,
    /// What it knows only when all is heard that follows from it.
    then: Cursor,
    /// Futures: symbols that the incomes of this session name.
    earned: BTreeSet<String>,
    /// Nothing was left out that is to be asked for again.
    is_whole: bool,
    problems: Vec<String>,
    now: DateTime<Utc>,
}

impl Conversation {
    pub(super) fn new(market: &'static Market, begin: Begin<'_>) -> Result<Self, String> {
        // A cursor of another version is begun anew: what is known already is found to be.
        let cursor: Cursor =
            begin.cursor.and_then(|cursor| serde_json::from_value(cursor.clone()).ok()).unwrap_or_default();
        let first = match market.is_spot {
            true => Step::Balances,
            false => Step::Incomes { since: cursor::first_income(&cursor, begin.now) },
        };
        Ok(Self {
            market,
            key: begin.login.key.clone(),
            signer: Signer::of(begin.login)?,
            wanted: begin.symbols.to_vec(),
            weight_per_minute: begin.weight_per_minute,
            steps: [Step::Time, first].into(),
            ahead: TimeDelta::zero(),
            clocks: 0,
            then: cursor.clone(),
            cursor,
            earned: BTreeSet::new(),
            is_whole: true,
            problems: Vec::new(),
            now: begin.now,
        })
    }

    fn ask(&self, step: &Step, now: DateTime<Utc>) -> Ask {
        let Market { prefix, trades, weights, .. } = self.market;
        let limit = PAGE.to_string();
        let (path, query, weight): (String, Vec<(&str, String)>, u32) = match step {
            Step::Time => return self.common(format!("{prefix}/time"), 1, false),
            Step::Symbols => {
                let path = format!("{prefix}/exchangeInfo?showPermissionSets=false");
                return self.common(path, weights.discovery, true);
            }
            Step::Restrictions => ("/sapi/v1/account/apiRestrictions".to_owned(), Vec::new(), 1),
            Step::Balances => {
                let query = vec![("omitZeroBalances", "true".to_owned())];
                (format!("{prefix}/account"), query, weights.account)
            }
            Step::Incomes { since } => {
                let query = vec![("startTime", since.to_string()), ("limit", limit)];
                (format!("{prefix}/income"), query, weights.discovery)
            }
            Step::Positions => (self.positions(), Vec::new(), weights.account),
            Step::Fills { symbol, from } => {
                let query = vec![("symbol", symbol.clone()), ("fromId", from.to_string()), ("limit", limit)];
                (format!("{prefix}/{trades}"), query, weights.trades)
            }
            Step::Window { symbol, since, span } => {
                let until = (since + span - 1).to_string();
                let times = [("startTime", since.to_string()), ("endTime", until)];
                let query = [("symbol", symbol.clone())].into_iter().chain(times).chain([("limit", limit)]);
                (format!("{prefix}/{trades}"), query.collect(), weights.trades)
            }
        };
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(query);
        pairs.append_pair("recvWindow", RECEIVE_WINDOW);
        pairs.append_pair("timestamp", &(now + self.ahead).timestamp_millis().to_string());
        let query = pairs.finish();
        let server = if *step == Step::Restrictions { SPOT.name } else { self.market.name };
        Ask {
            server,
            path: format!("{path}?{}", self.signer.signed(&query)),
            shown: format!("{path}?{query}"),
            headers: vec![("x-mbx-apikey", self.key.clone())],
            weight,
            is_common: false,
        }
    }

    /// A request that needs no key.
    fn common(&self, path: String, weight: u32, is_common: bool) -> Ask {
        Ask { server: self.market.name, shown: path.clone(), path, headers: Vec::new(), weight, is_common }
    }

    /// The newer path of USD-M futures tells only of positions that there are.
    fn positions(&self) -> String {
        match self.market.prefix {
            "/fapi/v1" => "/fapi/v3/positionRisk".to_owned(),
            prefix => format!("{prefix}/positionRisk"),
        }
    }

    /// Takes an answer that is one.
    fn take(&mut self, step: &Step, reply: &Reply<'_>) -> Result<bool, Trouble> {
        match step {
            Step::Time => {
                let Time { server_time } = read(reply)?;
                // Half of the way there and back.
                let there = reply.sent_at + (reply.received_at - reply.sent_at) / 2;
                let server_time = DateTime::from_timestamp_millis(server_time)
                    .ok_or_else(|| Trouble::Passing("the server's time is none".to_owned()))?;
                self.ahead = server_time - there;
            }
            Step::Restrictions => return Err(refusal::not_permitted(&read(reply)?)),
            Step::Balances => {
                let Account { balances } = read(reply)?;
                let all = |Balance { asset, free, locked }| (asset, free + locked);
                self.then.balances =
                    balances.into_iter().map(all).filter(|(_, amount)| !amount.is_zero()).collect();
                self.steps.push_back(Step::Symbols);
            }
            Step::Symbols => {
                let Catalogue { symbols } = read(reply)?;
                let (asked, in_turn) =
                    cursor::of_spot(&self.cursor, &self.then.balances, &symbols, &self.wanted);
                self.then.in_turn = in_turn;
                for symbol in asked {
                    let from = self.cursor.last.get(&symbol).map_or(0, |last| last + 1);
                    self.steps.push_back(Step::Fills { symbol, from });
                }
            }
            Step::Incomes { since } => self.take_incomes(*since, read(reply)?),
            Step::Positions => self.take_positions(read(reply)?),
            Step::Fills { symbol, from } => {
                let ids = ids(reply, *from)?;
                if let Some(last) = ids.iter().max() {
                    self.cursor.last.insert(symbol.clone(), *last);
                    if ids.len() >= PAGE {
                        self.steps.push_front(Step::Fills { symbol: symbol.clone(), from: last + 1 });
                    }
                }
                return Ok(!ids.is_empty());
            }
            Step::Window { symbol, since, span } => {
                let ids = ids(reply, 0)?;
                let next = since + span;
                // It does not say which end of the time a full page is of: less is asked for.
                if ids.len() >= PAGE && *span > 1 {
                    self.steps.push_front(Step::Window {
                        symbol: symbol.clone(),
                        since: *since,
                        span: span / 2,
                    });
                    return Ok(false);
                }
                match ids.iter().max() {
                    Some(last) => {
                        self.cursor.last.insert(symbol.clone(), *last);
                        self.cursor.empty_until.remove(symbol);
                        self.steps.push_front(Step::Fills { symbol: symbol.clone(), from: last + 1 });
                    }
                    None if next < self.now.timestamp_millis() => {
                        self.cursor.empty_until.insert(symbol.clone(), next);
                        self.steps.push_front(Step::Window {
                            symbol: symbol.clone(),
                            since: next,
                            span: cursor::WINDOW,
                        });
                    }
                    None => {}
                }
                return Ok(!ids.is_empty());
            }
        }
        Ok(false)
    }

    fn take_incomes(&mut self, since: i64, incomes: Vec<Income>) {
        // Symbols that are known are asked for when their incomes are all heard.
        for income in incomes.iter().filter(|income| income.is_of_fill()) {
            self.earned.insert(income.symbol.clone());
            let symbol = &income.symbol;
            let is_known = self.cursor.last.contains_key(symbol)
                || self.steps.iter().any(|step| step.symbol() == Some(symbol));
            if !is_known {
                let since = cursor::first_window(&self.cursor, symbol, Some(income.time), self.now);
                self.steps.push_back(Step::Window { symbol: symbol.clone(), since, span: cursor::WINDOW });
            }
        }
        let last = incomes.iter().map(|income| income.time).max();
        self.then.income = last.or(self.then.income);
        match last {
            Some(last) if incomes.len() >= PAGE => {
                // More than a page within one millisecond are not told apart.
                let since = if last == since { last + 1 } else { last };
                self.steps.push_front(Step::Incomes { since });
            }
            _ => self.steps.push_front(Step::Positions),
        }
    }

    fn take_positions(&mut self, positions: Vec<Position>) {
        let held = positions.into_iter().filter(|position| !position.position_amt.is_zero());
        let mut symbols: BTreeSet<String> = held.map(|position| position.symbol).collect();
        symbols.extend(self.wanted.iter().cloned());
        symbols.extend(std::mem::take(&mut self.earned));
        let in_turn = cursor::in_turn(&self.cursor, self.cursor.last.keys().map(String::as_str));
        self.then.in_turn = in_turn.last().map(|symbol| (*symbol).to_owned());
        symbols.extend(in_turn.into_iter().map(str::to_owned));
        for symbol in symbols {
            if self.steps.iter().any(|step| step.symbol() == Some(&symbol)) {
                continue;
            }
            self.steps.push_back(match self.cursor.last.get(&symbol) {
                Some(last) => Step::Fills { from: last + 1, symbol },
                None => {
                    let since = cursor::first_window(&self.cursor, &symbol, None, self.now);
                    Step::Window { symbol, since, span: cursor::WINDOW }
                }
            });
        }
    }

    /// What is to be done about an answer that is none, and what is asked before this is asked again.
    fn refused(&mut self, step: &Step, reply: &Reply<'_>) -> (Trouble, Option<Step>) {
        let error = Refusal::of(reply);
        match error.code {
            Some(refusal::BAD_TIME) if self.clocks < MOST_CLOCKS => {
                self.clocks += 1;
                (Trouble::Again(error.message), Some(Step::Time))
            }
            Some(code) if refusal::REJECTED_KEY.contains(&code) && *step != Step::Restrictions => {
                (Trouble::Again(error.message), Some(Step::Restrictions))
            }
            _ => (error.trouble(reply), None),
        }
    }

    /// A server that was asked as much as it may be is left alone until its minute is over.
    fn rest(&self, reply: &Reply<'_>) -> Option<Duration> {
        let used =
            reply.headers.get("x-mbx-used-weight-1m").or_else(|| reply.headers.get("x-mbx-used-weight"))?;
        let used: u32 = used.parse().ok()?;
        let there = reply.received_at + self.ahead;
        let second = u64::from(u32::try_from(there.timestamp().rem_euclid(60)).ok()?);
        (used >= self.weight_per_minute).then(|| Duration::from_secs(61 - second))
    }
}

impl Session for Conversation {
    fn next(&mut self, now: DateTime<Utc>) -> Option<Ask> {
        self.steps.front().map(|step| self.ask(step, now))
    }

    fn hear(&mut self, reply: &Reply<'_>) -> Result<Heard, Trouble> {
        let Some(step) = self.steps.pop_front() else {
            return Ok(Heard { has_trades: false, rest: None });
        };
        let (trouble, first) = match reply.status {
            200 => match self.take(&step, reply) {
                Ok(has_trades) => return Ok(Heard { has_trades, rest: self.rest(reply) }),
                Err(trouble) => (trouble, None),
            },
            _ => self.refused(&step, reply),
        };
        match (trouble, step.symbol()) {
            // A symbol that can't be had stops no other.
            (Trouble::Refused(why), Some(symbol)) => {
                let is_gone = Refusal::of(reply).code == Some(refusal::BAD_SYMBOL);
                self.is_whole &= is_gone;
                match is_gone && !self.wanted.iter().any(|wanted| wanted == symbol) {
                    // It was delisted. Nobody asked for it by name.
                    true => drop(self.cursor.last.remove(symbol)),
                    false => self.problems.push(format!("{symbol}: {why}")),
                }
                Ok(Heard { has_trades: false, rest: self.rest(reply) })
            }
            (trouble, _) => {
                self.steps.push_front(step);
                self.steps.extend(first.clone());
                self.steps.rotate_right(usize::from(first.is_some()));
                Err(trouble)
            }
        }
    }

    fn cursor(&self) -> Value {
        let Cursor { last, empty_until, .. } = self.cursor.clone();
        let whole = if self.steps.is_empty() && self.is_whole { &self.then } else { &self.cursor };
        serde_json::to_value(Cursor { last, empty_until, ..whole.clone() }).unwrap_or_default()
    }

    fn problems(&self) -> &[String] {
        &self.problems
    }
}

fn read<T: DeserializeOwned>(reply: &Reply<'_>) -> Result<T, Trouble> {
    serde_json::from_slice(reply.body)
        .map_err(|error| Trouble::Passing(format!("the answer is not what it should be: {error}")))
}

/// The ids of an answer's fills, none below what was asked for.
fn ids(reply: &Reply<'_>, from: i64) -> Result<Vec<i64>, Trouble> {
    let fills: Vec<Id> = serde_json::from_slice(reply.body)
        .map_err(|error| Trouble::Refused(format!("the answer has no fills that can be read: {error}")))?;
    match fills.iter().all(|fill| fill.id >= from) {
        true => Ok(fills.into_iter().map(|fill| fill.id).collect()),
        false => {
            Err(Trouble::Refused(format!("asked for fills from {from} on, it answers with earlier ones")))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    server_time: i64,
}

#[derive(Deserialize)]
struct Account {
    balances: Vec<Balance>,
}

#[derive(Deserialize)]
struct Balance {
    asset: String,
    free: Decimal,
    locked: Decimal,
}

#[derive(Deserialize)]
struct Catalogue {
    symbols: Vec<Listed>,
}

#[derive(Deserialize)]
struct Id {
    id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    symbol: String,
    position_amt: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Income {
    #[serde(default)]
    symbol: String,
    income_type: String,
    time: i64,
}

impl Income {
    /// Whether it comes of a fill.
    fn is_of_fill(&self) -> bool {
        !self.symbol.is_empty() && matches!(self.income_type.as_str(), "COMMISSION" | "REALIZED_PNL")
    }
}
