//! One record of a table or a tree, and the values in it by name.

use std::{borrow::Cow, collections::HashMap};

use cauce_model::{AccountTerms, DateOrder, Effect, Fee, Fill, MarketKind, Rule, Side};
use csv::StringRecord;
use rust_decimal::Decimal;

use super::{
    Broken, Said,
    number::{Numbers, number, with_unit},
    time::{Moment, Zone, moment},
};
use crate::document::Node;

/// Where values come from.
#[derive(Debug, Clone, Copy)]
enum Source<'r> {
    Row { places: &'r HashMap<String, usize>, cells: &'r StringRecord },
    Tree(&'r Node),
}

/// A record that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'r> {
    source: Source<'r>,
    /// How its numbers are written.
    pub(super) numbers: Numbers,
    /// What the account says.
    pub(super) terms: &'r AccountTerms,
}

/// What a reader of one record gives.
pub(super) type Result<T> = std::result::Result<T, Broken>;

impl<'r> Values<'r> {
    pub(super) fn of_row(
        places: &'r HashMap<String, usize>,
        cells: &'r StringRecord,
        numbers: Numbers,
        terms: &'r AccountTerms,
    ) -> Self {
        Self { source: Source::Row { places, cells }, numbers, terms }
    }

    pub(super) fn of_tree(node: &'r Node, terms: &'r AccountTerms) -> Self {
        Self { source: Source::Tree(node), numbers: Numbers::Point, terms }
    }

