//! Binance: its exports, answers of its API, and how it is asked for them.
//!
//! Columns and members as in exports and answers seen; the API's from its public documentation of `GET /api/v3/myTrades`,
//! `GET /fapi/v1/userTrades` and `GET /dapi/v1/userTrades`. Commissions of futures are written as less than zero by older
//! answers and as more by newer ones: both are costs. Rebates of makers come as income, and not here.

mod cursor;
mod market;
mod refusal;
mod session;
mod signing;
mod statement;

use cauce_model::{AccountTerms, Effect, Fill, MarketKind, PositionSide, Rule, Side, SkippedAs};
pub(super) use market::{COIN_M, SPOT, USD_M};
use rust_decimal::Decimal;
pub(super) use statement::Statement;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    number::{Numbers, number, with_unit},
    record::{Result, Told, Values},
    table::{Order, Table, in_order, no_footer, skipped},
    time::Zone,
};
use crate::document::Node;

const BROKER: &str = "binance";
const TIMES: &[&str] = &["%Y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M:%S"];

/// Spot and margin: amounts with their assets glued on. The base is that of what was executed; assets may begin with a digit,
/// so the pair says where they part.
pub(super) static SPOT_EXPORT: Table = Table {
    about: About {
        name: "binance_spot_export",
        broker: BROKER,
        title: "Binance, export of spot trades",
        header: &["Date(UTC)", "Pair", "Side", "Price", "Executed", "Amount", "Fee"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| spot_row(row, "Date(UTC)", Zone::Utc),
};

/// The export of today: its times are in the zone that was chosen for it, which only the file's name says.
pub(super) static SPOT_EXPORT_NEWER: Table = Table {
    about: About {
        name: "binance_spot_export_newer",
        broker: BROKER,
        title: "Binance, export of spot trades in a zone of one's own",
        header: &["Time", "Pair", "Side", "Price", "Executed", "Amount", "Fee"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| spot_row(row, "Time", Zone::Account),
};

fn spot_row(row: &Values<'_>, time: &str, zone: Zone) -> Result<Said> {
    let (pair, side, price) = (row.need("Pair")?, row.side("Side")?, row.need_number("Price")?);
    let (quantity, base, quote) = parted(row, &pair, price)?;
    let at = row.time(time, TIMES, zone)?;
    let fill = row.fill(pair, side, ("Executed", quantity), ("Price", price), at)?;
    let fill = fill.of(Some(base.clone()), Some(quote.clone())).on(MarketKind::Spot);
    let Some(text) = row.some("Fee") else { return fill.said() };
    // Of an asset of the pair; else of another, whose name begins with a letter.
    let of_pair = [base, quote].into_iter().find_map(|asset| Some((glued(row, &text, &asset)?, asset)));
    let (fee, asset) = match of_pair {
        Some(found) => found,
        None => row.amount("Fee")?,
    };
    fill.fee(fee, Some(asset)).said()
}

/// Letters that a pair has at most.
const LONGEST: usize = 40;

/// The number that is left of a text without the asset behind it.
fn glued(row: &Values<'_>, text: &str, asset: &str) -> Option<Decimal> {
    number(text.strip_suffix(asset)?, row.numbers).ok().flatten()
}

/// What was executed, and of which two assets, whose names together are the pair. Names may begin with a digit, as `1INCH` and
/// `1000SATS` do: of several ways to part them the one that price and amount agree with.
fn parted(row: &Values<'_>, pair: &str, price: Decimal) -> Result<(Decimal, String, String)> {
    let (executed, amount) = (row.need("Executed")?, row.need("Amount")?);
    let ways = (1..pair.len().min(LONGEST)).filter(|at| pair.is_char_boundary(*at)).filter_map(|at| {
        let (base, quote) = pair.split_at(at);
        let (quantity, paid) = (glued(row, &executed, base)?, glued(row, &amount, quote)?);
        let apart = quantity
            .checked_mul(price)
            .and_then(|paid_for| paid_for.checked_sub(paid))
            .map(|apart| apart.abs());
        Some((apart.unwrap_or(Decimal::MAX), quantity, base.to_owned(), quote.to_owned()))
    });
    if let Some((_, quantity, base, quote)) = ways.min() {
        return Ok((quantity, base, quote));
    }
    // The pair goes by other names than its assets.
    let ((quantity, base), (_, quote)) = (row.amount("Executed")?, row.amount("Amount")?);
    Ok((quantity, base, quote))
}

/// The export of earlier years.
pub(super) static SPOT_EXPORT_OLDER: Table = Table {
    about: About {
        name: "binance_spot_export_older",
        broker: BROKER,
        title: "Binance, export of spot trades of earlier years",
        header: &["Date(UTC)", "Market", "Type", "Price", "Amount", "Total", "Fee", "Fee Coin"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| {
        let at = row.time("Date(UTC)", TIMES, Zone::Utc)?;
        let (quantity, price) = (row.need_number("Amount")?, row.need_number("Price")?);
        let symbol = row.need("Market")?;
        let fill =
            row.fill(symbol.as_str(), row.side("Type")?, ("Amount", quantity), ("Price", price), at)?;
        let (base, quote) = by_known_quote(&symbol);
        fill.of(base, quote).on(MarketKind::Spot).fee(row.number_or_zero("Fee")?, row.some("Fee Coin")).said()
    },
};

/// USD-M futures.
pub(super) static FUTURES_EXPORT: Table = Table {
    about: About {
        name: "binance_futures_export",
        broker: BROKER,
        title: "Binance, export of futures trades",
        header: &["Date(UTC)", "Symbol", "Side", "Price", "Quantity", "Amount", "Fee", "Realized Profit"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| futures_row(row, "Date(UTC)", Zone::Utc),
};

/// The same of later years, in UTC.
pub(super) static FUTURES_EXPORT_UTC: Table = Table {
    about: About {
        name: "binance_futures_export_utc",
        broker: BROKER,
        title: "Binance, export of futures trades of later years",
        header: &["Time(UTC)", "Symbol", "Side", "Price", "Quantity", "Amount", "Fee", "Realized Profit"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| futures_row(row, "Time(UTC)", Zone::Utc),
};

/// The same in a zone of one's own.
pub(super) static FUTURES_EXPORT_NEWER: Table = Table {
    about: About {
        name: "binance_futures_export_newer",
        broker: BROKER,
        title: "Binance, export of futures trades in a zone of one's own",
        header: &["Time", "Symbol", "Side", "Price", "Quantity", "Amount", "Fee", "Realized Profit"],
    },
    numbers: Numbers::Point,
    order: Order::NewestFirst,
    is_footer: no_footer,
    read: |row| futures_row(row, "Time", Zone::Account),
};

fn futures_row(row: &Values<'_>, time: &str, zone: Zone) -> Result<Said> {
    let at = row.time(time, TIMES, zone)?;
    let (quantity, price) = (row.need_number("Quantity")?, row.need_number("Price")?);
    let symbol = row.need("Symbol")?;
    let fill = row.fill(symbol.as_str(), row.side("Side")?, ("Quantity", quantity), ("Price", price), at)?;
    let fill = fill.ids(row.some("Trade ID"), row.some("Order ID"));
    let (base, quote) = by_known_quote(&symbol);
    // With its asset behind it, in later years.
    let text = row.text("Fee");
    let fee = with_unit(&text, row.numbers).map_err(|why| row.broken(Rule::InvalidNumber, "Fee", why))?;
    let (fee, unit) = fee.unwrap_or_default();
    let unit = Some(unit.to_owned()).filter(|unit| !unit.is_empty());
    let asset = unit
        .or_else(|| row.first(&["Fee Coin", "Commission Asset", "Quote Asset"]))
        .or_else(|| quote.clone());
    let fill = fill.of(base, quote.clone()).on(MarketKind::Futures).fee(fee.abs(), asset);
    let profit = row.number("Realized Profit")?.filter(|profit| !profit.is_zero());
    let position_side = position_side(&row.text("Position Side"));
    Fill { reported_pnl: profit, pnl_currency: quote, position_side, ..fill }.said()
}

/// Assets that prices on Binance are in.
const QUOTES: [&str; 36] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "USDS", "USD1", "AEUR", "EURI", "IDRT", "BIDR", "BKRW",
    "BVND", "DAI", "UST", "VAI", "PAX", "BTC", "ETH", "BNB", "XRP", "TRX", "EUR", "GBP", "AUD", "BRL", "ARS",
    "COP", "MXN", "TRY", "JPY", "PLN", "RUB", "UAH", "USD",
];
/// Assets whose names end in the first letter of BUSD or TUSD: `BNBUSD` is priced in dollars.
const BEFORE_USD: [&str; 12] =
    ["BNB", "SHIB", "DOT", "BAT", "GRT", "ANT", "LPT", "APT", "BNT", "FLUX", "RENB", "WBT"];

/// A pair that is written in one word. What has an expiry behind it, and dollars before that, is a contract in coins.
fn by_known_quote(symbol: &str) -> (Option<String>, Option<String>) {
    let (plain, expiry) =
        symbol.split_once('_').map_or((symbol, None), |(plain, expiry)| (plain, Some(expiry)));
    let in_dollars = plain.strip_suffix("USD").filter(|base| expiry.is_some() || BEFORE_USD.contains(base));
    if let Some(base) = in_dollars {
        return (Some(base.to_owned()), Some("USD".to_owned()));
    }
    let known = QUOTES.into_iter().filter(|quote| plain.len() > quote.len() && plain.ends_with(quote));
    let quote = known.max_by_key(|quote| quote.len());
    (quote.map(|quote| plain[..plain.len() - quote.len()].to_owned()), quote.map(str::to_owned))
}

/// Purchases by plan. Days and months are told apart by the account's terms only.
pub(super) static AUTO_INVEST: Table = Table {
    about: About {
        name: "binance_auto_invest",
        broker: BROKER,
        title: "Binance, purchases by plan",
        header: &[
            "Auto-Invest Date(UTC)",
            "Holding Coin",
            "Amount per period",
            "Trading Fee",
            "Units",
            "From",
            "Status",
        ],
    },
    numbers: Numbers::Point,
    order: Order::OldestFirst,
    is_footer: no_footer,
    read: |row| {
        if row.text("Status") != "Success" {
            return skipped(SkippedAs::Cancelled, format!("status {}", row.text("Status")));
        }
        let at = row.dated("Auto-Invest Date(UTC)", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", Zone::Utc)?;
        let (spent, quote) = row.amount("Amount per period")?;
        let (base, (units, _)) = (row.need("Holding Coin")?, row.amount("Units")?);
        let price = row.ratio(("Amount per period", spent), ("Units", units))?;
        let symbol = format!("{base}{quote}");
        let fill = row.fill(symbol, Side::Buy, ("Units", units), ("Amount per period", price), at)?;
        let (fee, asset) = row.amount("Trading Fee")?;
        fill.of(Some(base), Some(quote)).on(MarketKind::Spot).fee(fee, Some(asset)).said()
    },
};

/// Answers of the API: fills of an account, and whatever else somebody kept.
#[derive(Debug)]
pub(super) struct Answers;

static ANSWERS: About = About {
    name: "binance_api",
    broker: BROKER,
    title: "Binance, answers of its API: myTrades, userTrades",
    header: &["symbol", "id", "orderId", "price", "qty", "commission", "commissionAsset", "time"],
};

/// Members by which an answer is known to be of Binance: its fills, its orders, its errors, its market and accounts.
const KNOWN: [&[&str]; 10] = [
    &["id", "orderId", "price", "qty", "commission", "commissionAsset"],
    &["orderId", "symbol", "clientOrderId"],
    &["orderId", "symbol", "origQty"],
    &["orderListId", "contingencyType"],
    &["code", "msg"],
    &["id", "price", "qty", "time", "isBuyerMaker"],
    &["symbol", "adlQuantile"],
    &["symbol", "positionAmt", "entryPrice"],
    &["makerCommission", "balances"],
    &["totalInitialMargin", "assets"],
];

impl Layout for Answers {
    fn about(&self) -> &About {
        &ANSWERS
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        // Others have members of the same names: their own say whose they are. Binance's errors are less than zero.
        let is_of_others = |node: &Node| {
            let is_error = node.text_at("code").is_some_and(|code| !code.starts_with('-'));
            is_error || ["data", "feeCurrency", "createTime"].iter().any(|name| node.has(name))
        };
        let has_all = |node: &Node, members: &[&str]| members.iter().all(|name| !node.get(name).is_null());
        let knows = |node: &Node| !is_of_others(node) && KNOWN.iter().any(|members| has_all(node, members));
        file.json().is_some_and(|json| json.items().first().is_some_and(knows))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let nodes = file.json().map(Node::items).unwrap_or_default();
        let rows = nodes.iter().zip(1..).flat_map(|(node, place)| {
            let text = node.shown();
            let fills = node.get("fills").items();
            let rows: Vec<Result<Said>> = match fills.is_empty() {
                true => vec![answer(node, terms)],
                false => fills.iter().map(|fill| of_order(node, fill, terms)).collect(),
            };
            rows.into_iter().map(move |said| Row {
                place,
                text: text.clone(),
                said: said.unwrap_or_else(Said::Broken),
            })
        });
        in_order(rows.collect(), Order::OldestFirst)
    }
}

fn answer(node: &Node, terms: &AccountTerms) -> Result<Said> {
    let row = Values::of_tree(node, terms);
    if node.has("code") && node.has("msg") {
        let said = format!("is an error of the API: {}", row.text("msg"));
        return Err(Broken::new(Rule::UnknownShape, "code", &row.text("code"), said));
    }
    if node.has("commission") && node.has("orderId") {
        return if node.has("isBuyer") { spot(&row) } else { futures(&row, node) };
    }
    if node.has("isBuyerMaker") {
        return skipped(SkippedAs::State, "trades of the market");
    }
    if node.has("orderId") || node.has("orderListId") {
        let status = row.first(&["status", "listOrderStatus"]).unwrap_or_default();
        return skipped(SkippedAs::Order, format!("order {status}"));
    }
    skipped(SkippedAs::State, "state of an account or a position")
}

fn spot(row: &Values<'_>) -> Result<Said> {
    let side = if row.text("isBuyer") == "true" { Side::Buy } else { Side::Sell };
    let fill = common(row, side)?;
    let (base, quote) = by_known_quote(&fill.symbol);
    fill.of(base, quote)
        .on(MarketKind::Spot)
        .fee(row.number_or_zero("commission")?, row.some("commissionAsset"))
        .said()
}

fn futures(row: &Values<'_>, node: &Node) -> Result<Said> {
    let side = row.side("side")?;
    let fill = common(row, side)?;
    let is_inverse = node.has("baseQty");
    let (base, quote) = by_known_quote(&fill.symbol);
    let multiplier = match is_inverse {
        // A contract is worth so much of the quote: what it is in the base, at its price.
        true => {
            let worth = row.need_number("baseQty")? * fill.price;
            row.ratio(("baseQty", worth), ("qty", fill.quantity))?.round()
        }
        false => Decimal::ONE,
    };
    let position_side = position_side(&row.text("positionSide"));
    let effect = match (position_side, side) {
        (Some(PositionSide::Long), Side::Buy) | (Some(PositionSide::Short), Side::Sell) => Effect::Open,
        (Some(_), _) => Effect::Close,
        (None, _) => Effect::Unknown,
    };
    let settled = row.some("marginAsset").or_else(|| if is_inverse { base.clone() } else { quote.clone() });
    let profit = row.number("realizedPnl")?.filter(|profit| !profit.is_zero());
    let fee = row.number_or_zero("commission")?.abs();
    let fill = fill.of(base, quote).on(MarketKind::Futures).fee(fee, row.some("commissionAsset"));
    Fill {
        multiplier,
        inverse: is_inverse,
        position_side,
        effect,
        reported_pnl: profit,
        pnl_currency: settled,
        ..fill
    }
    .said()
}

/// Which of the two positions that an account may have in a symbol; of an account that has one, neither.
fn position_side(word: &str) -> Option<PositionSide> {
    match word {
        "LONG" => Some(PositionSide::Long),
        "SHORT" => Some(PositionSide::Short),
        _ => None,
    }
}

fn common(row: &Values<'_>, side: Side) -> Result<Fill> {
    let at = row.time("time", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("qty")?, row.need_number("price")?);
    let symbol = row.some("symbol").or_else(|| row.terms.symbol.clone());
    let symbol = symbol
        .ok_or_else(|| row.broken(Rule::MissingField, "symbol", "is missing; set symbol of the account"))?;
    let fill = row.fill(symbol, side, ("qty", quantity), ("price", price), at)?;
    Ok(fill.ids(row.some("id"), row.some("orderId")))
}

/// A fill inside the answer to an order, which has its symbol, side and time.
fn of_order(order: &Node, fill: &Node, terms: &AccountTerms) -> Result<Said> {
    let (outer, row) = (Values::of_tree(order, terms), Values::of_tree(fill, terms));
    let at = outer.time("transactTime", &["%Q"], Zone::Utc)?;
    let (quantity, price) = (row.need_number("qty")?, row.need_number("price")?);
    let made =
        row.fill(outer.need("symbol")?, outer.side("side")?, ("qty", quantity), ("price", price), at)?;
    let (base, quote) = by_known_quote(&made.symbol);
    let made = made.ids(row.some("tradeId"), outer.some("orderId")).of(base, quote).on(MarketKind::Spot);
    made.fee(row.number_or_zero("commission")?, row.some("commissionAsset")).said()
}
