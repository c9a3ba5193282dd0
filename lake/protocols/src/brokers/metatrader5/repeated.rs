//! Which rows of a report tell what others tell, too: positions and their deals.
//!
//! An end of a position is the deal of its time, symbol and price. Where a position is the sum of several deals, its price is their
//! mean: then deals of no other position, between its beginning and its end, must come to its volume.

use std::collections::{HashMap, HashSet};

use cauce_model::Side;
use rust_decimal::Decimal;

use super::{
    super::{
        number::{Numbers, number},
        record::side_of,
    },
    Line, PositionPlaces, Section, at,
};

/// Which rows are told by others.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    /// Positions that their deals tell.
    pub(super) positions: HashSet<*const Line>,
    /// Deals of the other positions.
    pub(super) deals: HashSet<*const Line>,
}

/// An end of a position, or a deal: when, of what, at what price, and whether it opened.
type EndKey<'l> = (&'l str, &'l str, &'l str, bool);

fn key(deal: &[String], opened: bool) -> EndKey<'_> {
    (at(deal, 0), at(deal, 2), at(deal, 6), opened)
}

fn both(places: PositionPlaces, position: &[String]) -> [EndKey<'_>; 2] {
    let (symbol, closed) = (at(position, 2), places.closed);
    [
        (at(position, 0), symbol, at(position, places.opened), true),
        (at(position, closed - 1), symbol, at(position, closed), false),
    ]
}

fn opens(deal: &[String]) -> bool {
    at(deal, 4).starts_with("in")
}

/// What reverses closes one and opens another.
fn closes(deal: &[String]) -> bool {
    at(deal, 4).contains("out")
}

/// What deals of a symbol and a side opened and closed until each of them, by time.
#[derive(Debug, Default)]
struct Flow<'l>(Vec<(&'l str, Decimal, Decimal)>);

impl Flow<'_> {
    fn add_up(&mut self) {
        self.0.sort_unstable();
        let (mut opened, mut closed) = (Decimal::ZERO, Decimal::ZERO);
        for (_, opens, closes) in &mut self.0 {
            // Volumes that no market has add up to no panic either.
            (opened, closed) = (opened.saturating_add(*opens), closed.saturating_add(*closes));
            (*opens, *closes) = (opened, closed);
        }
    }

    /// What was opened and closed from a time until another; both count.
    fn between(&self, first: &str, last: &str) -> (Decimal, Decimal) {
        let until = |count: usize| match count.checked_sub(1) {
            Some(place) => (self.0[place].1, self.0[place].2),
            None => (Decimal::ZERO, Decimal::ZERO),
        };
        let before = until(self.0.partition_point(|(time, ..)| *time < first));
        let after = until(self.0.partition_point(|(time, ..)| *time <= last));
        (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
    }
}

/// Deals that are of no position which has both of its ends, by symbol and the side of what they open or close.
fn flows<'l>(
    deals: &[&'l Line],
    taken: &HashSet<EndKey<'l>>,
    volume: impl Fn(&str) -> Option<Decimal>,
) -> HashMap<(&'l str, Side), Flow<'l>> {
    let mut flows: HashMap<(&str, Side), Flow<'_>> = HashMap::new();
    for Line { cells, .. } in deals.iter().copied() {
        let (Some(side), Some(volume)) = (side_of(at(cells, 3)), volume(at(cells, 5))) else { continue };
        for (is_so, opened) in [(opens(cells), true), (closes(cells), false)] {
            if is_so && !taken.contains(&key(cells, opened)) {
                let (of, volumes) = match opened {
                    true => (side, (volume, Decimal::ZERO)),
                    false => (side.opposite(), (Decimal::ZERO, volume)),
                };
                flows.entry((at(cells, 2), of)).or_default().0.push((at(cells, 0), volumes.0, volumes.1));
            }
        }
    }
    flows.values_mut().for_each(Flow::add_up);
    flows
}

impl Repeated {
    /// Of the sections of a report.
    pub(super) fn among(sections: &[Section<'_>], numbers: Numbers) -> Self {
        let (mut deals, mut positions) = (Vec::new(), Vec::new());
        for section in sections {
            match section {
                Section::Deals(_, rows) => deals.extend(rows.iter().copied()),
                Section::Positions(places, rows) => positions.extend(rows.iter().map(|row| (*places, *row))),
                Section::Others(_) => {}
            }
        }
        let volume = |text: &str| number(text, numbers).ok().flatten().filter(|volume| !volume.is_zero());
        let mut ends: HashSet<EndKey<'_>> = HashSet::new();
        for Line { cells, .. } in deals.iter().copied() {
            ends.extend(opens(cells).then(|| key(cells, true)));
            ends.extend(closes(cells).then(|| key(cells, false)));
        }
        let is_exact = |ends_of: &[EndKey<'_>; 2]| ends_of.iter().all(|end| ends.contains(end));
        let of_exact = positions.iter().map(|(places, line)| both(*places, &line.cells)).filter(is_exact);
        let taken: HashSet<EndKey<'_>> = of_exact.flatten().collect();
        let flows = flows(&deals, &taken, volume);
        let is_told = |places: PositionPlaces, cells: &[String]| {
            let ends = both(places, cells);
            if is_exact(&ends) {
                return true;
            }
            let (Some(side), Some(whole)) = (side_of(at(cells, 3)), volume(at(cells, places.opened - 1)))
            else {
                return false;
            };
            let between = flows.get(&(ends[0].1, side)).map(|flow| flow.between(ends[0].0, ends[1].0));
            between.is_some_and(|(opened, closed)| opened >= whole && closed >= whole)
        };
        // One that was closed in parts has several rows with one beginning: all are told, or none.
        let mut untold = HashSet::new();
        for (places, Line { cells, .. }) in positions.iter().copied() {
            if !is_told(places, cells) {
                untold.insert(both(places, cells)[0]);
            }
        }
        let (mut repeated, mut told_here) = (Self::default(), HashSet::new());
        for (places, line) in positions.iter().copied() {
            let ends = both(places, &line.cells);
            if untold.contains(&ends[0]) {
                told_here.extend(ends);
            } else {
                repeated.positions.insert(line.id());
            }
        }
        for line in deals {
            let is_of_told = told_here.contains(&key(&line.cells, opens(&line.cells)));
            if is_of_told && at(&line.cells, 4) != "in/out" {
                repeated.deals.insert(line.id());
            }
        }
        repeated
    }
}
