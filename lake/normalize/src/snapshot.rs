//! Pages of a venue, put together to snapshots.

use std::{borrow::Cow, collections::HashSet, mem};

use cauce_model::{Depth, Market, Offer, Quarantined, RawId, Rule, Snapshot, SnapshotId};
use cauce_protocols::{
    Drift,
    venues::{Page, PageReader, Record, VenueProtocol},
};
use cauce_raw::Envelope;

use crate::{Normalized, Positioned, depth, quality, quality::Counts, whole};

/// Whose pages they are.
#[derive(Clone, Copy)]
pub(crate) enum Pages {
    /// A venue's, which can be sorted into markets by what they say.
    Of(&'static dyn VenueProtocol),
    /// Of several venues, each with its market.
    Imported(&'static dyn PageReader),
}

impl Pages {
    fn reader(self) -> &'static dyn PageReader {
        match self {
            Self::Of(venue) => venue,
            Self::Imported(reader) => reader,
        }
    }
}

/// Reads pages in the object's order. Pages that were asked for say their market; a file that somebody saved does
/// not, and is sorted into markets by what its offers say.
pub(crate) fn read<'a>(raw: &RawId, pages: Pages, envelopes: &[Positioned<'a>], out: &mut Normalized<'a>) {
    let reader = pages.reader();
    let mut open: Option<Builder<'a>> = None;
    for (pos, envelope) in envelopes {
        match &envelope.market {
            Some(market) => {
                if !open.as_ref().is_some_and(|builder| builder.continues(market, envelope)) {
                    finish(raw, open.take(), out);
                }
                let builder = open.get_or_insert_with(|| Builder::new(market.clone(), *pos, envelope));
                builder.page(reader, *pos, envelope, &mut out.quarantine);
            }
            None => {
                finish(raw, open.take(), out);
                if let Pages::Of(venue) = pages {
                    unasked(raw, venue, *pos, envelope, out);
                }
            }
        }
    }
    finish(raw, open, out);
}

fn finish<'a>(raw: &RawId, builder: Option<Builder<'a>>, out: &mut Normalized<'a>) {
    out.snapshots.extend(builder.map(|builder| builder.finish(raw)));
}

/// A snapshot in the making.
struct Builder<'a> {
    market: Market,
    first: Positioned<'a>,
    last_page: u32,
    pages_with_offers: u32,
    full_pages_of: u32,
    knows_completeness: bool,
    offers: Vec<Offer<'a>>,
    seen: HashSet<Cow<'a, str>>,
    rejected: HashSet<Cow<'a, str>>,
    counts: Counts,
}

impl<'a> Builder<'a> {
    fn new(market: Market, pos: i32, envelope: &'a Envelope<'a>) -> Self {
        Self {
            market,
            first: (pos, envelope),
            last_page: 0,
            pages_with_offers: 0,
            full_pages_of: 1,
            knows_completeness: true,
            offers: Vec::new(),
            seen: HashSet::new(),
            rejected: HashSet::new(),
            counts: Counts::default(),
        }
    }

    /// Whether a page belongs to this snapshot: same run, same market, and a later page of it.
    fn continues(&self, market: &Market, envelope: &Envelope<'_>) -> bool {
        self.market == *market
            && self.first.1.run_id == envelope.run_id
            && envelope.page.is_some_and(|page| page > self.last_page)
    }

    fn page(
        &mut self,
        reader: &'static dyn PageReader,
        pos: i32,
        envelope: &'a Envelope<'a>,
        quarantine: &mut Vec<Quarantined<'a>>,
    ) {
        self.last_page = envelope.page.unwrap_or(self.last_page + 1);
        match reader.read(envelope.body.bytes(), &mut self.counts.drift) {
            Ok(page) => self.records(reader, pos, envelope, page, quarantine),
            Err(unreadable) => quarantine.push(whole(pos, envelope, unreadable.rule, unreadable.reason)),
        }
    }

    fn records(
        &mut self,
        reader: &'static dyn PageReader,
        pos: i32,
        envelope: &'a Envelope<'a>,
        page: Page<'a>,
        quarantine: &mut Vec<Quarantined<'a>>,
    ) {
        self.full_pages_of = reader.page_size();
        self.knows_completeness = reader.knows_completeness();
        self.counts.announced = page.announced.or(self.counts.announced);
        self.offers.reserve(page.records.len());
        // The first page of an empty market has arrived too, with all that there is.
        self.pages_with_offers += u32::from(!page.records.is_empty());
        for (index, record) in page.records.into_iter().enumerate() {
            self.counts.received += 1;
            let (rule, reason, text) = match record {
                Record::Offer { asset, fiat, offer } if self.is_of_this_market(&asset, &fiat) => {
                    self.offer(pos, offer);
                    continue;
                }
                Record::Offer { asset, fiat, .. } => {
                    let reason = format!("an offer of {asset}/{fiat} among those of {}", self.market);
                    (Rule::MarketMismatch, reason, reader.verbatim(envelope.body.bytes(), index))
                }
                Record::Reject { rule, reason, record } => (rule, reason, record),
            };
            if self.rejected.insert(text.clone()) {
                self.counts.rejected += 1;
                quarantine.push(Quarantined {
                    raw_pos: pos,
                    fetched_at: envelope.fetched_at,
                    rule,
                    reason,
                    record: text,
                });
            } else {
                self.counts.duplicates += 1;
            }
        }
    }

