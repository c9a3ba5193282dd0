//! Binance P2P: `POST /bapi/c2c/v2/friendly/c2c/adv/search`. Undocumented, unauthenticated; the shapes here are
//! those of answers recorded from 2022 to 2026.
//!
//! - A request's `tradeType` is the **taker's** side. An ad's `tradeType` is the **maker's**: the opposite.
//! - At most 20 ads a page, pages from 1; beyond the last page `data` is empty and `total` is still set.
//! - Good answers have `code` "000000". Nothing in an answer says when it was made.
//! - Number formats vary between years (`"1400000"`, `"20000.00"`); money is text, ratings are JSON numbers.
//! - A promoted ad has a `privilegeType` and may stand first, out of the order of prices.

use std::{borrow::Cow, sync::LazyLock};

use cauce_model::{Amount, BadValue, ErrorType, MakerSide, Market, Offer, Price, Rate, Rule};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Failure, Page, PageReader, PageRequest, PageSummary, Record, Unreadable, VenueProtocol,
    judge_http, rule_of,
};
use crate::{
    Drift,
    json::{Raw, Shape},
};

mod page;

use page::{Frame, Item};

/// The venue.
pub(super) struct BinanceP2p;

/// What an ad may hold. The order is that of [`ad`], by which the slots are read.
static AD: LazyLock<Shape> = LazyLock::new(|| {
    Shape::new(
        &[
            "advNo",
            "tradeType",
            "asset",
            "fiatUnit",
            "price",
            "surplusAmount",
            "minSingleTransAmount",
            "maxSingleTransAmount",
            "tradableQuantity",
            "tradeMethods",
            "payTimeLimit",
            "remarks",
            "isTradable",
        ],
        &[
            "classify",
            "advStatus",
            "priceType",
            "priceFloatingRatio",
            "rateFloatingRatio",
            "currencyRate",
            "initAmount",
            "amountAfterEditing",
            "buyerKycLimit",
            "buyerRegDaysLimit",
            "buyerBtcPositionLimit",
            "autoReplyMsg",
            "userTradeCountFilterTime",
            "userBuyTradeCountMin",
            "userBuyTradeCountMax",
            "userSellTradeCountMin",
            "userSellTradeCountMax",
            "userAllTradeCountMin",
            "userAllTradeCountMax",
            "userTradeCompleteRateFilterTime",
            "userTradeCompleteCountMin",
            "userTradeCompleteRateMin",
            "userTradeVolumeFilterTime",
            "userTradeType",
            "userTradeVolumeMin",
            "userTradeVolumeMax",
            "userTradeVolumeAsset",
            "createTime",
            "advUpdateTime",
            "fiatVo",
            "assetVo",
            "advVisibleRet",
            "takerAdditionalKycRequired",
            "minFiatAmountForAdditionalKyc",
            "inventoryType",
            "offlineReason",
            "assetLogo",
            "assetScale",
            "fiatScale",
            "priceScale",
            "fiatSymbol",
            "dynamicMaxSingleTransAmount",
            "minSingleTransQuantity",
            "maxSingleTransQuantity",
            "dynamicMaxSingleTransQuantity",
            "commissionRate",
            "takerCommissionRate",
            "minTakerFee",
            "tradeMethodCommissionRates",
            "launchCountry",
            "abnormalStatusList",
            "closeReason",
            "storeInformation",
            "allowTradeMerchant",
            "adTradeInstructionTagInfoRets",
            "adAdditionalKycVerifyItems",
            "isStarTrader",
            "isSafePayment",
            "nonTradableRegions",
            "invisibleReason",
            "invisibleType",
            "takerIsSatisfiedNonTradableRegions",
        ],
    )
});

mod ad {
    pub(super) const NO: usize = 0;
    pub(super) const TRADE_TYPE: usize = 1;
    pub(super) const ASSET: usize = 2;
    pub(super) const FIAT: usize = 3;
    pub(super) const PRICE: usize = 4;
    pub(super) const SURPLUS: usize = 5;
    pub(super) const MIN: usize = 6;
    pub(super) const MAX: usize = 7;
    pub(super) const TRADABLE: usize = 8;
    pub(super) const METHODS: usize = 9;
    pub(super) const PAY_TIME: usize = 10;
    pub(super) const REMARKS: usize = 11;
    pub(super) const IS_TRADABLE: usize = 12;
    /// Slots before this one have been in every ad of every year.
    pub(super) const EXPECTED: usize = 8;
}

