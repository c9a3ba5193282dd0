//! Our figures beside those of quantstats, empyrical and freqtrade: the same where they mean the same; where they do not, both
//! numbers and why. The libraries are in the Python that `CAUCE_STATISTICS` names, or in the one that `.ci/run` prepares;
//! without one these tests say that they are skipped.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use cauce_journal::{Direction, Method, Position, stats::Stats};
use cauce_model::{MarketKind, TradingDays};
use chrono::{DateTime, Datelike, TimeDelta, Utc, Weekday};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};

/// Minutes of a day.
const DAY: i64 = 1_440;

/// What libraries say, by their names and the figures'. What follows a comma says of what else a library takes the figure.
type Theirs = BTreeMap<String, BTreeMap<String, String>>;

struct Case {
    name: &'static str,
    balance: Option<Decimal>,
    days: TradingDays,
    positions: Vec<Position>,
}

impl Case {
    fn stats(&self) -> Stats {
        let positions: Vec<&Position> = self.positions.iter().collect();
        Stats::of(&positions, self.balance, self.days).unwrap()
    }

    fn as_json(&self) -> Value {
        let trade = |position: &Position| {
            json!({
                "opened_at": position.opened_at.unwrap().to_rfc3339(),
                "closed_at": position.closed_at.to_rfc3339(),
                "net": position.net.unwrap().to_string(),
            })
        };
        json!({
            "balance": self.balance.map(|balance| balance.to_string()),
            "days_per_year": self.days.per_year(),
            "trades": Value::from_iter(self.positions.iter().map(trade)),
        })
    }
}

fn start() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn position(closed_at: DateTime<Utc>, held: TimeDelta, net: Decimal) -> Position {
    Position {
        symbol: "BTCUSDT".to_owned(),
        market: MarketKind::Spot,
        broker_account: None,
        position_id: None,
        direction: Direction::Long,
        opened_at: Some(closed_at - held),
        closed_at,
        closing: 0,
        quantity: Decimal::ONE,
        entry_price: Some(Decimal::ONE),
        exit_price: Decimal::ONE,
        fees: Some(Decimal::ZERO),
        swap: Some(Decimal::ZERO),
        taxes: Some(Decimal::ZERO),
        gross: net,
        net: Some(net),
        method: Method::Fifo,
        currency: Some("USDT".to_owned()),
        reported: None,
        difference: None,
        external_id: None,
        lots: 1,
    }
}

/// Small enough to work out by hand: a name, the balance, minutes between closes, and what each made. Each was held ten minutes
/// longer than the one before.
const BY_HAND: &[(&str, Option<i64>, i64, &[i64])] = &[
    ("known answers", Some(1_000), DAY, &[100, 200, 50, -150, 300, -100, 80, -30]),
    ("breakeven", Some(1_000), DAY, &[10, 0, -5, 0, 0, 10, 0, -20]),
    ("no losses", Some(1_000), DAY, &[10, 30, 20, 25]),
    ("no losses, no balance", None, DAY, &[10, 30, 20, 25]),
    ("no balance", None, DAY, &[30, -15, 40, -20, 60]),
    ("always the same", None, DAY, &[5, 5, 5]),
    ("used up", Some(100), DAY, &[-60, -60, 50]),
    ("one day", Some(1_000), 60, &[100, -300, 50]),
    ("falls first", Some(1_000), DAY, &[-100, 300, -105]),
];

/// Made at random: minutes between closes, whether some are at weekends, and of a hundred how many are losses and breakeven.
struct Kind {
    name: &'static str,
    balance: Option<i64>,
    days: TradingDays,
    apart: (i64, i64),
    weekends: bool,
    losses: i64,
    breakeven: i64,
}

const COMMON: Kind = Kind {
    name: "wins and losses",
    balance: Some(100_000),
    days: TradingDays::Always,
    apart: (DAY, DAY),
    weekends: true,
    losses: 45,
    breakeven: 0,
};

