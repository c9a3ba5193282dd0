//! Files of brokers, as people have them: every row is a trade, something known that is none, or says what is wrong with it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test stops at what it can't do"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use cauce_model::{AccountTerms, DateOrder, Effect, Fee, PositionSide, Side};
use cauce_protocols::{
    brokers::{self, Said, UnknownLayout},
    document::Bytes,
};
use proptest::prelude::*;

fn read(body: &[u8], terms: &AccountTerms) -> Result<(&'static str, [usize; 3]), UnknownLayout> {
    let reading = brokers::read(Bytes { content_type: None, body }, terms)?;
    let mut counts = [0; 3];
    for row in &reading.rows {
        match &row.said {
            Said::Fills(_) => counts[0] += 1,
            Said::Skipped(..) => counts[1] += 1,
            Said::Broken(_) => counts[2] += 1,
        }
    }
    Ok((reading.layout.name, counts))
}

/// By file what a person counted: trades, rows that are known and no trades, rows that say what is wrong with them.
const COUNTED: [(&str, &str, [usize; 3]); 85] = [
    ("binance/binance_trade_export_isolated_margin_2021.csv", "binance_spot_export", [2, 0, 0]),
    ("binance/gct_api_v3_allOrders_GET_0.json", "binance_api", [0, 1, 0]),
    ("binance/gct_api_v3_historicalTrades_GET_0.json", "binance_api", [0, 5, 0]),
    ("binance/gct_api_v3_order_DELETE_0.json", "binance_api", [0, 1, 0]),
    ("binance/gct_api_v3_order_DELETE_1.json", "binance_api", [0, 1, 0]),
    ("binance/gct_dapi_v1_historicalTrades_GET_0.json", "binance_api", [0, 0, 1]),
    ("binance/gct_dapi_v1_historicalTrades_GET_1.json", "binance_api", [0, 0, 1]),
    ("binance/gct_fapi_v1_trades_GET_0.json", "binance_api", [0, 5, 0]),
    ("binance/gct_fapi_v1_trades_GET_1.json", "binance_api", [0, 5, 0]),
    ("binance/gobinance_futures_TestCancelOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_futures_TestCreateBatchOrders.json", "binance_api", [0, 1, 2]),
    ("binance/gobinance_futures_TestCreateOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_futures_TestGetOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_futures_TestModifyBatchOrders.json", "binance_api", [0, 1, 1]),
    ("binance/gobinance_futures_TestModifyOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestCancelOCO.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestCancelOpenOrders.json", "binance_api", [0, 2, 0]),
    ("binance/gobinance_spot_TestCancelOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestCreateOrderFull.json", "binance_api", [1, 0, 0]),
    ("binance/gobinance_spot_TestCreateOrderId.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestGetOrder.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestListOpenOrders.json", "binance_api", [0, 1, 0]),
    ("binance/gobinance_spot_TestListOrders.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_CoinFutures_GetOrder.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_CoinFutures_GetOrders.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_CoinFutures_GetPositionAdlQuantileEstimation.json", "binance_api", [0, 2, 0]),
    ("binance/jkorf_CoinFutures_GetUserTrades.json", "binance_api", [1, 0, 0]),
    ("binance/jkorf_Spot_GetAccountInfo.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_Spot_GetOrder.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_Spot_GetOrders.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_UsdFutures_GetAccountInfo.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_UsdFutures_GetOrders.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_UsdFutures_GetPositionAdlQuantileEstimation.json", "binance_api", [0, 2, 0]),
    ("binance/jkorf_UsdFutures_GetPositionInformation.json", "binance_api", [0, 1, 0]),
    ("binance/jkorf_UsdFutures_GetUserTrades.json", "binance_api", [1, 0, 0]),
    ("bitstamp/gct_api_v2_transactions_btcusd_GET_0.json", "bitstamp_api", [0, 383, 0]),
    ("bitstamp/gct_api_v2_user_transactions_POST_0.json", "bitstamp_api", [11, 6, 0]),
    ("bitstamp/gct_api_v2_user_transactions_btcusd_POST_0.json", "bitstamp_api", [11, 0, 0]),
    ("bittytax/example.csv", "bittytax", [39, 21, 0]),
    ("cgt_calc/freetrade__data__transactions.csv", "freetrade", [13, 4, 0]),
    ("cgt_calc/raw__data__test_data.csv", "plain_table", [13, 3, 0]),
    ("cgt_calc/spouse__data__sender.csv", "plain_table", [2, 2, 0]),
    ("cgt_calc/trading212__data__2020__from_2020-09-11_to_2021-04-02.csv", "trading212", [5, 3, 0]),
    ("cgt_calc/trading212__data__2026__inputs__transactions.csv", "trading212", [4, 1, 0]),
    ("dali/test_binance_autoinvest.csv", "binance_auto_invest", [2, 0, 0]),
    ("dali/test_manual_in.csv", "dali_in", [2, 0, 0]),
    ("dali/test_manual_out.csv", "dali_out", [1, 0, 0]),
    ("export_to_ghostfolio/bitvavo-export.csv", "bitvavo", [12, 22, 0]),
    ("export_to_ghostfolio/coinbase-export.csv", "coinbase", [4, 4, 0]),
    ("export_to_ghostfolio/cointracking-export.csv", "cointracking", [3, 3, 0]),
    ("export_to_ghostfolio/delta-export.csv", "delta", [3, 4, 0]),
    ("export_to_ghostfolio/etoro-export.csv", "etoro", [6, 19, 3]),
    ("export_to_ghostfolio/finpension-3a-export.csv", "finpension", [15, 11, 0]),
    ("export_to_ghostfolio/finpension-bvg-export.csv", "finpension", [2, 9, 0]),
    ("export_to_ghostfolio/freetrade-export.csv", "freetrade", [4, 9, 0]),
    ("export_to_ghostfolio/investengine-export.csv", "investengine", [5, 0, 0]),
    ("export_to_ghostfolio/rabobank-export.csv", "rabobank", [6, 6, 0]),
    ("export_to_ghostfolio/revolut-invest-export.csv", "revolut", [4, 8, 0]),
    ("export_to_ghostfolio/swissquote-export.csv", "swissquote", [10, 11, 0]),
    ("export_to_ghostfolio/trading212-export.csv", "trading212", [4, 9, 0]),
    ("export_to_ghostfolio/xtb-export.csv", "xtb", [17, 29, 0]),
    ("portfolio_performance/TransactionExport01.csv", "trade_republic", [179, 160, 0]),
    ("portfolio_performance/TransactionExport06.csv", "trade_republic", [0, 1, 0]),
    ("rotki/bitstamp.csv", "bitstamp_transactions", [1, 2, 0]),
    ("rotki/bittrex_order_history_older.csv", "bittrex_orders", [1, 0, 0]),
    ("rotki/bittrex_tx_history_deposits.csv", "bittrex_deposits_older", [0, 1, 0]),
    ("rotki/bittrex_tx_history_deposits_old.csv", "bittrex_deposits", [0, 1, 0]),
    ("rotki/bittrex_tx_history_withdrawals_old.csv", "bittrex_withdrawals_older", [0, 1, 0]),
    ("rotki/blockfi-trades.csv", "blockfi_trades", [1, 0, 0]),
    ("rotki/blockfi-transactions.csv", "blockfi_ledger", [0, 9, 0]),
    ("rotki/coinledger_export.csv", "coinledger", [0, 21, 6]),
    ("rotki/cryptocom_special_events.csv", "cryptocom_app", [0, 16, 0]),
    ("rotki/cryptocom_trades_list.csv", "cryptocom_app", [7, 41, 0]),
    ("rotki/kucoin_order_history.csv", "kucoin", [2, 0, 0]),
    ("rotki/kucoin_order_history_old.csv", "kucoin_older", [2, 0, 0]),
    ("rotki/nexo.csv", "nexo", [2, 37, 0]),
    ("rotki/rotki_generic_events.csv", "rotki_events", [0, 6, 1]),
    ("rotki/rotki_generic_trades.csv", "rotki_trades", [5, 0, 1]),
    ("rotki/shapeshift-trade-history.csv", "shapeshift", [2, 1, 0]),
    ("rotki/uphold-transaction-history.csv", "uphold", [4, 2, 0]),
    ("tradenote/Template.csv", "tradenote", [15, 0, 0]),
    ("wealthfolio/ai-import-edge-cases.csv", "settled_trades", [8, 6, 3]),
    ("wealthfolio/duplicate-detection.csv", "wealthfolio", [6, 5, 0]),
    ("wealthfolio/happy-path-import.csv", "wealthfolio", [6, 5, 0]),
    ("wealthfolio/semicolon-delimiter.csv", "wealthfolio", [6, 5, 0]),
];

