//! Each fill once, whatever sources told of it.
//!
//! One fill may be in an export, in another export that overlaps it, and in the answers of an API, with an id or without.
//! Observations are of the same content if symbol, side, quantity, price and second agree. Of the same content there are as
//! many trades as one source says: the most that one import has of it, or the number of different ids that one layout gives
//! it. So two equal fills of one file are two trades, and the same file twice is none more. An observation with a day only is
//! one of those of that day, if there are any.
//!
//! The same bytes may be read more than once, each time with what the account said of its files then: the newest reading holds.
//!
//! A broker that corrects a trade writes another content under the same id in a later export: the newest holds, where no
//! import has the id more than once.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use cauce_model::{Fill, RawId, Side};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// A fill as one import gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What it says.
    pub fill: Fill,
    /// Whose format it came in.
    pub broker: String,
    /// Which of its formats.
    pub layout: String,
    /// The raw object that it stands in: one import.
    pub raw_id: RawId,
    /// The line in that.
    pub raw_pos: i32,
    /// The row of the file, and which of its fills.
    pub place: (i32, i32),
    /// What tells the bytes that it was read from: a file or an answer.
    pub source_hash: String,
    /// When the lake had it.
    pub received_at: Option<DateTime<Utc>>,
    /// The rules that read it.
    pub version: i32,
}

/// A fill that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// The observation that says most of it.
    pub observation: Observation,
    /// Which of the trades of this content it is, from 0.
    pub occurrence: i32,
    /// How many observations tell of trades of this content.
    pub observations: i32,
}

impl Trade {
    /// What it says.
    pub fn fill(&self) -> &Fill {
        &self.observation.fill
    }
}

/// A symbol without what brokers put between its parts, so that `BTC/USDT` is `BTCUSDT`.
pub(crate) fn plain(symbol: &str) -> String {
    symbol.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// What observations of one fill agree in, but for the moment within the day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Content {
    day: NaiveDate,
    symbol: String,
    side: Side,
    quantity: Decimal,
    price: Decimal,
}

impl Content {
    fn of(fill: &Fill) -> Self {
        Self {
            day: fill.executed_at.date_naive(),
            symbol: plain(&fill.symbol),
            side: fill.side,
            quantity: fill.quantity.normalize(),
            price: fill.price.normalize(),
        }
    }
}

/// The trades of an account, in the order in which they were made.
pub fn once(observations: Vec<Observation>) -> Vec<Trade> {
    let observations = newest_readings(observations);
    let superseded = superseded(&observations);
    let mut contents: HashMap<Content, Vec<Observation>> = HashMap::new();
    for (observation, superseded) in observations.into_iter().zip(superseded) {
        if !superseded {
            contents.entry(Content::of(&observation.fill)).or_default().push(observation);
        }
    }
    let mut trades: Vec<Trade> = contents.into_values().flat_map(of_one_day).collect();
    trades.sort_by(|left, right| in_order(left).cmp(&in_order(right)));
    trades
}

/// Which of the fills that are told are new, beside those that are known: as many of each content as there would be more
/// trades of it.
pub fn new_among(known: Vec<Observation>, told: &[Observation]) -> Vec<bool> {
    let moment = |fill: &Fill| {
        let second = (!fill.is_date_only).then(|| fill.executed_at.timestamp());
        (Content::of(fill), second)
    };
    // What is told may be known already, word for word.
    let again: BTreeSet<&RawId> = told.iter().map(|observation| &observation.raw_id).collect();
    let others = known.iter().filter(|observation| !again.contains(&observation.raw_id));
    let mut more: HashMap<_, i64> = HashMap::new();
    for trade in once(others.chain(told).cloned().collect()) {
        *more.entry(moment(trade.fill())).or_default() += 1;
    }
    for trade in once(known) {
        *more.entry(moment(trade.fill())).or_default() -= 1;
    }
    let mut is_new = |observation: &Observation| {
        let more = more.entry(moment(&observation.fill)).or_default();
        *more -= 1;
        *more >= 0
    };
    told.iter().map(&mut is_new).collect()
}

/// By what trades are ordered: their moments, and for those of one moment what does not depend on which import came first.
fn in_order(trade: &Trade) -> impl Ord + use<'_> {
    let fill = trade.fill();
    (
        (fill.executed_at, fill.sequence),
        // A position that the broker names is opened before it is closed, also within one second.
        fill.position_id.as_deref().map(|position| (position, fill.effect)),
        (fill.external_id.as_deref().map(numbered), fill.symbol.as_str(), fill.effect, fill.side),
        (fill.quantity, fill.price, trade.occurrence),
    )
}

/// Ids that are numbers are ordered as numbers.
fn numbered(id: &str) -> (usize, &str) {
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    (digits, id)
}