const AT_RANDOM: &[Kind] = &[
    COMMON,
    Kind { name: "breakeven among them", losses: 40, breakeven: 25, ..COMMON },
    Kind { name: "long runs of losses", losses: 93, ..COMMON },
    Kind { name: "several a day", apart: (20, 400), breakeven: 5, ..COMMON },
    Kind { name: "days without closes", apart: (300, 9 * DAY), ..COMMON },
    Kind { name: "weekdays", days: TradingDays::Weekdays, weekends: false, apart: (60, 3_000), ..COMMON },
    Kind { name: "weekdays and some weekends", days: TradingDays::Weekdays, apart: (60, 6_000), ..COMMON },
    Kind { name: "no balance known", balance: None, apart: (60, 6_000), breakeven: 5, ..COMMON },
    Kind { name: "weekdays, no balance known", balance: None, days: TradingDays::Weekdays, ..COMMON },
    Kind { name: "never a loss", losses: 0, breakeven: 10, ..COMMON },
    Kind { name: "losses only", losses: 100, ..COMMON },
    Kind { name: "years", apart: (30, 20 * DAY), ..COMMON },
    Kind { name: "little of a large balance", balance: Some(10_000_000_000), ..COMMON },
];

struct Seed(u64);

impl Seed {
    /// From `least` to `most`, both among them.
    fn within(&mut self, least: i64, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        least + i64::try_from(self.0 >> 33).unwrap() % (most - least + 1)
    }
}

fn by_hand() -> impl Iterator<Item = Case> {
    BY_HAND.iter().map(|&(name, balance, apart, nets)| {
        let positions = (0..).zip(nets).map(|(number, net)| {
            let (after, held) = (TimeDelta::minutes(apart * number), TimeDelta::minutes(10 * (number + 1)));
            position(start() + after, held, Decimal::from(*net))
        });
        let balance = balance.map(Decimal::from);
        Case { name, balance, days: TradingDays::Always, positions: positions.collect() }
    })
}

fn at_random() -> impl Iterator<Item = Case> {
    (1..).zip(AT_RANDOM).map(|(seed, kind)| {
        let (mut seed, mut at) = (Seed(seed), start());
        let positions = (0..120).map(|_| {
            at += TimeDelta::minutes(seed.within(kind.apart.0, kind.apart.1));
            while !kind.weekends && matches!(at.weekday(), Weekday::Sat | Weekday::Sun) {
                at += TimeDelta::days(1);
            }
            let (of_a_hundred, most) = (seed.within(0, 99), seed.within(1, 9_000_000));
            let net = match of_a_hundred {
                number if number < kind.losses => -most,
                number if number < kind.losses + kind.breakeven => 0,
                _ => most,
            };
            position(at, TimeDelta::seconds(seed.within(1, 300_000)), Decimal::new(net, 4))
        });
        let positions = positions.collect();
        Case { name: kind.name, balance: kind.balance.map(Decimal::from), days: kind.days, positions }
    })
}

/// Our figures by the names that the script gives them; none where they are not defined.
fn ours(stats: &Stats) -> BTreeMap<&'static str, Option<f64>> {
    let number = |number: Option<Decimal>| number.and_then(|number| number.to_f64());
    let count = |count: u32| Some(f64::from(count));
    let after = |at: Option<DateTime<Utc>>| (at? - stats.first_closed_at?).num_seconds().to_f64();
    let (absolute, relative) = (&stats.drawdowns.absolute, stats.drawdowns.relative.as_ref());
    BTreeMap::from([
        ("wins", count(stats.wins)),
        ("losses", count(stats.losses)),
        ("breakeven", count(stats.breakeven)),
        ("net_profit", number(Some(stats.net_profit))),
        ("win_rate", number(stats.win_rate)),
        ("profit_factor", number(stats.profit_factor)),
        ("expectancy", number(stats.expectancy)),
        ("expectancy_ratio", number(stats.expectancy_ratio)),
        ("average_win", number(stats.average_win)),
        ("average_loss", number(stats.average_loss)),
        ("payoff_ratio", number(stats.payoff_ratio)),
        ("win_streak", count(stats.streaks.wins)),
        ("loss_streak", count(stats.streaks.losses)),
        ("average_holding", stats.average_holding.and_then(|seconds| seconds.to_f64())),
        ("drawdown", number(Some(absolute.amount))),
        ("drawdown_share", number(absolute.share)),
        ("relative_drawdown", number(relative.and_then(|fall| fall.share))),
        ("peak_after", after(absolute.peak_at)),
        ("trough_after", after(absolute.trough_at)),
        ("sharpe", number(stats.ratios.sharpe)),
        ("sortino", number(stats.ratios.sortino)),
    ])
}

