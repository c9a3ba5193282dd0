//! Portfolio Performance: its own file, as XML.
//!
//! What is written once is referred to elsewhere: by a path from there (`../../security[2]`), or, in files that are saved so, by
//! its `id`. A transaction of a portfolio may
//! stand inside one of an account, and the other way round. A purchase is in both; that of the portfolio is the trade. Shares
//! are millionths before version 49 of the file and hundred-millionths since, amounts hundredths; an amount has its costs in it.

use std::collections::HashMap;

use cauce_model::{AccountTerms, Fill, MarketKind, Rule, Side, SkippedAs};
use rust_decimal::Decimal;

use super::{
    About, Broken, Layout, Row, Said,
    file::File,
    record::{Result, Told, Values},
    table::{Order, in_order, skipped},
    time::Zone,
};
use crate::document::Node;

/// The file.
#[derive(Debug)]
pub(super) struct ClientXml;

static ABOUT: About = About {
    name: "portfolio_performance",
    broker: "portfolio_performance",
    title: "Portfolio Performance, its file",
    header: &["client", "version", "securities", "accounts", "portfolios"],
};

/// A step of a path: a name, and which of several.
type Step = (String, usize);

/// Steps that a reference may lead on to another.
const MOST_REFERENCES: usize = 8;

impl Layout for ClientXml {
    fn about(&self) -> &About {
        &ABOUT
    }

    fn is_of(&self, file: &File<'_>) -> bool {
        file.text().contains("<client")
            && file.xml().is_some_and(|xml| xml.has("client.portfolios") && xml.has("client.version"))
    }

    fn read(&self, file: &File<'_>, terms: &AccountTerms) -> Vec<Row> {
        let Some(root) = file.xml() else { return Vec::new() };
        let mut reader = Reader { root, terms, places: Vec::new(), ids: HashMap::new(), rows: Vec::new() };
        let mut path = Vec::new();
        if root.has("client.@id") {
            reader.number(None, "client", root.get("client"));
        }
        for place in ["accounts", "portfolios"] {
            path.push(("client".to_owned(), 0));
            reader.below(place, root.get("client").get(place), &mut path);
            path.clear();
        }
        in_order(reader.rows, Order::OldestFirst)
    }
}

struct Reader<'f> {
    root: &'f Node,
    terms: &'f AccountTerms,
    /// Every element of a file with ids: that which it stands in, its name, and which of several it is.
    places: Vec<(Option<usize>, &'f str, usize)>,
    /// Which element has an id.
    ids: HashMap<String, usize>,
    rows: Vec<Row>,
}

impl<'f> Reader<'f> {
    /// Finds all that has an id.
    fn number(&mut self, above: Option<usize>, name: &'f str, nodes: &'f Node) {
        for (index, node) in nodes.items().iter().enumerate() {
            let place = self.places.len();
            self.places.push((above, name, index));
            self.ids.extend(node.text_at("@id").map(|id| (id, place)));
            for (inner, nodes) in node.members().iter().filter(|(inner, _)| !inner.starts_with(['@', '#'])) {
                self.number(Some(place), inner, nodes);
            }
        }
    }

    /// The way to an element.
    fn path_to(&self, place: usize) -> Vec<Step> {
        let above =
            |(above, ..): &&(Option<usize>, &'f str, usize)| above.and_then(|above| self.places.get(above));
        let elements = std::iter::successors(self.places.get(place), above);
        let mut path: Vec<Step> = elements.map(|(_, name, index)| ((*name).to_owned(), *index)).collect();
        path.reverse();
        path
    }

    /// Looks at an element, or at all of one name, and at what is in them.
    fn below(&mut self, name: &str, nodes: &'f Node, path: &mut Vec<Step>) {
        for (index, node) in nodes.items().iter().enumerate() {
            path.push((name.to_owned(), index));
            if let Some(is_portfolio) = self.transaction(name, node, path) {
                self.take(node, path, is_portfolio);
            }
            for (inner, nodes) in node.members().iter().filter(|(inner, _)| !inner.starts_with(['@', '#'])) {
                self.below(inner, nodes, path);
            }
            path.pop();
        }
    }

    /// Whether an element is a transaction, and then whether it is a portfolio's.
    fn transaction(&self, name: &str, node: &Node, path: &[Step]) -> Option<bool> {
        if !node.has("type") || !node.has("amount") {
            return None;
        }
        match name {
            "portfolio-transaction" | "portfolioTransaction" => Some(true),
            "account-transaction" | "accountTransaction" => Some(false),
            "transactionFrom" | "transactionTo" => {
                let entry = self.at(&path[..path.len() - 1])?;
                Some(entry.text_at("@class").is_some_and(|class| class.contains("portfolio")))
            }
            _ => None,
        }
    }

    fn at(&self, path: &[Step]) -> Option<&'f Node> {
        let step = |node: &'f Node, (name, index): &Step| node.get(name).items().get(*index);
        path.iter().try_fold(self.root, step)
    }