/// What an advertiser may hold. The order is that of [`advertiser`].
static ADVERTISER: LazyLock<Shape> = LazyLock::new(|| {
    Shape::new(
        &[
            "userNo",
            "nickName",
            "userType",
            "monthOrderCount",
            "monthFinishRate",
            "positiveRate",
            "userGrade",
        ],
        &[
            "realName",
            "margin",
            "marginUnit",
            "orderCount",
            "advConfirmTime",
            "email",
            "registrationTime",
            "mobile",
            "tagIconUrls",
            "userIdentity",
            "proMerchant",
            "isBlocked",
            "badges",
            "vipLevel",
            "activeTimeInSecond",
            "merchantGroupMember",
        ],
    )
});

mod advertiser {
    pub(super) const NO: usize = 0;
    pub(super) const NICKNAME: usize = 1;
    pub(super) const TYPE: usize = 2;
    pub(super) const ORDERS: usize = 3;
    pub(super) const FINISH_RATE: usize = 4;
    pub(super) const POSITIVE_RATE: usize = 5;
    pub(super) const GRADE: usize = 6;
    /// Slots before this one have been in every answer of every year.
    pub(super) const EXPECTED: usize = 5;
}

impl VenueProtocol for BinanceP2p {
    fn name(&self) -> &'static str {
        "binance_p2p"
    }

    fn base_url(&self) -> &'static str {
        "https://p2p.binance.com"
    }

    fn request(&self, market: &Market, page: u32) -> PageRequest {
        let body = json!({
            "asset": market.asset.as_str(),
            "fiat": market.fiat.as_str(),
            "tradeType": market.trade_type.as_str(),
            "page": page,
            "rows": self.page_size(),
            "payTypes": [],
            "publisherType": null,
        });
        PageRequest {
            method: "POST",
            path: "/bapi/c2c/v2/friendly/c2c/adv/search".to_owned(),
            body: Some(body),
        }
    }

    fn judge(&self, answer: Answer<'_>) -> Result<PageSummary, Failure> {
        // A refusal by country comes with 451, or as JSON with a message and an HTTP status of its own choice.
        if contains(answer.body, b"restricted location") {
            let message = format!("http {}: {}", answer.status, super::head_of(answer.body));
            return Err(Failure { error_type: ErrorType::GeoBlocked, message });
        }
        if let Some(failure) = judge_http(&answer) {
            return Err(failure);
        }
        let failure = |error_type, message| Failure { error_type, message };
        let mut offer_ids = Vec::new();
        let mut note_id = |item: &Item<'_>, _: &mut Drift| {
            offer_ids.push(item.ad.text(ad::NO).unwrap_or_default().into_owned())
        };
        let frame = Frame::read(answer.body, &mut Drift::default(), &mut note_id).map_err(|error| {
            let kind = if error.ends_early { ErrorType::TruncatedBody } else { ErrorType::InvalidBody };
            failure(kind, format!("body is not JSON: {}", error.reason))
        })?;
        let code = frame.code.as_deref().unwrap_or("(none)");
        if code != Frame::GOOD {
            let said = frame.message.as_deref().unwrap_or("(no message)");
            return Err(failure(ErrorType::VenueCode, format!("venue code {code}: {said}")));
        }
        if !frame.has_ads {
            return Err(failure(ErrorType::InvalidBody, "the field data is not a list".to_owned()));
        }
        let announced = frame.total.unwrap_or_else(|| u32::try_from(offer_ids.len()).unwrap_or(u32::MAX));
        Ok(PageSummary { announced, offer_ids })
    }
}

impl PageReader for BinanceP2p {
    fn page_size(&self) -> u32 {
        20
    }

