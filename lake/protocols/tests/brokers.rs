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
use rust_decimal::Decimal;

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
const COUNTED: [(&str, &str, [usize; 3]); 183] = [
    ("beancount_reds/History_for_Account_X8YYYYYYY.csv", "fidelity", [0, 11, 0]),
    (
        "beancount_reds/fidelity_csv_all_accounts_transactions_20251204.csv",
        "fidelity_all_accounts",
        [5, 16, 0],
    ),
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
    ("cgt_calc/interactive_brokers__data__test_basic.csv", "ib_transaction_history", [2, 10, 0]),
    ("cgt_calc/morgan_stanley__data__Releases_Net_Shares_Report.csv", "morgan_stanley_releases", [0, 1, 0]),
    ("cgt_calc/morgan_stanley__data__Withdrawal_Wire_Report.csv", "morgan_stanley_wires", [0, 1, 0]),
    ("cgt_calc/morgan_stanley__data__Withdrawals_Report.csv", "morgan_stanley_withdrawals", [2, 2, 0]),
    ("cgt_calc/raw__data__test_data.csv", "plain_table", [13, 3, 0]),
    ("cgt_calc/schwab__data__2023__transactions.csv", "schwab", [6, 1, 0]),
    ("cgt_calc/schwab__data__equity_award__nvda_synthetic.json", "schwab_equity_awards", [4, 11, 0]),
    (
        "cgt_calc/schwab__data__equity_award__schwab_equity_award_v2_rounding.json",
        "schwab_equity_awards",
        [1, 13, 0],
    ),
    ("cgt_calc/schwab__data__interest_tax__transactions.csv", "schwab", [0, 2, 0]),
    ("cgt_calc/schwab__data__rsu_settlement__awards.csv", "schwab_awards", [0, 2, 0]),
    ("cgt_calc/schwab__data__rsu_settlement__transactions.csv", "schwab", [2, 2, 0]),
    ("cgt_calc/schwab__data__schwab_transactions.csv", "schwab", [10, 3, 0]),
    ("cgt_calc/spouse__data__sender.csv", "plain_table", [2, 2, 0]),
    ("cgt_calc/trading212__data__2020__from_2020-09-11_to_2021-04-02.csv", "trading212", [5, 3, 0]),
    ("cgt_calc/trading212__data__2026__inputs__transactions.csv", "trading212", [4, 1, 0]),
    ("cgt_calc/vanguard__data__cash_investment_report.csv", "vanguard", [5, 17, 0]),
    ("dali/test_binance_autoinvest.csv", "binance_auto_invest", [2, 0, 0]),
    ("dali/test_bitbank_deposits.csv", "bitbank_deposits", [0, 3, 0]),
    ("dali/test_bitbank_fiat_deposits.csv", "bitbank_fiat", [0, 2, 0]),
    ("dali/test_manual_in.csv", "dali_in", [2, 0, 0]),
    ("dali/test_manual_out.csv", "dali_out", [1, 0, 0]),
    ("dali/test_pionex_transfers.csv", "pionex_transfers", [0, 2, 0]),
    ("dali/test_trezor_alice_btc.csv", "trezor", [0, 2, 0]),
    ("dali/test_trezor_bob_btc.csv", "trezor", [0, 3, 0]),
    ("export_to_ghostfolio/bitvavo-export.csv", "bitvavo", [12, 22, 0]),
    ("export_to_ghostfolio/coinbase-export.csv", "coinbase", [4, 4, 0]),
    ("export_to_ghostfolio/cointracking-export.csv", "cointracking", [3, 3, 0]),
    ("export_to_ghostfolio/degiro-export.csv", "degiro_account", [13, 60, 0]),
    ("export_to_ghostfolio/delta-export.csv", "delta", [3, 4, 0]),
    ("export_to_ghostfolio/etoro-export.csv", "etoro", [6, 19, 3]),
    ("export_to_ghostfolio/finpension-3a-export.csv", "finpension", [15, 11, 0]),
    ("export_to_ghostfolio/finpension-bvg-export.csv", "finpension", [2, 9, 0]),
    ("export_to_ghostfolio/freetrade-export.csv", "freetrade", [4, 9, 0]),
    ("export_to_ghostfolio/investengine-export.csv", "investengine", [5, 0, 0]),
    ("export_to_ghostfolio/investimental-export.csv", "investimental", [15, 41, 0]),
    ("export_to_ghostfolio/rabobank-export.csv", "rabobank", [6, 6, 0]),
    ("export_to_ghostfolio/revolut-invest-export.csv", "revolut", [4, 8, 0]),
    ("export_to_ghostfolio/schwab-export.csv", "schwab", [43, 76, 0]),
    ("export_to_ghostfolio/swissquote-export.csv", "swissquote", [10, 11, 0]),
    ("export_to_ghostfolio/trading212-export.csv", "trading212", [4, 9, 0]),
    ("export_to_ghostfolio/xtb-export.csv", "xtb", [17, 29, 0]),
    ("freqtrade/backtest-result_multistrat.json", "freqtrade_backtest", [358, 0, 0]),
    ("gemini/gct_v1_mytrades_POST_0.json", "gemini_api", [15, 0, 0]),
    ("ghostfolio/not-ok__invalid-currency.csv", "ghostfolio_table", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-data-source.json", "ghostfolio", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-date-before-min.json", "ghostfolio", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-date-yy.csv", "ghostfolio_table", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-multi-line.csv", "ghostfolio_table", [1, 2, 1]),
    ("ghostfolio/not-ok__invalid-symbol-with-manual-data-source.json", "ghostfolio", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-symbol.csv", "ghostfolio_table_short", [0, 0, 1]),
    ("ghostfolio/not-ok__invalid-symbol.json", "ghostfolio", [0, 0, 1]),
    ("ghostfolio/ok__btceur.json", "ghostfolio", [1, 0, 0]),
    ("ghostfolio/ok__btcusd.csv", "ghostfolio_table", [1, 0, 0]),
    ("ghostfolio/ok__derived-currency.json", "ghostfolio", [1, 0, 0]),
    ("ghostfolio/ok__jnug-buy-and-sell-and-buy-and-sell.json", "ghostfolio", [4, 0, 0]),
    ("ghostfolio/ok__novn-buy-and-sell-partially.json", "ghostfolio", [2, 0, 0]),
    ("ghostfolio/ok__penthouse-apartment.csv", "ghostfolio_table", [1, 0, 0]),
    ("ghostfolio/ok__penthouse-apartment.json", "ghostfolio", [1, 0, 0]),
    ("ghostfolio/ok__sample.json", "ghostfolio", [2, 3, 0]),
    ("ghostfolio/ok__vti-buy-on-ibkr.csv", "ib_flex_table", [1, 0, 0]),
    ("ghostfolio/ok__without-accounts.json", "ghostfolio", [2, 2, 0]),
    ("ibflex/testIBFlexStatementFile01.xml", "ib_flex_xml", [14, 27, 0]),
    ("ibflex/testIBFlexStatementFile02.xml", "ib_flex_xml", [9, 4, 0]),
    ("ibflex/testIBFlexStatementFile04.xml", "ib_flex_xml", [1, 0, 0]),
    ("ibflex/testIBFlexStatementFile05.xml", "ib_flex_xml", [2, 2, 0]),
    ("ibflex/testIBFlexStatementFile08.xml", "ib_flex_xml", [0, 3, 0]),
    ("ibflex/testIBFlexStatementFile09.xml", "ib_flex_xml", [0, 2, 0]),
    ("ibflex/testIBFlexStatementFile12.xml", "ib_flex_xml", [0, 14, 4]),
    ("ibflex/testIBFlexStatementFile14.xml", "ib_flex_xml", [8, 2, 0]),
    ("ibflex/testIBFlexStatementFile18.xml", "ib_flex_xml", [6, 6, 0]),
    ("ibflex/testIBFlexStatementFile19.xml", "ib_flex_xml", [2, 3, 0]),
    ("ibflex/testIBFlexStatementFile20.xml", "ib_flex_xml", [1, 5, 0]),
    ("ibflex/testIBFlexStatementFile21.xml", "ib_flex_xml", [1, 1, 0]),
    ("ibflex/testIBFlexStatementFile22.xml", "ib_flex_xml", [3, 0, 0]),
    ("ibflex/testIBFlexStatementFile23.xml", "ib_flex_xml", [0, 3, 0]),
    ("ibflex/testIBFlexStatementFile24.xml", "ib_flex_xml", [0, 10, 0]),
    ("ibflex/testIBFlexStatementFile25.xml", "ib_flex_xml", [0, 4, 0]),
    ("ibflex/testIBFlexStatementFile28.xml", "ib_flex_xml", [1, 2, 0]),
    ("mt4/mt4_detailed_demo_eur_2017.html", "mt4_statement", [130, 2, 0]),
    ("mt4/mt4_statement_usd_2024.html", "mt4_statement", [125, 4, 0]),
    ("mt4/mt4_strategytester_report.html", "mt4_strategy_tester", [1466, 946, 0]),
    ("mt5/mt5_report_with_orders_section.csv", "mt5_history", [4, 4, 0]),
    ("poloniex/gct_markets_BTC_USDT_orderBook_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_12345536545645_DELETE_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_1234_PUT_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_1234_trades_GET_0.json", "poloniex_api", [1, 0, 0]),
    ("poloniex/gct_orders_123_DELETE_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_1337_PUT_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_29772698821328896_PUT_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_POST_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_batch_POST_0.json", "poloniex_api", [0, 2, 2]),
    ("poloniex/gct_orders_cancelByIds_DELETE_0.json", "poloniex_api", [0, 2, 0]),
    ("poloniex/gct_orders_killSwitchStatus_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_orders_killSwitch_POST_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_smartorders_123313413_DELETE_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_smartorders_1234_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_smartorders_1337_PUT_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_smartorders_29772698821328896_PUT_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_smartorders_DELETE_0.json", "poloniex_api", [0, 2, 0]),
    ("poloniex/gct_smartorders_cancelByIds_DELETE_0.json", "poloniex_api", [0, 2, 0]),
    ("poloniex/gct_smartorders_history_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_v3_trade_allOrders_DELETE_0.json", "poloniex_api", [0, 3, 0]),
    ("poloniex/gct_v3_trade_batchOrders_DELETE_0.json", "poloniex_api", [0, 3, 0]),
    ("poloniex/gct_v3_trade_order_DELETE_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_v3_trade_order_POST_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_v3_trade_order_history_GET_0.json", "poloniex_api", [0, 0, 0]),
    ("poloniex/gct_v3_trade_positionAll_POST_0.json", "poloniex_api", [0, 4, 0]),
    ("poloniex/gct_v3_trade_position_history_GET_0.json", "poloniex_api", [0, 1, 0]),
    ("poloniex/gct_v3_trade_position_margin_POST_0.json", "poloniex_api", [0, 0, 1]),
    ("portfolio_performance/Issue1498FifoCrossPortfolio.xml", "portfolio_performance", [4, 5, 0]),
    (
        "portfolio_performance/Issue1909FIFOCalculationOfSecurityPosition.xml",
        "portfolio_performance",
        [3, 2, 0],
    ),
    ("portfolio_performance/TransactionExport01.csv", "trade_republic", [179, 160, 0]),
    ("portfolio_performance/TransactionExport06.csv", "trade_republic", [0, 1, 0]),
    ("portfolio_performance/trade_test_case.xml", "portfolio_performance", [11, 22, 0]),
    ("rotki/bitcoin_tax_spending.csv", "bitcoin_tax", [0, 1, 0]),
    ("rotki/bitmex_wallet_history.csv", "bitmex_wallet", [0, 10, 0]),
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
    ("wealthfolio/schwab_no_title_row.csv", "schwab", [4, 6, 0]),
    ("wealthfolio/schwab_with_header_row.csv", "schwab", [5, 15, 0]),
    ("wealthfolio/semicolon-delimiter.csv", "wealthfolio", [6, 5, 0]),
];

fn recorded() -> Option<PathBuf> {
    let given = std::env::var_os("CAUCE_REALDATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = folder.join("trades");
    if !folder.is_dir() {
        println!("skipped: no recorded files at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The figure that a page prints behind a label.
fn printed(page: &str, label: &str) -> Decimal {
    let after = &page[page.find(label).unwrap() + label.len()..];
    let mut text = String::new();
    let mut is_tag = false;
    for c in after.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if is_tag => {}
            '0'..='9' | '.' | '-' => text.push(c),
            ' ' => {}
            _ if text.is_empty() => {}
            _ => break,
        }
        if is_tag && text.contains('.') {
            break;
        }
    }
    text.parse().unwrap()
}

#[test]
fn statements_of_metatrader_add_up_to_what_they_print() {
    let Some(folder) = recorded() else { return };
    let terms = AccountTerms { time_zone: Some("Europe/Athens".to_owned()), ..AccountTerms::default() };
    for file in ["mt4_detailed_demo_eur_2017.html", "mt4_statement_usd_2024.html"] {
        let page = fs::read_to_string(folder.join("mt4").join(file)).unwrap();
        let reading = brokers::read(Bytes { content_type: None, body: page.as_bytes() }, &terms).unwrap();
        let fills = reading.rows.iter().flat_map(|row| match &row.said {
            Said::Fills(fills) => fills.as_slice(),
            _ => &[],
        });
        let net: Decimal = fills
            .map(|fill| {
                let fees: Decimal = fill.fees.iter().map(|fee| fee.amount).sum();
                let of = |part: Option<Decimal>| part.unwrap_or_default();
                of(fill.reported_pnl) + of(fill.swap) - of(fill.taxes) - fees
            })
            .sum();
        assert_eq!(net, printed(&page, "Closed P/L:"), "{file}");
    }
}

#[test]
fn a_page_means_the_same_in_every_encoding() {
    let page = "<html><table><tr><td>Currency: EUR</td></tr>\
        <tr><td>Ticket<td>Open Time<td>Type<td>Size<td>Item<td>Price<td>S / L<td>T / P<td>Close Time<td>Price\
        <td>Commission<td>Taxes<td>Swap<td>Profit</tr>\
        <tr><td title='#7 compra dólar'>101<td>2026.03.02 10:00:00<td>buy<td>0.10<td>eurusd<td>1.10000<td>0<td>0\
        <td>2026.03.02 12:00:00<td>1.10500<td>-0.70<td>0.00<td>-0.03<td>1 050.00</tr></table></html>";
    let wide: Vec<u8> = format!("\u{feff}{page}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let western: Vec<u8> = page.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let terms = AccountTerms { time_zone: Some("Europe/Athens".to_owned()), ..AccountTerms::default() };
    let fills = |body: &[u8]| {
        let reading = brokers::read(Bytes { content_type: None, body }, &terms).unwrap();
        let Said::Fills(fills) = &reading.rows[0].said else { panic!("{reading:?}") };
        fills.clone()
    };
    let read = fills(page.as_bytes());
    assert_eq!((read[0].side, read[1].side), (Side::Buy, Side::Sell));
    assert_eq!((read[0].effect, read[1].effect), (Effect::Open, Effect::Close));
    assert_eq!(read[1].reported_pnl.map(|profit| profit.to_string()).as_deref(), Some("1050.00"));
    assert_eq!(read[1].fees, [Fee { asset: "EUR".to_owned(), amount: "0.70".parse().unwrap() }]);
    assert_eq!(read[0].multiplier.to_string(), "100000");
    assert_eq!(read[0].executed_at.to_rfc3339(), "2026-03-02T08:00:00+00:00");
    assert_eq!(fills(&wide), read);
    assert_eq!(fills(&western), read);
    let nowhere =
        brokers::read(Bytes { content_type: None, body: page.as_bytes() }, &AccountTerms::default());
    let Said::Broken(broken) = &nowhere.unwrap().rows[0].said else { panic!("a broker's time has no zone") };
    assert!(broken.to_string().contains("time_zone = "), "{broken}");
}

#[test]
fn every_row_of_the_recorded_files_ends_as_it_was_counted() {
    let Some(folder) = recorded() else { return };
    let terms = AccountTerms {
        time_zone: Some("Europe/Madrid".to_owned()),
        date_order: Some(DateOrder::MonthFirst),
        // Answers of Gemini name none.
        symbol: Some("BTCUSD".to_owned()),
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
fn a_table_of_somebodys_own_is_read_by_the_names_that_the_account_gives() {
    let file = "Fecha;Par;Operación;Monto;Tasa;Comisión\n\
        01/03/2026 10:00;USDT/VES;compra;1.500,50;312,25;0,5\n02/03/2026 11:00;USDT/VES;nada;1;1;\n";
    let file = file.as_bytes();
    let columns = [
        ("time", "Fecha"),
        ("symbol", "Par"),
        ("side", "Operación"),
        ("quantity", "Monto"),
        ("price", "Tasa"),
        ("fee", "Comisión"),
    ];
    let mut terms = AccountTerms {
        layout: Some("generic".to_owned()),
        time_zone: Some("America/Caracas".to_owned()),
        time_format: Some("%d/%m/%Y %H:%M".to_owned()),
        decimal_comma: true,
        columns: columns.map(|(name, column)| (name.to_owned(), column.to_owned())).into(),
        ..AccountTerms::default()
    };
    let reading = brokers::read(Bytes { content_type: None, body: file }, &terms).unwrap();
    let Said::Fills(fills) = &reading.rows[0].said else { panic!("{reading:?}") };
    let fill = &fills[0];
    assert_eq!(
        (fill.quantity.to_string(), fill.price.to_string()),
        ("1500.5".to_owned(), "312.25".to_owned())
    );
    assert_eq!((fill.base.as_deref(), fill.quote.as_deref()), (Some("USDT"), Some("VES")));
    assert_eq!(fill.fees, [Fee { asset: "VES".to_owned(), amount: "0.5".parse().unwrap() }]);
    assert_eq!(fill.executed_at.to_rfc3339(), "2026-03-01T14:00:00+00:00");
    let Said::Broken(broken) = &reading.rows[1].said else { panic!("{reading:?}") };
    assert_eq!(broken.to_string(), "Operación: 'nada' is neither buy nor sell");
    terms.columns.remove("price");
    let Ok((_, counts)) = read(file, &terms) else { panic!("the file is read") };
    assert_eq!(counts, [0, 0, 1], "what the account does not name can't be found");
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