#[test]
fn every_row_of_the_recorded_files_ends_as_it_was_counted() {
    let given = std::env::var_os("CAUCE_REALDATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = folder.join("trades");
    if !folder.is_dir() {
        println!("skipped: no recorded files at {}", folder.display());
        return;
    }
    let terms = AccountTerms {
        time_zone: Some("Europe/Madrid".to_owned()),
        date_order: Some(DateOrder::MonthFirst),
        ..AccountTerms::default()
    };
    for (path, layout, counts) in COUNTED {
        let body = fs::read(folder.join(path)).unwrap();
        assert_eq!(read(&body, &terms), Ok((layout, counts)), "{path}");
    }
}

#[test]
fn what_a_file_does_not_say_is_asked_of_the_account() {
    let fills = b"tradeCreatedAt,symbol,side,price,size,funds,fee,feeCurrency\n\
        2026-03-01 10:00:00,XTZ-USDT,buy,2.5,4,10,0.01,USDT\n";
    let nowhere = brokers::read(Bytes { content_type: None, body: fills }, &AccountTerms::default()).unwrap();
    let Said::Broken(broken) = &nowhere.rows[0].said else { panic!("{nowhere:?}") };
    assert!(broken.to_string().contains("time_zone = "), "{broken}");
    let terms = AccountTerms { time_zone: Some("America/Caracas".to_owned()), ..AccountTerms::default() };
    let placed = brokers::read(Bytes { content_type: None, body: fills }, &terms).unwrap();
    let Said::Fills(fills) = &placed.rows[0].said else { panic!("{placed:?}") };
    let fill = &fills[0];
    assert_eq!(fill.executed_at.to_rfc3339(), "2026-03-01T14:00:00+00:00");
    assert_eq!((fill.side, fill.time_zone.as_str()), (Side::Buy, "America/Caracas"));
    assert_eq!((fill.base.as_deref(), fill.quote.as_deref()), (Some("XTZ"), Some("USDT")));
    assert_eq!((fill.quantity.to_string(), fill.price.to_string()), ("4".to_owned(), "2.5".to_owned()));
    assert_eq!(fill.fees, [Fee { asset: "USDT".to_owned(), amount: "0.01".parse().unwrap() }]);
}

#[test]
fn an_unknown_header_is_shown_beside_the_nearest() {
    let file = b"tradeCreatedAt,symbol,side,price,volume\n2026-03-01,A-B,buy,1,2\n";
    let why = read(file, &AccountTerms::default()).unwrap_err().to_string();
    assert!(why.contains("[tradeCreatedAt, symbol, side, price, volume]"), "{why}");
    assert!(why.contains("the nearest is kucoin, of which [size, funds, fee, feeCurrency]"), "{why}");
    assert_eq!(read(b" \n", &AccountTerms::default()), Err(UnknownLayout::Empty));
    let terms = AccountTerms { layout: Some("kucoin".to_owned()), ..AccountTerms::default() };
    assert!(matches!(read(file, &terms), Err(UnknownLayout::Other { .. })));
    let terms = AccountTerms { layout: Some("nobody".to_owned()), ..AccountTerms::default() };
    assert!(matches!(read(file, &terms), Err(UnknownLayout::Name { .. })));
}

#[test]
fn futures_of_older_and_newer_answers_cost_the_same() {
    let answer = |commission: &str| {
        format!(
            r#"[{{"buyer":false,"commission":"{commission}","commissionAsset":"USDT","id":7,"maker":false,"orderId":8,
                 "price":"7819.01","qty":"0.002","quoteQty":"15.63802","realizedPnl":"-0.91","side":"SELL",
                 "positionSide":"SHORT","symbol":"BTCUSDT","time":1569514978020}}]"#
        )
    };
    for commission in ["-0.078", "0.078"] {
        let body = answer(commission);
        let reading =
            brokers::read(Bytes { content_type: None, body: body.as_bytes() }, &AccountTerms::default())
                .unwrap();
        let Said::Fills(fills) = &reading.rows[0].said else { panic!("{reading:?}") };
        let fill = &fills[0];
        assert_eq!(fill.fees[0].amount.to_string(), "0.078", "a commission is a cost, whatever its sign");
        assert_eq!((fill.effect, fill.position_side), (Effect::Open, Some(PositionSide::Short)));
        assert_eq!(fill.reported_pnl.map(|profit| profit.to_string()).as_deref(), Some("-0.91"));
    }
}

#[test]
fn layouts_have_names_of_their_own() {
    let mut names: Vec<&str> = brokers::all().iter().map(|layout| layout.about().name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

proptest! {
    #[test]
    fn any_bytes_are_rows_or_say_why(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body, &AccountTerms::default());
    }

    #[test]
    fn any_cells_under_a_known_header_end_somewhere(
        layout in 0..brokers::all().len(),
        cells in proptest::collection::vec("[-0-9.,a-zA-Z:/ $@]{0,12}", 30),
    ) {
        let header = brokers::all()[layout].about().header;
        let row = cells[..header.len().min(cells.len())].join(";");
        let file = format!("{}\n{row}\n", header.join(";"));
        let terms = AccountTerms { time_zone: Some("UTC".to_owned()), ..AccountTerms::default() };
        if let Ok((_, counts)) = read(file.as_bytes(), &terms) {
            prop_assert!(counts.iter().sum::<usize>() <= 1);
        }
    }
}
