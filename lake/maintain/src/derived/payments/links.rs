//! Ids that are of one payment. A capture names the authorization that it is of, and a refund names the capture only; so an
//! event says by which other ids its payment goes, and what is joined by such words, at whatever distance, is one payment.

use std::collections::{BTreeMap, HashMap};

use super::keys::{Key, Name, Payment, key};

/// Which ids are of one payment. Most payments have one id, and are not in here.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// The smallest id stands for all of a payment.
    one_for_all: HashMap<Payment, Payment>,
    keys: HashMap<Key, Key>,
}

impl Links {
    /// From pairs of ids that are of one payment.
    pub(super) fn of(pairs: impl IntoIterator<Item = (Payment, Payment)>) -> Self {
        let mut numbers: BTreeMap<Payment, usize> = BTreeMap::new();
        let mut above: Vec<usize> = Vec::new();
        for (left, right) in pairs {
            let [left, right] = [left, right].map(|payment| {
                *numbers.entry(payment).or_insert_with(|| {
                    above.push(above.len());
                    above.len() - 1
                })
            });
            let (left, right) = (top(&mut above, left), top(&mut above, right));
            above[left] = right;
        }
        let mut smallest: HashMap<usize, &Payment> = HashMap::new();
        let mut links = Self::default();
        // In their order, so the first of a group is its smallest.
        for (payment, number) in &numbers {
            let first = *smallest.entry(top(&mut above, *number)).or_insert(payment);
            links.keys.insert(payment.key(), first.key());
            links.one_for_all.insert(payment.clone(), first.clone());
        }
        links
    }

    /// The one that stands for all ids of a payment.
    pub(super) fn payment(&self, named: Payment) -> Payment {
        self.one_for_all.get(&named).cloned().unwrap_or(named)
    }

    /// Whether a payment has other ids.
    pub(super) fn has(&self, named: &Payment) -> bool {
        self.one_for_all.contains_key(named)
    }

    /// The same of a key.
    pub(super) fn key(&self, key: Key) -> Key {
        self.keys.get(&key).copied().unwrap_or(key)
    }
}

/// The end of a chain of numbers, which becomes shorter by it.
fn top(above: &mut [usize], mut number: usize) -> usize {
    while above[number] != number {
        above[number] = above[above[number]];
        number = above[number];
    }
    number
}

impl Payment {
    /// By the provider's id.
    pub(super) fn named(provider: &str, id: &str) -> Self {
        Self { provider: provider.to_owned(), name: Name::Id(id.to_owned()) }
    }

    fn key(&self) -> Key {
        match &self.name {
            Name::Id(id) => key(Some(&self.provider), Some(id), None),
            Name::Alone(identity) => key(Some(&self.provider), None, Some(identity)),
        }
    }
}

/// Ids out of the text in which they are written down.
pub(super) fn listed(ids: Option<&str>) -> impl Iterator<Item = &str> {
    ids.into_iter().flat_map(|ids| ids.split(',')).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_at_whatever_distance_is_one_payment_and_providers_are_apart() {
        let of = |id: &str| Payment::named("paypal", id);
        let pairs = [("O", "A"), ("C2", "A"), ("X", "Y"), ("C1", "O")];
        let links = Links::of(pairs.map(|(left, right)| (of(left), of(right))));
        for (id, stands) in
            [("A", "A"), ("C1", "A"), ("C2", "A"), ("O", "A"), ("X", "X"), ("Y", "X"), ("Z", "Z")]
        {
            assert_eq!(links.payment(of(id)), of(stands), "{id}");
            assert_eq!(links.key(of(id).key()), of(stands).key(), "{id}");
        }
        assert_eq!(links.payment(Payment::named("stripe", "C1")), Payment::named("stripe", "C1"));
    }
}