    /// The text of a column or at a path; empty where there is none.
    pub(super) fn text(&self, name: &str) -> Cow<'r, str> {
        match self.source {
            Source::Row { places, cells } => {
                let cell = places.get(name).and_then(|place| cells.get(*place)).unwrap_or_default();
                Cow::Borrowed(cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}'))
            }
            Source::Tree(node) => node.at(name).text().unwrap_or_default(),
        }
    }

    /// Whether there is such a column.
    pub(super) fn has(&self, name: &str) -> bool {
        match self.source {
            Source::Row { places, .. } => places.contains_key(name),
            Source::Tree(node) => !node.at(name).is_null(),
        }
    }

    /// The names of all columns, in their order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'r str> {
        let mut columns: Vec<(usize, &str)> = match self.source {
            Source::Row { places, .. } => {
                places.iter().map(|(name, place)| (*place, name.as_str())).collect()
            }
            Source::Tree(_) => Vec::new(),
        };
        columns.sort_unstable();
        columns.into_iter().map(|(_, name)| name)
    }

    /// The text of the column at a place, from 0, for columns without a name of their own.
    pub(super) fn cell(&self, place: usize) -> &'r str {
        match self.source {
            Source::Row { cells, .. } => cells.get(place).unwrap_or_default().trim(),
            Source::Tree(_) => "",
        }
    }

    /// The text, if it is there and says something.
    pub(super) fn some(&self, name: &str) -> Option<String> {
        let text = self.text(name);
        (!text.is_empty() && text != "-").then(|| text.into_owned())
    }

    /// The first of these that says something.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.some(name))
    }

    /// A text that has to be there.
    pub(super) fn need(&self, name: &str) -> Result<String> {
        self.some(name).ok_or_else(|| self.broken(Rule::MissingField, name, "is missing"))
    }

    /// A number, if there is one.
    pub(super) fn number(&self, name: &str) -> Result<Option<Decimal>> {
        number(&self.text(name), self.numbers).map_err(|why| self.broken(Rule::InvalidNumber, name, why))
    }

    /// A number that has to be there.
    pub(super) fn need_number(&self, name: &str) -> Result<Decimal> {
        self.number(name)?.ok_or_else(|| self.broken(Rule::MissingField, name, "is missing"))
    }

    /// A number, or zero.
    pub(super) fn number_or_zero(&self, name: &str) -> Result<Decimal> {
        Ok(self.number(name)?.unwrap_or_default())
    }

    /// A number with the asset that stands behind it.
    pub(super) fn amount(&self, name: &str) -> Result<(Decimal, String)> {
        let text = self.text(name);
        match with_unit(&text, self.numbers) {
            Ok(Some((amount, unit))) if !unit.is_empty() => Ok((amount, unit.to_owned())),
            Ok(_) => Err(self.broken(Rule::InvalidNumber, name, "is no amount with its asset")),
            Err(why) => Err(self.broken(Rule::InvalidNumber, name, why)),
        }
    }

    /// A time.
    pub(super) fn time(&self, name: &str, formats: &[&str], zone: Zone) -> Result<Moment> {
        self.time_of(name, &self.text(name), formats, zone)
    }

    /// A time of digits only, in which the day or the month may be first: as the account says, unless only one of the two can be.
    pub(super) fn dated(&self, name: &str, month_first: &str, day_first: &str, zone: Zone) -> Result<Moment> {
        let text = self.text(name);
        let read = |format: &str| self.time_of(name, &text, &[format], zone);
        match (self.terms.date_order, read(month_first), read(day_first)) {
            (Some(DateOrder::MonthFirst), by_month, _) => by_month,
            (Some(DateOrder::DayFirst), _, by_day) => by_day,
            (None, Ok(by_month), Ok(by_day)) if by_month != by_day => {
                let why = "may be of two days; set date_order of the account to day_first or month_first";
                Err(self.broken(Rule::InvalidDate, name, why))
            }
            (None, Ok(moment), _) | (None, _, Ok(moment)) => Ok(moment),
            (None, Err(why), Err(_)) => Err(why),
        }
    }

    /// The same values, of an account with other terms.
    pub(super) fn under<'t>(&self, terms: &'t AccountTerms) -> Values<'t>
    where
        'r: 't,
    {
        Values { terms, ..*self }
    }

    /// A time whose text is put together of several columns.
    pub(super) fn time_of(&self, name: &str, text: &str, formats: &[&str], zone: Zone) -> Result<Moment> {
        let read = moment(text, formats, zone, self.terms.time_zone.as_deref());
        read.map_err(|(rule, why)| Broken::new(rule, name, text, why))
    }

    /// Bought or sold, by the first word of a column.
    pub(super) fn side(&self, name: &str) -> Result<Side> {
        let text = self.text(name);
        side_of(&text).ok_or_else(|| {
            let why =
                if text.is_empty() { "is missing: neither buy nor sell" } else { "is neither buy nor sell" };
            self.broken(Rule::UnknownSide, name, why)
        })
    }

    /// That something is wrong with a column.
    pub(super) fn broken(&self, rule: Rule, name: &str, reason: &str) -> Broken {
        Broken::new(rule, name, &self.text(name), reason)
    }

    /// A fill of what every one has. A quantity may come with a sign, which says no more than its side.
    pub(super) fn fill(
        &self,
        symbol: impl Into<String>,
        side: Side,
        quantity: (&str, Decimal),
        price: (&str, Decimal),
        moment: Moment,
    ) -> Result<Fill> {
        let (symbol, amount) = (symbol.into(), Fill::kept(quantity.1.abs()));
        if symbol.is_empty() || symbol.len() > 120 || symbol.contains(['<', '>']) {
            return Err(Broken::new(Rule::InvalidMarket, "symbol", &symbol, "is no symbol"));
        }
        if amount.is_zero() || Fill::units(amount).is_none() {
            return Err(Broken::new(
                Rule::InvalidNumber,
                quantity.0,
                &quantity.1.to_string(),
                "is no quantity of a trade",
            ));
        }
        if price.1.is_sign_negative() && !price.1.is_zero() || Fill::units(price.1).is_none() {
            return Err(Broken::new(Rule::PriceNotPositive, price.0, &price.1.to_string(), "is no price"));
        }
        Ok(Fill {
            external_id: None,
            order_id: None,
            position_id: None,
            symbol,
            base: None,
            quote: None,
            side,
            effect: Effect::Unknown,
            quantity: amount,
            price: Fill::kept(price.1),
            multiplier: Decimal::ONE,
            inverse: false,
            fees: Vec::new(),
            swap: None,
            taxes: None,
            reported_pnl: None,
            pnl_currency: None,
            executed_at: moment.at,
            is_date_only: moment.is_date_only,
            time_zone: moment.zone,
            market: MarketKind::Unknown,
            position_side: None,
            broker_account: None,
            sequence: 0,
        })
    }

    /// `over / under`, rounded as prices are kept.
    pub(super) fn ratio(&self, over: (&str, Decimal), under: (&str, Decimal)) -> Result<Decimal> {
        let divided = over.1.abs().checked_div(under.1.abs());
        divided
            .ok_or_else(|| Broken::new(Rule::InvalidNumber, under.0, &under.1.to_string(), "gives no price"))
    }
}