/// Ours for what a library says of that figure.
fn our<'a>(ours: &'a BTreeMap<&str, Option<f64>>, figure: &str) -> Option<&'a Option<f64>> {
    ours.get(figure.split(',').next()?)
}

/// The same but for what floats lose. Not a number is their word for none.
fn agree(ours: Option<f64>, theirs: f64) -> bool {
    ours.map_or(theirs.is_nan(), |ours| {
        let most = 1e-9 * ours.abs().max(theirs.abs()) + 1e-12;
        theirs.is_finite() && (ours - theirs).abs() <= most
    })
}

fn text(number: Option<f64>) -> String {
    // Without the sign of a zero.
    number.map_or("none".to_owned(), |number| ((number * 1e8).round() / 1e8 + 0.0).to_string())
}

type When = fn(&Case, &Stats) -> bool;

const ALWAYS: When = |_, _| true;
const BREAKEVEN: When = |_, stats| stats.breakeven > 0;
const NO_LOSSES: When = |_, stats| stats.losses == 0;
const NO_BALANCE: When = |case, _| case.balance.is_none();
const NEVER_FELL: When = |_, stats| stats.drawdowns.absolute.amount.is_zero();
const USED_UP: When = |_, stats| stats.drawdowns.relative.iter().any(|fall| fall.share >= Some(Decimal::ONE));
const ALL_THE_SAME: When = |_, stats| stats.wins == stats.trades && stats.largest_win == stats.average_win;
const ONE_DAY: When = |_, stats| stats.last_closed_at < Some(start() + TimeDelta::hours(12));
const FALLS_FIRST: When = |case, _| case.positions[0].net < Some(Decimal::ZERO);
/// Amounts of which none is below zero.
const LIKE_PRICES: When = |case, stats| case.balance.is_none() && stats.losses == 0;
const PARTS_OF_MINUTES: When = |_, stats| stats.average_holding.is_some_and(|seconds| seconds % 60 != 0);
const SEVERAL_A_DAY: When = |case, _| {
    case.positions.windows(2).any(|two| two[0].closed_at.date_naive() == two[1].closed_at.date_naive())
};
const PEAKS_AGAIN: When = |_, stats| stats.breakeven > 0 || stats.drawdowns.absolute.peak_at.is_none();

