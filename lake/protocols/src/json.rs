//! Reading JSON of a known shape, quickly, without ever failing on a field: values are taken as raw text and
//! understood afterwards, so one odd value costs one record and not the page.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use sonic_rs::LazyValue;

/// Fields that the venue sends and the protocol does not know, and fields it should send and does not: the schema
/// moves under our feet. Counted, never refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    unknown: BTreeMap<String, u32>,
    missing: BTreeMap<&'static str, u32>,
}

impl Drift {
    /// Names kept at most; an answer with random keys must not fill the memory.
    const KEPT: usize = 100;

    pub(crate) fn unknown(&mut self, field: String, times: u32) {
        if self.unknown.len() < Self::KEPT || self.unknown.contains_key(&field) {
            *self.unknown.entry(field).or_default() += times;
        }
    }

    pub(crate) fn missing(&mut self, field: &'static str) {
        *self.missing.entry(field).or_default() += 1;
    }

    /// Fields that the protocol does not know, and how often each came.
    pub fn unknown_fields(&self) -> &BTreeMap<String, u32> {
        &self.unknown
    }

    /// Fields that the protocol expects, and how often each was not there.
    pub fn missing_fields(&self) -> &BTreeMap<&'static str, u32> {
        &self.missing
    }

    /// Adds another page's drift.
    pub fn merge(&mut self, other: Self) {
        for (field, times) in other.unknown {
            self.unknown(field, times);
        }
        for (field, times) in other.missing {
            *self.missing.entry(field).or_default() += times;
        }
    }

    /// How many different fields drifted.
    pub fn fields(&self) -> usize {
        self.unknown.len() + self.missing.len()
    }
}

/// The raw text of a JSON value: `"264.500"` with its quotes, `15`, `null`, `[…]`. Borrowed from the page, but for
/// strings with escapes, which the parser copies.
#[derive(Debug, Clone)]
pub(crate) struct Raw<'a>(Cow<'a, str>);

impl<'a> Raw<'a> {
    /// The text of a string or a number, without looking at which it is; none for null and for what is neither.
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        let text = match &self.0 {
            Cow::Borrowed(text) => *text,
            Cow::Owned(text) => return sonic_rs::from_str::<String>(text).ok().map(Cow::Owned),
        };
        match text.as_bytes().first()? {
            b'"' => Some(Cow::Borrowed(&text[1..text.len() - 1])),
            b'-' | b'0'..=b'9' => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        match self.0.as_ref() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// The value as a `T`; none if it is of another shape, or a string with escapes.
    pub(crate) fn parse<T: Deserialize<'a>>(&self) -> Option<T> {
        match &self.0 {
            Cow::Borrowed(text) => sonic_rs::from_str(text).ok(),
            Cow::Owned(_) => None,
        }
    }

    /// The value as it stands in the page.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(LazyValue::deserialize(deserializer)?.as_raw_cow()))
    }
}

/// What an object of one kind is expected to hold.
pub(crate) struct Shape {
    /// Fields that are read. The position is the slot in a [`ShapeReader`].
    pub(crate) read: &'static [&'static str],
    names: HashMap<&'static str, Slot>,
}

impl Shape {
    /// A shape of the fields that are read, and of those that are known and not read: their presence is no news, and
    /// neither is their absence.
    pub(crate) fn new(read: &'static [&'static str], known: &'static [&'static str]) -> Self {
        assert!(read.len() <= SLOTS, "a shape reads at most {SLOTS} fields; raise SLOTS");
        let known = known.iter().map(|name| (*name, Slot::Known));
        let slots = read.iter().enumerate().map(|(slot, name)| (*name, Slot::Read(slot)));
        Self { read, names: known.chain(slots).collect() }
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Read(usize),
    Known,
    Unknown,
}

/// Reads objects of one shape, one after the other, each into the same slots: a page has two objects for each of its
/// ads, and none of them should cost an allocation or a copy. Objects of a page list their fields in the same order,
/// so the place of a field in the object before is tried first, and a look-up by name is rare.
pub(crate) struct ShapeReader<'a> {
    shape: &'static Shape,
    fields: [Option<Raw<'a>>; SLOTS],
    order: Vec<(&'static str, Slot)>,
    unknown: Vec<(String, u32)>,
}

/// Fields that a shape can read at most.
const SLOTS: usize = 16;

impl<'a> ShapeReader<'a> {
    pub(crate) fn new(shape: &'static Shape) -> Self {
        Self { shape, fields: [const { None }; SLOTS], order: Vec::new(), unknown: Vec::new() }
    }

    /// A field of the object that was read last; none if it was not there, or if the value was not an object.
    pub(crate) fn get(&self, slot: usize) -> Option<&Raw<'a>> {
        self.fields[slot].as_ref()
    }

    /// The text of a string or a number that was read last.
    pub(crate) fn text(&self, slot: usize) -> Option<Cow<'a, str>> {
        self.get(slot)?.text()
    }

    /// Empties the slots.
    pub(crate) fn clear(&mut self) {
        self.fields.fill(None);
    }

    fn slot(&mut self, place: usize, name: &str) -> Slot {
        if let Some((expected, slot)) = self.order.get(place)
            && *expected == name
        {
            return *slot;
        }
        // An unknown name is looked up every time; it is rare.
        let known = self.shape.names.get_key_value(name).map(|(known, slot)| (*known, *slot));
        let learned = known.unwrap_or(("", Slot::Unknown));
        let slot = learned.1;
        if place < self.order.len() {
            self.order[place] = learned;
        } else if place == self.order.len() && place < self.shape.names.len() {
            self.order.push(learned);
        }
        slot
    }

    fn note_unknown(&mut self, name: &str) {
        if let Some((_, times)) = self.unknown.iter_mut().find(|(known, _)| known == name) {
            *times += 1;
        } else if self.unknown.len() < Drift::KEPT {
            self.unknown.push((name.to_owned(), 1));
        }
    }

    /// Hands over what was unknown; the prefix tells objects of different shapes apart.
    pub(crate) fn drain_into(&mut self, prefix: &str, drift: &mut Drift) {
        for (name, times) in self.unknown.drain(..) {
            drift.unknown(format!("{prefix}{name}"), times);
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut ShapeReader<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.clear();
        deserializer.deserialize_any(ObjectVisitor(self))
    }
}

struct ObjectVisitor<'r, 'a>(&'r mut ShapeReader<'a>);

impl<'de> Visitor<'de> for ObjectVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut place = 0;
        while let Some(slot) = map.next_key_seed(NameSeed { reader: &mut *self.0, place })? {
            match slot {
                Slot::Read(slot) => self.0.fields[slot] = Some(map.next_value()?),
                Slot::Known | Slot::Unknown => drop(map.next_value::<IgnoredAny>()?),
            }
            place += 1;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

struct NameSeed<'r, 'a> {
    reader: &'r mut ShapeReader<'a>,
    place: usize,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_, '_> {
    type Value = Slot;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Slot, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_, '_> {
    type Value = Slot;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Slot, E> {
        let slot = self.reader.slot(self.place, name);
        if matches!(slot, Slot::Unknown) {
            self.reader.note_unknown(name);
        }
        Ok(slot)
    }
}