/// Whether a symbol is the CUSIP of a bond: nine signs, the first of them a digit.
pub(super) fn is_of_bond(symbol: &str) -> bool {
    symbol.len() == 9 && symbol.starts_with(|c: char| c.is_ascii_digit())
}

/// The side that a word says.
pub(super) fn side_of(text: &str) -> Option<Side> {
    let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    match word.as_str() {
        "buy" | "b" | "bought" | "bot" | "compra" | "kauf" | "achat" | "koop" | "purchase" | "bid"
        | "long" => Some(Side::Buy),
        "sell" | "s" | "sold" | "sld" | "venta" | "venda" | "verkauf" | "vente" | "verkoop" | "sale"
        | "ask" | "short" => Some(Side::Sell),
        _ => None,
    }
}

/// A pair by what stands between its assets.
pub(super) fn pair(symbol: &str, between: char) -> (Option<String>, Option<String>) {
    match symbol.split_once(between) {
        Some((base, quote)) if !base.is_empty() && !quote.is_empty() => {
            (Some(base.to_uppercase()), Some(quote.to_uppercase()))
        }
        _ => (None, None),
    }
}

/// A fill's place in the market, put on as it is made.
pub(super) trait Told: Sized {
    fn on(self, market: MarketKind) -> Self;
    fn of(self, base: Option<String>, quote: Option<String>) -> Self;
    fn in_currency(self, quote: impl Into<String>) -> Self;
    fn fee(self, amount: Decimal, asset: Option<String>) -> Self;
    fn ids(self, external: Option<String>, order: Option<String>) -> Self;
    fn said(self) -> Result<Said>;
}

impl Told for Fill {
    fn on(mut self, market: MarketKind) -> Self {
        self.market = market;
        self
    }

    fn of(mut self, base: Option<String>, quote: Option<String>) -> Self {
        (self.base, self.quote) = (base, quote);
        self
    }

    fn in_currency(mut self, quote: impl Into<String>) -> Self {
        let quote = quote.into();
        self.quote = (!quote.is_empty()).then_some(quote);
        self
    }

    /// A cost; in the currency of the price where nothing else is said. Nothing is no fee. What is paid in nobody knows what
    /// is found by [`Told::said`].
    fn fee(mut self, amount: Decimal, asset: Option<String>) -> Self {
        let amount = Fill::kept(amount);
        let asset = asset.or_else(|| self.quote.clone()).unwrap_or_default();
        if !amount.is_zero() {
            match self.fees.iter_mut().find(|fee| fee.asset == asset) {
                Some(fee) => fee.amount += amount,
                None => self.fees.push(Fee { asset, amount }),
            }
        }
        self
    }

    fn ids(mut self, external: Option<String>, order: Option<String>) -> Self {
        (self.external_id, self.order_id) = (external, order);
        self
    }

    fn said(self) -> Result<Said> {
        match self.fees.iter().find(|fee| fee.asset.is_empty()) {
            Some(fee) => {
                let why = "is in a currency that neither the row nor its pair says";
                Err(Broken::new(Rule::InvalidCurrency, "fee", &fee.amount.to_string(), why))
            }
            None => Ok(Said::Fills(vec![self])),
        }
    }
}