/// Of the same bytes, which were imported more than once, only the newest reading: the account may say more of them by then,
/// such as the zone of their times.
fn newest_readings(mut observations: Vec<Observation>) -> Vec<Observation> {
    let mut newest: HashMap<String, (Option<DateTime<Utc>>, RawId)> = HashMap::new();
    for Observation { source_hash, received_at, raw_id, .. } in &observations {
        let age = (*received_at, raw_id.clone());
        match newest.get_mut(source_hash) {
            Some(known) if *known >= age => {}
            Some(known) => *known = age,
            None => drop(newest.insert(source_hash.clone(), age)),
        }
    }
    observations.retain(|observation| {
        newest.get(&observation.source_hash).is_some_and(|(_, raw_id)| *raw_id == observation.raw_id)
    });
    observations
}

/// Which observations a later import of the same layout replaced by another content under the same id. Brokers count the
/// fills of each market, so an id is one of its symbol only.
fn superseded(observations: &[Observation]) -> Vec<bool> {
    let mut by_id: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, Observation { fill, layout, .. }) in observations.iter().enumerate() {
        if let Some(id) = &fill.external_id {
            let of = (layout.as_str(), fill.market, plain(&fill.symbol), id.as_str());
            by_id.entry(of).or_default().push(index);
        }
    }
    let mut superseded = vec![false; observations.len()];
    for told in by_id.into_values().filter(|told| told.len() > 1) {
        let imports: BTreeSet<&RawId> = told.iter().map(|index| &observations[*index].raw_id).collect();
        // One import has it twice: it is no id of one fill.
        if imports.len() < told.len() {
            continue;
        }
        let age = |index: &&usize| (observations[**index].received_at, &observations[**index].raw_id);
        let Some(newest) = told.iter().max_by_key(age) else { continue };
        let holds = Content::of(&observations[*newest].fill);
        for index in told {
            superseded[index] = Content::of(&observations[index].fill) != holds;
        }
    }
    superseded
}

/// The trades of one content and day.
fn of_one_day(observations: Vec<Observation>) -> Vec<Trade> {
    let mut moments: BTreeMap<i64, Vec<Observation>> = BTreeMap::new();
    let mut dated = Vec::new();
    for observation in observations {
        match observation.fill.is_date_only {
            true => dated.push(observation),
            false => moments.entry(observation.fill.executed_at.timestamp()).or_default().push(observation),
        }
    }
    let mut trades: Vec<Trade> = moments.into_values().flat_map(of_one_moment).collect();
    // Of those that name the day only, as many are new as there are more of them.
    let known = trades.len();
    trades.extend(of_one_moment(dated).into_iter().skip(known));
    trades
}

/// As many trades as one source says, as that source says them.
fn of_one_moment(observations: Vec<Observation>) -> Vec<Trade> {
    let mut sources: HashMap<Source<'_>, Vec<usize>> = HashMap::new();
    for (index, observation) in observations.iter().enumerate() {
        sources.entry(Source::Import(&observation.raw_id)).or_default().push(index);
        if observation.fill.external_id.is_some() {
            sources.entry(Source::Layout(&observation.layout)).or_default().push(index);
        }
    }
    // Every id of a source once, by the observation that says most.
    let by_worth = |left: &usize, right: &usize| {
        let (left, right) = (&observations[*left], &observations[*right]);
        worth(right).cmp(&worth(left)).then_with(|| place(left).cmp(&place(right)))
    };
    for told in sources.values_mut() {
        told.sort_by(by_worth);
        let mut ids = BTreeSet::new();
        told.retain(|index| {
            let fill = &observations[*index].fill;
            fill.external_id.as_ref().is_none_or(|id| ids.insert((fill.market, id)))
        });
    }
    // Of two that say as many, the one whose first observation that differs says more.
    let most = sources.values().max_by(|left, right| {
        let differs = left.iter().zip(right.iter()).map(|(left, right)| by_worth(right, left));
        left.len().cmp(&right.len()).then_with(|| differs.fold(Ordering::Equal, Ordering::then))
    });
    let chosen: BTreeSet<usize> = most.into_iter().flatten().copied().collect();
    let told = i32::try_from(observations.len()).unwrap_or(i32::MAX);
    let trade = |observation| Trade { observation, occurrence: 0, observations: told };
    let mut trades: Vec<Trade> = (0..)
        .zip(observations)
        .filter(|(index, _)| chosen.contains(index))
        .map(|(_, observation)| trade(observation))
        .collect();
    trades.sort_by(|left, right| place(&left.observation).cmp(&place(&right.observation)));
    for (occurrence, trade) in (0..).zip(&mut trades) {
        trade.occurrence = occurrence;
    }
    trades
}

/// What says how many trades of one content there are.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Source<'o> {
    /// One import, by all that it has.
    Import(&'o RawId),
    /// All imports of one layout, by its ids.
    Layout(&'o str),
}

/// How much an observation says.
fn worth(observation: &Observation) -> impl Ord + use<> {
    let fill = &observation.fill;
    let is_finer = fill.executed_at.timestamp_subsec_nanos() != 0;
    (
        fill.external_id.is_some(),
        !fill.fees.is_empty(),
        fill.reported_pnl.is_some(),
        fill.base.is_some() && fill.quote.is_some(),
        is_finer,
    )
}

/// What decides between observations that say as much.
fn place(observation: &Observation) -> (&str, &RawId, i32, (i32, i32)) {
    (&observation.layout, &observation.raw_id, observation.raw_pos, observation.place)
}
