//! The frame of an answer: `{code, message, data: [{adv, advertiser, privilegeType}], total, success}`, read in one
//! pass that borrows from the body.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{AD, ADVERTISER};
use crate::{
    Drift,
    json::{Raw, ShapeReader},
};

/// The frame of an answer. Its ads went to whoever read it, one by one.
#[derive(Default)]
pub(super) struct Frame<'a> {
    pub(super) code: Option<Cow<'a, str>>,
    pub(super) message: Option<Cow<'a, str>>,
    pub(super) total: Option<u32>,
    /// `data` is there and is a list.
    pub(super) has_ads: bool,
}

/// One entry of `data`, not yet understood.
pub(super) struct Item<'a> {
    pub(super) ad: ShapeReader<'a>,
    pub(super) advertiser: ShapeReader<'a>,
    pub(super) is_promoted: bool,
}

impl<'a> Frame<'a> {
    /// The code of a good answer.
    pub(super) const GOOD: &'static str = "000000";

    /// Reads an answer and hands its ads to `each` in their order, as they come: what follows an ad may turn out not
    /// to be JSON.
    pub(super) fn read(
        body: &'a [u8],
        drift: &mut Drift,
        each: &mut dyn FnMut(&Item<'a>, &mut Drift),
    ) -> Result<Self, NotJson> {
        // The parser takes bytes on trust and would hand out text that is none.
        let text = simdutf8::compat::from_utf8(body).map_err(|error| NotJson {
            ends_early: error.error_len().is_none(),
            reason: error.to_string(),
        })?;
        let item =
            Item { ad: ShapeReader::new(&AD), advertiser: ShapeReader::new(&ADVERTISER), is_promoted: false };
        let mut reader = Reader { item, drift, each };
        let mut deserializer = sonic_rs::Deserializer::from_str(text);
        let not_json = |error| NotJson::of(text, &error);
        let frame = FrameSeed(&mut reader).deserialize(&mut deserializer).map_err(not_json)?;
        deserializer.end().map_err(not_json)?;
        reader.item.ad.drain_into("adv.", reader.drift);
        reader.item.advertiser.drain_into("advertiser.", reader.drift);
        Ok(frame)
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

impl NotJson {
    /// Neither parser always tells the end from a mistake: one calls a cut literal wrong, the other a cut number. What
    /// one of them calls the end is the end.
    fn of(text: &str, error: &sonic_rs::Error) -> Self {
        let other = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err_and(|error| error.is_eof());
        let ends_early = error.is_eof() || other();
        Self { ends_early, reason: error.to_string().replace('\n', " ") }
    }
}

struct Reader<'a, 'd> {
    item: Item<'a>,
    drift: &'d mut Drift,
    each: &'d mut dyn FnMut(&Item<'a>, &mut Drift),
}

/// Accepts any JSON value; only the kinds that a seed asks for give something.
macro_rules! otherwise {
    ($nothing:expr) => {
        otherwise!($nothing, null: $nothing);
    };
    ($nothing:expr, null: $null:expr) => {
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
            Ok($null)
        }
    };
}

struct FrameSeed<'r, 'a, 'd>(&'r mut Reader<'a, 'd>);

impl<'de> DeserializeSeed<'de> for FrameSeed<'_, 'de, '_> {
    type Value = Frame<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FrameSeed<'_, 'de, '_> {
    type Value = Frame<'de>;

    otherwise!(Frame::default());

    /// A list of ads without the frame: what people keep who save `data` alone.
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        DataSeed(self.0).visit_seq(seq)?;
        Ok(Frame { has_ads: true, ..Frame::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut frame = Frame::default();
        let mut data = Data::Other;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "code" => frame.code = map.next_value::<Raw<'de>>()?.text(),
                "message" => frame.message = map.next_value::<Raw<'de>>()?.text(),
                "total" => {
                    frame.total = map.next_value::<Raw<'de>>()?.text().and_then(|total| total.parse().ok())
                }
                "data" => data = map.next_value_seed(DataSeed(&mut *self.0))?,
                "messageDetail" | "success" => drop(map.next_value::<IgnoredAny>()?),
                unknown => {
                    self.0.drift.unknown(unknown.to_owned(), 1);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        frame.has_ads = match data {
            Data::Ads => true,
            // A market without offers may come as `data: null`; an error too, but its code tells.
            Data::Null => frame.code.as_deref() == Some(Frame::GOOD),
            Data::Other => false,
        };
        Ok(frame)
    }
}

/// What stood under `data`.
enum Data {
    Ads,
    Null,
    Other,
}

struct DataSeed<'r, 'a, 'd>(&'r mut Reader<'a, 'd>);

impl<'de> DeserializeSeed<'de> for DataSeed<'_, 'de, '_> {
    type Value = Data;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, 'de, '_> {
    type Value = Data;

    otherwise!(Data::Other, null: Data::Null);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element_seed(ItemSeed(&mut *self.0))?.is_some() {
            (self.0.each)(&self.0.item, self.0.drift);
        }
        Ok(Data::Ads)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Data::Other)
    }
}

struct ItemSeed<'r, 'a, 'd>(&'r mut Reader<'a, 'd>);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.item.ad.clear();
        self.0.item.advertiser.clear();
        self.0.item.is_promoted = false;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemSeed<'_, 'de, '_> {
    type Value = ();

    otherwise!(());

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Reader { item, drift, .. } = self.0;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match name.as_ref() {
                "adv" => map.next_value_seed(&mut item.ad)?,
                "advertiser" => map.next_value_seed(&mut item.advertiser)?,
                "privilegeType" | "privilegeDesc" => {
                    item.is_promoted |= !map.next_value::<Raw<'de>>()?.is_null()
                }
                "privilegeTypeAdTotalCount" => drop(map.next_value::<IgnoredAny>()?),
                unknown => {
                    drift.unknown(format!("data.{unknown}"), 1);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
