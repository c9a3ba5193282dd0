//! The frame of an answer: `{code, message, data: [{adv, advertiser, privilegeType}], total, success}`, read in one
//! pass that borrows from the body.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{AD, ADVERTISER};
use crate::{
    Drift,
    json::{Object, Raw, ShapeReader},
};

/// An answer, taken apart and not yet understood.
#[derive(Default)]
pub(super) struct RawPage<'a> {
    pub(super) code: Option<Cow<'a, str>>,
    pub(super) message: Option<Cow<'a, str>>,
    pub(super) total: Option<u32>,
    /// The ads; none if `data` is missing or not a list.
    pub(super) items: Option<Vec<Item<'a>>>,
}

/// One entry of `data`.
pub(super) struct Item<'a> {
    adv: Object<'a>,
    advertiser: Object<'a>,
    pub(super) is_promoted: bool,
}

impl<'a> Item<'a> {
    pub(super) fn ad(&self, slot: usize) -> Option<&Raw<'a>> {
        self.adv.as_ref()?.get(slot)?.as_ref()
    }

    pub(super) fn ad_text(&self, slot: usize) -> Option<Cow<'a, str>> {
        self.ad(slot)?.text()
    }

    pub(super) fn advertiser(&self, slot: usize) -> Option<&Raw<'a>> {
        self.advertiser.as_ref()?.get(slot)?.as_ref()
    }

    pub(super) fn advertiser_text(&self, slot: usize) -> Option<Cow<'a, str>> {
        self.advertiser(slot)?.text()
    }
}

impl<'a> RawPage<'a> {
    /// The code of a good answer.
    pub(super) const GOOD: &'static str = "000000";

    pub(super) fn read(body: &'a [u8], drift: &mut Drift) -> Result<Self, NotJson> {
        // The parser takes bytes on trust and would hand out text that is none.
        let text = std::str::from_utf8(body)
            .map_err(|error| NotJson { ends_early: false, reason: error.to_string() })?;
        let mut readers =
            Readers { ad: ShapeReader::new(&AD), advertiser: ShapeReader::new(&ADVERTISER), drift };
        let mut deserializer = sonic_rs::Deserializer::from_str(text);
        let page = PageSeed(&mut readers).deserialize(&mut deserializer)?;
        deserializer.end()?;
        readers.ad.drain_into("adv.", readers.drift);
        readers.advertiser.drain_into("advertiser.", readers.drift);
        Ok(page)
    }
}

/// The text of entry `index`, for quarantine. Reads the body again: rejects are rare.
pub(super) fn verbatim(body: &[u8], index: usize) -> Cow<'_, str> {
    let Ok(text) = std::str::from_utf8(body) else { return String::from_utf8_lossy(body) };
    let at = |path: &[sonic_rs::PointerNode]| {
        sonic_rs::get_from_str(text, path).ok().map(|value| value.as_raw_cow())
    };
    let key = sonic_rs::PointerNode::Key("data".into());
    let place = sonic_rs::PointerNode::Index(index);
    at(&[key, place.clone()]).or_else(|| at(&[place])).unwrap_or_else(|| String::from_utf8_lossy(body))
}

/// A body that is not JSON.
pub(super) struct NotJson {
    /// It could be the beginning of JSON.
    pub(super) ends_early: bool,
    pub(super) reason: String,
}

impl From<sonic_rs::Error> for NotJson {
    fn from(error: sonic_rs::Error) -> Self {
        Self { ends_early: error.is_eof(), reason: error.to_string().replace('\n', " ") }
    }
}

struct Readers<'d> {
    ad: ShapeReader,
    advertiser: ShapeReader,
    drift: &'d mut Drift,
}

/// Accepts any JSON value; only the kinds that a seed asks for give something.
macro_rules! otherwise {
    ($nothing:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
}

struct PageSeed<'r, 'd>(&'r mut Readers<'d>);

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_> {
    type Value = RawPage<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_> {
    type Value = RawPage<'de>;

    otherwise!(RawPage::default());

    /// A list of ads without the frame: what people keep who save `data` alone.
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let items = ItemsSeed(self.0).visit_seq(seq)?;
        Ok(RawPage { items, ..RawPage::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut page = RawPage::default();
        let mut data_is_null = false;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "code" => page.code = map.next_value::<Raw<'de>>()?.text(),
                "message" => page.message = map.next_value::<Raw<'de>>()?.text(),
                "total" => {
                    page.total = map.next_value::<Raw<'de>>()?.text().and_then(|total| total.parse().ok())
                }
                "data" => {
                    (page.items, data_is_null) = map.next_value_seed(DataSeed(&mut *self.0))?;
                }
                "messageDetail" | "success" => drop(map.next_value::<IgnoredAny>()?),
                unknown => {
                    self.0.drift.unknown(unknown.to_owned(), 1);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // A market without offers may come as `data: null`; an error too, but its code tells.
        if data_is_null && page.code.as_deref() == Some(RawPage::GOOD) {
            page.items = Some(Vec::new());
        }
        Ok(page)
    }
}

/// `data`: its entries, and whether it is null.
struct DataSeed<'r, 'd>(&'r mut Readers<'d>);

impl<'de> DeserializeSeed<'de> for DataSeed<'_, '_> {
    type Value = (Option<Vec<Item<'de>>>, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, '_> {
    type Value = (Option<Vec<Item<'de>>>, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok((ItemsSeed(self.0).visit_seq(seq)?, false))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok((None, false))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((None, true))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok((None, false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok((None, false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok((None, false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok((None, false))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok((None, false))
    }
}

struct ItemsSeed<'r, 'd>(&'r mut Readers<'d>);

impl<'de> ItemsSeed<'_, '_> {
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Vec<Item<'de>>>, A::Error> {
        let mut items = Vec::with_capacity(20);
        while let Some(item) = seq.next_element_seed(ItemSeed(&mut *self.0))? {
            items.push(item);
        }
        Ok(Some(items))
    }
}

struct ItemSeed<'r, 'd>(&'r mut Readers<'d>);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_, '_> {
    type Value = Item<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemSeed<'_, '_> {
    type Value = Item<'de>;

    otherwise!(Item { adv: None, advertiser: None, is_promoted: false });

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Item { adv: None, advertiser: None, is_promoted: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut item = Item { adv: None, advertiser: None, is_promoted: false };
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "adv" => item.adv = map.next_value_seed(&mut self.0.ad)?,
                "advertiser" => item.advertiser = map.next_value_seed(&mut self.0.advertiser)?,
                "privilegeType" | "privilegeDesc" => {
                    item.is_promoted |= !map.next_value::<Raw<'de>>()?.is_null()
                }
                "privilegeTypeAdTotalCount" => drop(map.next_value::<IgnoredAny>()?),
                unknown => {
                    self.0.drift.unknown(format!("data.{unknown}"), 1);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(item)
    }
}