/// The library, the figure, when it may differ, and the case that shows it with our number and theirs.
type Difference = (&'static str, &'static str, When, &'static str, &'static str, &'static str);

/// Where they mean something else, and why.
const DIFFERENCES: &[Difference] = &[
    // It leaves breakeven out of what it divides by, as if there had been no such trade.
    ("quantstats", "win_rate", BREAKEVEN, "breakeven", "0.25", "0.5"),
    ("quantstats", "expectancy", BREAKEVEN, "breakeven", "-0.625", "-1.25"),
    // It counts each trade that is no win as a loss.
    ("freqtrade", "loss_streak", BREAKEVEN, "breakeven", "1", "4"),
    // Of nothing lost we have no ratio; one says infinity, the other zero, and a hundred in place of the ratio.
    ("quantstats", "profit_factor", NO_LOSSES, "no losses", "none", "inf"),
    ("freqtrade", "profit_factor", NO_LOSSES, "no losses", "none", "0"),
    ("freqtrade", "expectancy_ratio", NO_LOSSES, "no losses", "none", "100"),
    // It takes what is never below zero for prices, and their changes for the returns.
    ("quantstats", "payoff_ratio", NO_LOSSES, "no losses", "none", "3.375"),
    ("quantstats", "sharpe", LIKE_PRICES, "no losses, no balance", "47.54358902", "10.05180199"),
    ("quantstats", "sortino", LIKE_PRICES, "no losses, no balance", "none", "63.42400308"),
    // It divides by a deviation of zero.
    ("empyrical", "sharpe", ALL_THE_SAME, "always the same", "none", "inf"),
    ("empyrical", "sortino", NO_LOSSES, "no losses", "none", "inf"),
    // A share of a balance that is used up says nothing, so we have none; they go on with it.
    ("quantstats", "sharpe", USED_UP, "used up", "none", "-30.82187048"),
    ("quantstats", "sortino", USED_UP, "used up", "none", "-17.04616844"),
    ("empyrical", "sharpe", USED_UP, "used up", "none", "-30.82187048"),
    ("empyrical", "sortino", USED_UP, "used up", "none", "-17.04616844"),
    // We want two days; it has a deviation below zero of one.
    ("quantstats", "sortino", ONE_DAY, "one day", "none", "-19.10497317"),
    // Without a balance it takes the share of the highest profit.
    ("freqtrade", "relative_drawdown", NO_BALANCE, "no balance", "none", "0.5"),
    ("freqtrade", "drawdown_share", NO_BALANCE, "no balance", "none", "0.36363636"),
    // A fall within a day is not seen in what whole days made.
    ("empyrical", "relative_drawdown, of days", SEVERAL_A_DAY, "one day", "0.27272727", "0.15"),
    // It compounds returns, so shares of the starting balance make another curve than the account had.
    ("empyrical", "relative_drawdown, of shares of the start", ALWAYS, "known answers", "0.11111111", "0.15"),
    // Balances are prices to it: the first that it sees is the highest, and the fall before that is lost.
    ("quantstats", "relative_drawdown, of balances", FALLS_FIRST, "falls first", "0.1", "0.0875"),
    // We name the last of equal peaks (breakeven makes such), it the first; and of the start it names the first close.
    ("freqtrade", "peak_after", PEAKS_AGAIN, "breakeven", "518400", "432000"),
    ("freqtrade", "peak_after", PEAKS_AGAIN, "used up", "none", "0"),
    ("freqtrade", "trough_after", NEVER_FELL, "no losses", "none", "0"),
    // It rounds to whole minutes.
    ("freqtrade", "average_holding", PARTS_OF_MINUTES, "wins and losses", "144541", "144540"),
    // It divides the sum of shares of the start by whole days from the first to the last close, and that by the deviation of
    // trades (and not of days; of losing trades for Sortino) by n.
    ("freqtrade", "sharpe", ALWAYS, "known answers", "8.39403144", "8.76745131"),
    ("freqtrade", "sortino", ALWAYS, "known answers", "22.11366758", "24.95478968"),
    // What it can't divide (shares of no balance, and by no deviation) is minus a hundred.
    ("freqtrade", "sharpe", ALWAYS, "no balance", "10.35016987", "-100"),
    ("freqtrade", "sortino", ALWAYS, "no losses", "none", "-100"),
    // By balances it has our returns, and their deviation by n; for Sortino that of losing days from their own mean.
    ("freqtrade", "sharpe, of balances", ALWAYS, "known answers", "8.39403144", "8.97359707"),
    ("freqtrade", "sortino, of balances", ALWAYS, "known answers", "22.11366758", "27.64736752"),
];

/// What was compared, and was the same in every case that no difference is named for.
const SAME: &[&str] = &[
    "empyrical: relative_drawdown; relative_drawdown, of days; sharpe; sortino",
    "freqtrade: average_holding; breakeven; drawdown; drawdown_share; expectancy; expectancy_ratio; loss_streak; losses; \
     net_profit; peak_after; profit_factor; relative_drawdown; trough_after; win_rate; win_streak; wins",
    "quantstats: average_loss; average_win; expectancy; loss_streak; payoff_ratio; profit_factor; relative_drawdown; \
     relative_drawdown, of balances; sharpe; sortino; win_rate; win_streak",
];

/// The cases and what the libraries say; none without the libraries.
static ANSWERS: LazyLock<Option<Vec<(Case, Theirs)>>> = LazyLock::new(|| {
    let prepared = || Some(std::env::home_dir()?.join(".cache/cauce/statistics/bin/python"));
    let python = std::env::var_os("CAUCE_STATISTICS").map(PathBuf::from).or_else(prepared);
    let mut command = Command::new(python.filter(|python| python.exists())?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/end_to_end/statistics.py"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cases: Vec<Case> = by_hand().chain(at_random()).collect();
    let asked = Value::from_iter(cases.iter().map(Case::as_json)).to_string();
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<Theirs> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said.len(), cases.len());
    Some(cases.into_iter().zip(said).collect())
});

fn answers() -> Option<&'static [(Case, Theirs)]> {
    if ANSWERS.is_none() {
        println!("skipped: no Python with empyrical, freqtrade, pandas and quantstats; set CAUCE_STATISTICS");
    }
    ANSWERS.as_deref()
}

