//! The book as Binance writes it: every field of an answer of 2025, null where Binance has null.

use std::fmt::Write;

use cauce_model::TradeType;

use crate::{book::Ad, pairs::Pair};

/// Fields of an ad that have been null in every answer.
const NULLS: &str = concat!(
    r#""advStatus":null,"priceType":null,"priceFloatingRatio":null,"rateFloatingRatio":null,"currencyRate":null,"#,
    r#""initAmount":null,"amountAfterEditing":null,"buyerKycLimit":null,"buyerRegDaysLimit":null,"#,
    r#""buyerBtcPositionLimit":null,"remarks":null,"autoReplyMsg":null,"userTradeCountFilterTime":null,"#,
    r#""userBuyTradeCountMin":null,"userBuyTradeCountMax":null,"userSellTradeCountMin":null,"#,
    r#""userSellTradeCountMax":null,"userAllTradeCountMin":null,"userAllTradeCountMax":null,"#,
    r#""userTradeCompleteRateFilterTime":null,"userTradeCompleteCountMin":null,"userTradeCompleteRateMin":null,"#,
    r#""userTradeVolumeFilterTime":null,"userTradeType":null,"userTradeVolumeMin":null,"userTradeVolumeMax":null,"#,
    r#""userTradeVolumeAsset":null,"createTime":null,"advUpdateTime":null,"fiatVo":null,"assetVo":null,"#,
    r#""advVisibleRet":null,"minFiatAmountForAdditionalKyc":null,"inventoryType":null,"offlineReason":null,"#,
    r#""assetLogo":null,"takerCommissionRate":null,"minTakerFee":null,"tradeMethodCommissionRates":[],"#,
    r#""launchCountry":null,"abnormalStatusList":null,"closeReason":null,"storeInformation":null,"#,
    r#""allowTradeMerchant":null,"adTradeInstructionTagInfoRets":null,"isSafePayment":false"#,
);

/// One page.
pub(crate) fn page(pair: &Pair, side: TradeType, ads: &[Ad], page: usize, rows: usize) -> String {
    let start = page.saturating_sub(1).saturating_mul(rows);
    let shown = ads.iter().skip(start).take(rows);
    let mut out = String::with_capacity(3_000 * rows);
    out.push_str(r#"{"code":"000000","message":null,"messageDetail":null,"data":["#);
    for (index, ad) in shown.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_ad(&mut out, pair, side, ad);
    }
    let _ = write!(out, r#"],"total":{},"success":true}}"#, ads.len());
    out
}

/// An answer that is no answer.
pub(crate) fn venue_error() -> String {
    r#"{"code":"000002","message":"illegal parameter","messageDetail":null,"data":null,"total":0,"success":false}"#
        .to_owned()
}

// Writing to a `String` cannot fail.
fn write_ad(out: &mut String, pair: &Pair, side: TradeType, ad: &Ad) {
    let (price_scale, asset_scale) = (pair.price_scale, pair.asset_scale);
    let _ = write!(
        out,
        r#"{{"adv":{{"advNo":"{}","classify":"{}","tradeType":"{}","asset":"{}","fiatUnit":"{}","#,
        ad.number,
        if ad.maker.is_merchant { "profession" } else { "mass" },
        side.maker().as_str(),
        pair.asset,
        pair.fiat,
    );
    let money = |value: f64| (value * 100.0).round() / 100.0;
    let dynamic_max = money((ad.tradable * ad.price).min(ad.max).max(ad.min));
    let _ = write!(
        out,
        concat!(
            r#""price":"{:.*}","surplusAmount":"{:.*}","tradableQuantity":"{:.*}","#,
            r#""maxSingleTransAmount":"{:.2}","minSingleTransAmount":"{:.2}","dynamicMaxSingleTransAmount":"{:.2}","#,
            r#""minSingleTransQuantity":"{:.*}","maxSingleTransQuantity":"{:.*}","dynamicMaxSingleTransQuantity":"{:.*}","#,
            r#""payTimeLimit":{},"#
        ),
        price_scale,
        ad.price,
        asset_scale,
        ad.surplus,
        asset_scale,
        ad.tradable,
        ad.max,
        ad.min,
        dynamic_max,
        asset_scale,
        ad.min / ad.price,
        asset_scale,
        ad.max / ad.price,
        asset_scale,
        dynamic_max / ad.price,
        ad.pay_minutes,
    );
    out.push_str(r#""tradeMethods":["#);
    for (index, (code, name)) in ad.methods.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(
            out,
            concat!(
                r#"{}{{"payId":null,"payMethodId":"","payType":"{}","payAccount":null,"payBank":null,"paySubBank":null,"#,
                r#""identifier":"{}","iconUrlColor":null,"tradeMethodName":"{}","tradeMethodShortName":"{}","#,
                r##""tradeMethodBgColor":"#5A6B7C"}}"##
            ),
            comma, code, code, name, name,
        );
    }
    let _ = write!(
        out,
        concat!(
            r#"],"takerAdditionalKycRequired":0,"assetScale":{},"fiatScale":2,"priceScale":{},"fiatSymbol":"{}","#,
            r#""isTradable":true,"commissionRate":"0.00200000",{}}},"#
        ),
        asset_scale, price_scale, pair.symbol, NULLS,
    );
    write_maker(out, ad);
}

fn write_maker(out: &mut String, ad: &Ad) {
    let maker = &ad.maker;
    let (kind, identity, badges) = match maker.is_merchant {
        true => ("merchant", "MASS_MERCHANT", r#"["verified"]"#),
        false => ("user", "", "null"),
    };
    let promoted =
        if ad.is_promoted { r#""Featured Ad","privilegeType":2"# } else { r#"null,"privilegeType":null"# };
    let _ = write!(
        out,
        concat!(
            r#""advertiser":{{"userNo":"{}","realName":null,"nickName":"{}","margin":null,"marginUnit":null,"#,
            r#""orderCount":null,"monthOrderCount":{},"monthFinishRate":{:.4},"positiveRate":{:.4},"advConfirmTime":null,"#,
            r#""email":null,"registrationTime":null,"mobile":null,"userType":"{}","tagIconUrls":[],"userGrade":{},"#,
            r#""userIdentity":"{}","proMerchant":null,"badges":{},"vipLevel":null,"isBlocked":false,"#,
            r#""activeTimeInSecond":{}}},"privilegeDesc":{}}}"#
        ),
        maker.user_no,
        maker.nickname,
        maker.orders,
        maker.finish_rate,
        maker.positive_rate,
        kind,
        maker.grade,
        identity,
        badges,
        maker.orders % 900,
        promoted,
    );
}