    fn read<'a>(&self, body: &'a [u8], drift: &mut Drift) -> Result<Page<'a>, Unreadable> {
        let unreadable = |rule, reason: String| Unreadable { rule, reason };
        let mut records = Vec::with_capacity(20);
        let mut understand = |item: &Item<'a>, drift: &mut Drift| {
            records.push(match offer(item, drift) {
                Ok((asset, fiat, offer)) => Record::Offer { asset, fiat, offer },
                Err((rule, reason)) => {
                    Record::Reject { rule, reason, record: page::verbatim(body, records.len()) }
                }
            });
        };
        let frame = Frame::read(body, drift, &mut understand)
            .map_err(|error| unreadable(Rule::InvalidJson, error.reason))?;
        if !frame.has_ads {
            let code = frame.code.as_deref().unwrap_or("(none)");
            return Err(unreadable(
                Rule::UnknownShape,
                format!("code {code}, and data is not a list of ads"),
            ));
        }
        Ok(Page { announced: frame.total, records })
    }

    fn verbatim<'a>(&self, body: &'a [u8], index: usize) -> Cow<'a, str> {
        page::verbatim(body, index)
    }
}

type Broken = (Rule, String);

/// One ad as an offer, with the asset and the currency that it names.
fn offer<'a>(item: &Item<'a>, drift: &mut Drift) -> Result<(Cow<'a, str>, Cow<'a, str>, Offer<'a>), Broken> {
    note_missing(item, drift);
    let id = item.ad.text(ad::NO).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| (Rule::MissingId, "advNo is missing".to_owned()))?;
    let side = required(item, ad::TRADE_TYPE)?;
    let maker_side: MakerSide =
        side.parse().map_err(|error: BadValue| (Rule::UnknownSide, error.to_string()))?;
    let price = required(item, ad::PRICE)?;
    let price = Price::parse("price", &price)
        .map_err(|error| (rule_of(&price, Rule::PriceNotPositive), error.to_string()))?;
    let min_limit = amount(item, ad::MIN)?;
    let max_limit = amount(item, ad::MAX)?;
    if min_limit > max_limit {
        return Err((
            Rule::MinAboveMax,
            format!("minSingleTransAmount {min_limit} > maxSingleTransAmount {max_limit}"),
        ));
    }
    let advertiser_id = item.advertiser.text(advertiser::NO).filter(|id| !id.is_empty());
    let offer = Offer {
        raw_pos: 0,
        rank: 0,
        id,
        maker_side,
        advertiser_id: advertiser_id
            .ok_or_else(|| (Rule::MissingId, "advertiser.userNo is missing".to_owned()))?,
        nickname: item.advertiser.text(advertiser::NICKNAME),
        user_grade: integer(item.advertiser.text(advertiser::GRADE)),
        registration_days: None,
        is_merchant: item.advertiser.text(advertiser::TYPE).as_deref() == Some("merchant"),
        price,
        // Null in every recorded answer; what it would mean is not known, so it is not guessed.
        price_float_rate: None,
        available: amount(item, ad::SURPLUS)?,
        tradable: item.ad.text(ad::TRADABLE).and_then(|text| Amount::parse("tradableQuantity", &text).ok()),
        min_limit,
        max_limit,
        completion_rate: rate(item.advertiser.text(advertiser::FINISH_RATE)),
        positive_rate: rate(item.advertiser.text(advertiser::POSITIVE_RATE)),
        orders_count: integer(item.advertiser.text(advertiser::ORDERS)),
        avg_response_time_seconds: None,
        avg_completion_time_minutes: None,
        payment_time_limit_minutes: integer(item.ad.text(ad::PAY_TIME)),
        payment_methods: item.ad.get(ad::METHODS).map(payment_methods).unwrap_or_default(),
        terms: item.ad.text(ad::REMARKS).filter(|terms| !terms.is_empty()),
        is_available: item.ad.get(ad::IS_TRADABLE).and_then(Raw::bool).unwrap_or(true),
        is_promoted: item.is_promoted,
    };
    Ok((required(item, ad::ASSET)?, required(item, ad::FIAT)?, offer))
}