    /// What an element is, where it may only say where that stands.
    fn meant(&self, path: &[Step]) -> Option<&'f Node> {
        let mut path = path.to_vec();
        for _ in 0..MOST_REFERENCES {
            let node = self.at(&path)?;
            let Some(reference) = node.text_at("@reference") else { return Some(node) };
            if let Some(place) = self.ids.get(&reference) {
                path = self.path_to(*place);
                continue;
            }
            for step in reference.split('/') {
                if step == ".." {
                    path.pop()?;
                    continue;
                }
                let (name, place) = step.trim_end_matches(']').split_once('[').unwrap_or((step, "1"));
                path.push((name.to_owned(), place.parse::<usize>().ok()?.checked_sub(1)?));
            }
        }
        None
    }

    fn member(&self, path: &[Step], name: &str) -> Option<&'f Node> {
        let mut path = path.to_vec();
        path.push((name.to_owned(), 0));
        self.meant(&path)
    }

    fn take(&mut self, node: &'f Node, path: &[Step], is_portfolio: bool) {
        let kind = node.text_at("type").unwrap_or_default();
        let is_trade = matches!(kind.as_str(), "BUY" | "SELL");
        // The account's side of what a portfolio bought or sold.
        if is_trade && !is_portfolio {
            return;
        }
        let said = if is_trade { self.trade(node, path, &kind) } else { skipped(kind_of(&kind), kind) };
        let place = u32::try_from(self.rows.len() + 1).unwrap_or(u32::MAX);
        let facts = ["uuid", "date", "currencyCode", "amount", "shares", "type"];
        let text = facts.iter().filter_map(|name| Some(format!("{name}: {}", node.text_at(name)?)));
        let text = text.collect::<Vec<_>>().join(", ");
        self.rows.push(Row { place, text, said: said.unwrap_or_else(Said::Broken) });
    }

    fn trade(&self, node: &'f Node, path: &[Step], kind: &str) -> Result<Said> {
        let row = Values::of_tree(node, self.terms);
        let version = self.root.text_at("client.version").and_then(|version| version.parse::<u32>().ok());
        let digits = if version.is_some_and(|version| version >= 49) { 8 } else { 6 };
        let scaled = |number: Decimal, digits: u32| number / Decimal::from(10_u64.pow(digits));
        let (mut fees, mut taxes) = (Decimal::ZERO, Decimal::ZERO);
        for unit in node.at("units.unit").items() {
            let amount = scaled(Values::of_tree(unit, self.terms).need_number("amount.@amount")?, 2);
            match unit.text_at("@type").as_deref() {
                Some("FEE") => fees += amount,
                Some("TAX") => taxes += amount,
                _ => {}
            }
        }
        let (shares, amount) =
            (scaled(row.need_number("shares")?, digits), scaled(row.need_number("amount")?, 2));
        let side = if kind == "BUY" { Side::Buy } else { Side::Sell };
        let worth = if side == Side::Buy { amount - fees - taxes } else { amount + fees + taxes };
        let price = row.ratio(("amount", worth), ("shares", shares))?;
        let security = self.member(path, "security");
        let symbol =
            security.and_then(|security| security.first_of(&["tickerSymbol", "isin", "wkn", "name", "uuid"]));
        let symbol = symbol.ok_or_else(|| Broken::new(Rule::MissingField, "security", "", "is not there"))?;
        let day = self.member(path, "date").and_then(Node::text).unwrap_or_default();
        let formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"];
        // Midnight is no hour at which anybody trades: the day is all that is known.
        let text = day.strip_suffix("T00:00").unwrap_or(&day);
        let at = row.time_of("date", text, &formats, Zone::Account)?;
        let fill = row.fill(symbol, side, ("shares", shares), ("amount", price), at)?;
        let fill =
            fill.in_currency(row.need("currencyCode")?).on(MarketKind::Equity).ids(row.some("uuid"), None);
        let taxes = Some(taxes).filter(|taxes| !taxes.is_zero());
        let pnl_currency = taxes.and(fill.quote.clone());
        Fill { taxes, pnl_currency, ..fill.fee(fees, None) }.said()
    }
}

fn kind_of(kind: &str) -> SkippedAs {
    match kind {
        "DIVIDENDS" | "INTEREST" => SkippedAs::Income,
        "FEES" | "FEES_REFUND" | "TAXES" | "TAX_REFUND" | "INTEREST_CHARGE" => SkippedAs::Charge,
        "DEPOSIT" | "REMOVAL" => SkippedAs::Cash,
        _ => SkippedAs::Transfer,
    }
}