    fn is_of_this_market(&self, asset: &str, fiat: &str) -> bool {
        asset == self.market.asset.as_str() && fiat == self.market.fiat.as_str()
    }

    /// Takes an offer, unless it came before: ads move between pages while they are turned.
    fn offer(&mut self, pos: i32, mut offer: Offer<'a>) {
        if !self.seen.insert(offer.id.clone()) {
            self.counts.duplicates += 1;
            return;
        }
        offer.raw_pos = pos;
        offer.rank = i32::try_from(self.offers.len()).unwrap_or(i32::MAX);
        self.offers.push(offer);
    }

    fn finish(self, raw: &RawId) -> Snapshot<'a> {
        let (raw_pos, envelope) = self.first;
        let different = self.counts.received - self.counts.duplicates;
        let announced = self.counts.announced.unwrap_or_else(|| u32::try_from(different).unwrap_or(u32::MAX));
        let pages_announced = announced.div_ceil(self.full_pages_of).max(1);
        let pages_received = if announced == 0 { 1 } else { self.pages_with_offers };
        let is_known = self.counts.announced.is_some() || self.knows_completeness;
        let all_records = self.counts.received >= announced as usize;
        let counted = Depth {
            offers_announced: clamp(announced),
            pages_announced: clamp(pages_announced),
            pages_received: clamp(pages_received),
            is_complete: is_known && pages_received >= pages_announced && all_records,
            ..Depth::default()
        };
        Snapshot {
            id: SnapshotId::derive(raw, raw_pos, &self.market.to_string()),
            run_id: envelope.run_id,
            taken_at: envelope.fetched_at,
            raw_pos,
            depth: depth::of(&self.offers, self.market.trade_type, counted),
            checks: quality::checks(&self.market, &self.offers, &self.counts),
            offers: self.offers,
            market: self.market,
        }
    }
}

fn clamp(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A page that says no market: one snapshot for each market that its offers name, in the order of appearance.
fn unasked<'a>(
    raw: &RawId,
    venue: &'static dyn VenueProtocol,
    pos: i32,
    envelope: &'a Envelope<'a>,
    out: &mut Normalized<'a>,
) {
    let body = envelope.body.bytes();
    let mut drift = Drift::default();
    let page = match venue.read(body, &mut drift) {
        Ok(page) => page,
        Err(unreadable) => {
            out.quarantine.push(whole(pos, envelope, unreadable.rule, unreadable.reason));
            return;
        }
    };
    let mut builders: Vec<Builder<'a>> = Vec::new();
    let mut rejects = 0;
    for (index, record) in page.records.into_iter().enumerate() {
        let (rule, reason, record) = match record {
            Record::Offer { asset, fiat, offer } => match market_of(venue, &asset, &fiat, &offer) {
                Ok(market) => {
                    let known = builders.iter().position(|builder| builder.market == market);
                    let place = known.unwrap_or_else(|| {
                        builders.push(Builder::new(market, pos, envelope));
                        builders.len() - 1
                    });
                    builders[place].counts.received += 1;
                    builders[place].pages_with_offers = 1;
                    builders[place].full_pages_of = venue.page_size();
                    builders[place].offer(pos, offer);
                    continue;
                }
                Err(reason) => (Rule::InvalidMarket, reason, venue.verbatim(body, index)),
            },
            Record::Reject { rule, reason, record } => (rule, reason, record),
        };
        rejects += 1;
        out.quarantine.push(Quarantined {
            raw_pos: pos,
            fetched_at: envelope.fetched_at,
            rule,
            reason,
            record,
        });
    }
    // What the page says as a whole can be said of a market only if it is the only one on it.
    if let [only] = builders.as_mut_slice() {
        only.counts.announced = page.announced;
        only.counts.received += rejects;
        only.counts.rejected += rejects;
        only.counts.drift = mem::take(&mut drift);
    }
    out.snapshots.extend(builders.into_iter().map(|builder| builder.finish(raw)));
}

fn market_of(
    venue: &dyn VenueProtocol,
    asset: &str,
    fiat: &str,
    offer: &Offer<'_>,
) -> Result<Market, String> {
    let said = |error: cauce_model::BadValue| error.to_string();
    Ok(Market {
        venue: venue.name().parse().map_err(said)?,
        asset: asset.parse().map_err(said)?,
        fiat: fiat.parse().map_err(said)?,
        trade_type: venue.taker_side(offer.maker_side),
    })
}