fn note_missing(item: &Item<'_>, drift: &mut Drift) {
    for (slot, name) in AD.read.iter().enumerate().take(ad::EXPECTED) {
        if item.ad.get(slot).is_none() {
            drift.missing(name);
        }
    }
    for (slot, name) in ADVERTISER.read.iter().enumerate().take(advertiser::EXPECTED) {
        if item.advertiser.get(slot).is_none() {
            drift.missing(name);
        }
    }
}

fn required<'a>(item: &Item<'a>, slot: usize) -> Result<Cow<'a, str>, Broken> {
    item.ad.text(slot).filter(|text| !text.is_empty()).ok_or_else(|| {
        let found = item.ad.get(slot).map_or("nothing", Raw::as_str);
        (Rule::MissingField, BadValue::new(AD.read[slot], found, "is not a text or a number").to_string())
    })
}

fn amount(item: &Item<'_>, slot: usize) -> Result<Amount, Broken> {
    let text = required(item, slot)?;
    Amount::parse(AD.read[slot], &text)
        .map_err(|error| (rule_of(&text, Rule::NegativeAmount), error.to_string()))
}

/// A count; none where it is missing or not a whole number that fits.
fn integer(text: Option<Cow<'_, str>>) -> Option<i32> {
    text?.parse().ok()
}

/// A rating; none where it is missing or outside 0 to 1. It is no reason to lose the offer.
fn rate(text: Option<Cow<'_, str>>) -> Option<Rate> {
    Rate::parse("rate", &text?).ok()
}

/// The codes of the payment methods. `identifier` is the code in every year; the others stand in where it is empty.
fn payment_methods<'a>(raw: &Raw<'a>) -> Vec<Cow<'a, str>> {
    #[derive(Deserialize)]
    struct Method<'a> {
        #[serde(borrow)]
        identifier: Option<Raw<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OtherNames<'a> {
        #[serde(borrow)]
        pay_type: Option<Raw<'a>>,
        #[serde(borrow)]
        trade_method_name: Option<Raw<'a>>,
    }
    let named = |name: Option<Raw<'a>>| name.and_then(|name| name.text()).filter(|name| !name.is_empty());
    let methods = raw.parse::<Vec<Method<'a>>>().unwrap_or_default();
    let codes: Vec<_> = methods.into_iter().map(|method| named(method.identifier)).collect();
    if codes.iter().all(Option::is_some) {
        return codes.into_iter().flatten().collect();
    }
    let others = raw.parse::<Vec<OtherNames<'a>>>().unwrap_or_default();
    let other = |names: OtherNames<'a>| named(names.pay_type).or_else(|| named(names.trade_method_name));
    codes.into_iter().zip(others).filter_map(|(code, names)| code.or_else(|| other(names))).collect()
}

fn contains(body: &[u8], words: &[u8]) -> bool {
    // Refusals are short; a page of offers is not searched.
    body.len() < 2_000 && body.windows(words.len()).any(|window| window == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_cut_anywhere_is_truncated_and_not_wrong() {
        let page = json!({
            "code": "000000", "message": null, "total": 1, "success": true,
            "data": [{
                "adv": { "advNo": "127", "tradeType": "SELL", "asset": "USDT", "fiatUnit": "VES", "price": "286.4",
                         "tradeMethods": [{ "identifier": "PagoMovil", "tradeMethodName": "Pago Móvil \"\u{1f4b5}\"" }],
                         "isTradable": false, "priceFloatingRatio": -1.25e2 },
                "advertiser": { "userNo": "u", "nickName": "ñandú", "monthFinishRate": 0.987 },
            }],
        });
        let page = page.to_string().into_bytes();
        let judge = |body: &[u8]| BinanceP2p.judge(Answer { status: 200, content_type: None, body });
        assert_eq!(judge(&page).unwrap().announced, 1);
        for length in 0..page.len() {
            let failure = judge(&page[..length]).unwrap_err();
            let shown = String::from_utf8_lossy(&page[..length]);
            assert_eq!(failure.error_type, ErrorType::TruncatedBody, "{shown}: {}", failure.message);
        }
        let wrong = judge(br#"{"code": "000000", "data": [nil]}"#).unwrap_err();
        assert_eq!(wrong.error_type, ErrorType::InvalidBody);
    }
}