#[test]
fn figures_are_the_same_unless_a_difference_is_named() {
    let Some(answers) = answers() else { return };
    let (mut same, mut wrong) = (BTreeMap::<_, BTreeSet<_>>::new(), Vec::new());
    for (case, theirs) in answers {
        let stats = case.stats();
        let ours = ours(&stats);
        for (library, figures) in theirs {
            for (figure, theirs) in figures {
                let named = |row: &Difference| row.0 == library && row.1 == figure && (row.2)(case, &stats);
                let Some(ours) = our(&ours, figure).filter(|_| !DIFFERENCES.iter().any(named)) else {
                    continue;
                };
                same.entry(library).or_default().insert(figure.as_str());
                if !agree(*ours, theirs.parse().unwrap()) {
                    wrong.push(format!("{}: {library}: {figure}: {ours:?} and not {theirs}", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let figures = |figures: BTreeSet<&str>| figures.into_iter().collect::<Vec<_>>().join("; ");
    let same = same.into_iter().map(|(library, of_it)| format!("{library}: {}", figures(of_it)));
    assert_eq!(same.collect::<Vec<_>>(), SAME);
}

#[test]
fn each_difference_is_as_named() {
    let Some(answers) = answers() else { return };
    for (library, figure, when, name, our_number, their_number) in DIFFERENCES {
        let (case, theirs) = answers.iter().find(|(case, _)| case.name == *name).unwrap();
        let stats = case.stats();
        let ours = *our(&ours(&stats), figure).unwrap();
        let theirs = theirs[*library][*figure].parse().unwrap();
        let said = [text(ours), text(Some(theirs))];
        assert_eq!(said, [*our_number, *their_number], "{library}: {figure}: {name}");
        assert!(when(case, &stats) && !agree(ours, theirs), "{library}: {figure}: {name}");
    }
}

#[test]
fn freqtrades_sharpe_of_balances_is_ours_times_a_factor_and_its_holding_is_ours_rounded() {
    for (case, theirs) in answers().unwrap_or_default() {
        let (stats, theirs) = (case.stats(), &theirs["freqtrade"]);
        let (ours, theirs) = (ours(&stats), |figure| theirs.get(figure)?.parse::<f64>().ok());
        if let (Some(sharpe), Some(of_balances)) = (ours["sharpe"], theirs("sharpe, of balances")) {
            let days = theirs("days").unwrap();
            // Its deviation is by n in place of n - 1, and its year has 365 days.
            let factor = ((days - 1.0) / days * f64::from(stats.days_per_year) / 365.0).sqrt();
            assert!(agree(Some(sharpe), of_balances * factor), "{}: {sharpe}", case.name);
        }
        // Ours is without parts of a second.
        let rounded = theirs("average_holding").unwrap() - ours["average_holding"].unwrap();
        assert!((-30.0..=31.0).contains(&rounded), "{}: {rounded}", case.name);
    }
}
