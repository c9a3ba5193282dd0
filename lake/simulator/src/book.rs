//! One side of a pair at one moment: who offers what, best first, promoted ads before all.

use cauce_model::TradeType;

use crate::{
    noise::{hash, pick, unit, walk},
    pairs::Pair,
};

/// An advertiser.
pub(crate) struct Maker {
    pub(crate) user_no: String,
    pub(crate) nickname: String,
    pub(crate) is_merchant: bool,
    pub(crate) orders: usize,
    pub(crate) finish_rate: f64,
    pub(crate) positive_rate: f64,
    pub(crate) grade: usize,
}

/// An ad.
pub(crate) struct Ad {
    pub(crate) number: u64,
    pub(crate) price: f64,
    pub(crate) surplus: f64,
    pub(crate) tradable: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) pay_minutes: usize,
    pub(crate) methods: Vec<(&'static str, &'static str)>,
    pub(crate) maker: Maker,
    pub(crate) is_promoted: bool,
}

/// Advertisers of a currency.
const MAKERS: usize = 140;

const NAMES: [&str; 16] = [
    "Rio", "Lago", "Cauce", "Orinoco", "Caroni", "Delta", "Puente", "Faro", "Ceiba", "Tepuy", "Llano",
    "Andes", "Caribe", "Selva", "Nube", "Arena",
];

/// All ads that a taker of `side` sees at `second`, in the order of the site.
pub(crate) fn at(seed: u64, pair: &Pair, side: TradeType, second: i64) -> Vec<Ad> {
    let market = market_seed(seed, pair, side);
    let middle = middle_price(seed, pair, second);
    let mut ads: Vec<Ad> =
        (0..size(market, pair, second)).map(|slot| ad(market, pair, side, middle, slot, second)).collect();
    let better = |left: &Ad, right: &Ad| match side {
        TradeType::Buy => left.price.total_cmp(&right.price),
        TradeType::Sell => right.price.total_cmp(&left.price),
    };
    // Among equal prices the order changes from second to second, so ads move between pages while they are turned.
    let tie = |ad: &Ad| hash(market, &[ad.number, second.unsigned_abs()]);
    ads.sort_by(|left, right| better(left, right).then_with(|| tie(left).cmp(&tie(right))));
    ads.sort_by_key(|ad| !ad.is_promoted);
    ads
}

fn market_seed(seed: u64, pair: &Pair, side: TradeType) -> u64 {
    let word = |text: &str| text.bytes().fold(0_u64, |word, byte| word << 8 | u64::from(byte));
    hash(seed, &[word(pair.asset), word(pair.fiat), side as u64])
}

/// Where the pair stands: the currency against the dollar, and the asset against it too.
fn middle_price(seed: u64, pair: &Pair, second: i64) -> f64 {
    let word = |text: &str| text.bytes().fold(7_u64, |word, byte| word << 8 | u64::from(byte));
    let currency = 1.0 + 0.06 * walk(seed ^ word(pair.fiat), second);
    let asset = if pair.asset == "USDT" { 1.0 } else { 1.0 + 0.16 * walk(seed ^ word(pair.asset), second) };
    pair.price * currency * asset
}

/// Books breathe: fewer offers at night, more by day.
fn size(market: u64, pair: &Pair, second: i64) -> usize {
    let breath = 1.0 + 0.25 * walk(market ^ 0x5151, second);
    (pair.offers as f64 * breath).round() as usize
}

fn ad(market: u64, pair: &Pair, side: TradeType, middle: f64, slot: usize, second: i64) -> Ad {
    let slot = slot as u64;
    // An ad lives for some hours, then another takes its slot.
    let life = 7_200 + i64::try_from(hash(market, &[slot, 1]) % 100_000).unwrap_or(0);
    let phase = i64::try_from(hash(market, &[slot, 2]) % 100_000).unwrap_or(0);
    let generation = (second + phase).div_euclid(life).unsigned_abs();
    let number = 10_000_000_000_000_000_000 + hash(market, &[slot, generation]) % 4_000_000_000_000_000_000;
    // Its maker looks at the price every few minutes, each at another moment.
    let patience = 120 + i64::try_from(hash(number, &[3]) % 1_500).unwrap_or(0);
    let look = (second + phase).div_euclid(patience).unsigned_abs();
    let price = middle * distance(number, side, slot, look);
    let worth =
        |least: f64, most: f64, part: u64| pair.small * (least + (most - least) * unit(number, &[part]));
    let min = worth(0.5, 20.0, 4);
    let surplus = (worth(40.0, 900.0, 5) * (1.0 - 0.6 * unit(number, &[6, look]))) / price;
    let max = (min * 1.2).max(surplus * price * (0.5 + unit(number, &[7])));
    let maker = maker(pair, number);
    Ad {
        number,
        price,
        surplus,
        tradable: surplus * (0.9 + 0.1 * unit(number, &[8])),
        min,
        max,
        pay_minutes: [15, 15, 15, 30, 45][pick(number, &[9], 5)],
        methods: methods(pair, number),
        is_promoted: maker.is_merchant && unit(number, &[10]) < 0.04,
        maker,
    }
}

/// A maker's price as a share of the middle. Sellers ask more and buyers bid less, the further down the book the more;
/// one in twenty-five stands far on the other side (odd limits, odd banks), so that the book is crossed.
fn distance(number: u64, side: TradeType, slot: u64, look: u64) -> f64 {
    let step = 0.0012 + 0.00035 * slot as f64 + 0.0008 * unit(number, &[11, look]);
    let away = if unit(number, &[12]) < 0.04 { -1.5 * step } else { step };
    match side {
        TradeType::Buy => 1.0 + away,
        TradeType::Sell => 1.0 - away,
    }
}

fn maker(pair: &Pair, number: u64) -> Maker {
    let who = pick(number, &[13], MAKERS) as u64;
    let seed = hash(pair.fiat.bytes().map(u64::from).sum(), &[who]);
    let is_merchant = unit(seed, &[1]) < 0.45;
    let name = NAMES[pick(seed, &[2], NAMES.len())];
    let suffix = if is_merchant { "Cambios" } else { "P2P" };
    Maker {
        user_no: format!("s{:016x}{:016x}", hash(seed, &[3]), hash(seed, &[4])),
        nickname: format!("{name}-{suffix}-{who:03}"),
        is_merchant,
        orders: pick(seed, &[5], if is_merchant { 3_000 } else { 250 }),
        finish_rate: (1.0 - 0.15 * unit(seed, &[6]) * unit(seed, &[7])).min(1.0),
        positive_rate: (1.0 - 0.08 * unit(seed, &[8]) * unit(seed, &[9])).min(1.0),
        grade: if is_merchant { 3 } else { 1 + pick(seed, &[10], 2) },
    }
}

fn methods(pair: &Pair, number: u64) -> Vec<(&'static str, &'static str)> {
    let count = 1 + pick(number, &[14], 3).min(pair.methods.len() - 1);
    let first = pick(number, &[15], pair.methods.len());
    (0..count).map(|next| pair.methods[(first + next) % pair.methods.len()]).collect()
}
