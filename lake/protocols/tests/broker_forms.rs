//! What each layout says, row by row, by files written after the brokers' documentation and after how their exports look:
//! among them what looks alike and is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it can't do")]

use cauce_model::{AccountTerms, Fill};
use cauce_protocols::{
    brokers::{self, Said, UnknownLayout},
    document::Bytes,
};

fn terms() -> AccountTerms {
    AccountTerms {
        time_zone: Some("Europe/Madrid".to_owned()),
        currency: Some("EUR".to_owned()),
        ..AccountTerms::default()
    }
}

fn fill(fill: &Fill) -> String {
    let optional = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
    let fees: Vec<String> =
        fill.fees.iter().map(|fee| format!("{} {}", fee.amount.normalize(), fee.asset)).collect();
    let parts = [
        Some(format!(
            "{} {} {} at {}",
            fill.side,
            fill.quantity.normalize(),
            fill.symbol,
            fill.price.normalize()
        )),
        optional("in", fill.quote.clone()),
        (fill.multiplier != 1.into()).then(|| format!("times {}", fill.multiplier.normalize())),
        (!fees.is_empty()).then(|| format!("fee {}", fees.join(" and "))),
        optional(
            "taxes",
            fill.taxes.filter(|taxes| !taxes.is_zero()).map(|taxes| taxes.normalize().to_string()),
        ),
        optional("swap", fill.swap.filter(|swap| !swap.is_zero()).map(|swap| swap.normalize().to_string())),
        optional("profit", fill.reported_pnl.map(|profit| profit.normalize().to_string())),
        Some(fill.executed_at.format("%FT%TZ").to_string()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The layout, then a line for each fill and each row that is none.
fn told(body: &[u8]) -> Vec<String> {
    let reading = brokers::read(Bytes { content_type: None, body }, &terms()).unwrap();
    let mut lines = vec![reading.layout.name.to_owned()];
    for row in reading.rows {
        match row.said {
            Said::Fills(fills) => lines.extend(fills.iter().map(fill)),
            Said::Skipped(what, _) => lines.push(format!("no trade: {what}")),
            Said::Broken(broken) => lines.push(format!("broken: {broken}")),
        }
    }
    lines
}

#[test]
fn tables_say_what_they_say() {
    for (file, expected) in [
        // Names of assets may begin with a digit, and years have two.
        (
            "Time,Pair,Side,Price,Executed,Amount,Fee\n24-07-01 10:00:01,1000SATSUSDT,BUY,0.00029,100001000SATS,2.9USDT,0.0000052BNB\n24-07-01 10:00:02,1INCHUSDT,SELL,0.51,1001INCH,51USDT,0.1001INCH\n",
            &[
                "binance_spot_export_newer",
                "buy 10000 1000SATSUSDT at 0.00029, in USDT, fee 0.0000052 BNB, 2024-07-01T08:00:01Z",
                "sell 100 1INCHUSDT at 0.51, in USDT, fee 0.1 1INCH, 2024-07-01T08:00:02Z",
            ][..],
        ),
        (
            "Time(UTC),Symbol,Side,Price,Quantity,Amount,Fee,Realized Profit,Position Side\n2024-07-01 10:00:01,BNBUSD_PERP,BUY,500,2,1000,0.01 BNB,0,LONG\n",
            &[
                "binance_futures_export_utc",
                "buy 2 BNBUSD_PERP at 500, in USD, fee 0.01 BNB, 2024-07-01T10:00:01Z",
            ],
        ),
        (
            "txid,ordertxid,pair,time,type,ordertype,price,cost,fee,vol,margin\nT1,O1,ADAEUR,2021-11-05 23:58:39.113,buy,market,1.7,85,0.13,50,0\nT2,O2,USDTZUSD,2021-11-05 23:58:39,sell,market,1,5,0.01,5,0\nT3,O3,XTZUSD,2021-11-05 23:58:39,sell,market,1,5,0.01,5,0\n",
            &[
                "kraken_trades",
                "buy 50 ADAEUR at 1.7, in EUR, fee 0.13 EUR, 2021-11-05T23:58:39Z",
                "sell 5 USDTZUSD at 1, in USD, fee 0.01 USD, 2021-11-05T23:58:39Z",
                "sell 5 XTZUSD at 1, in USD, fee 0.01 USD, 2021-11-05T23:58:39Z",
            ],
        ),
        // What was bought at once by the app.
        (
            "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\nL1,R1,2024-01-02 10:00:00,spend,,currency,ZEUR,-100,1.5,0\nL2,R1,2024-01-02 10:00:00,receive,,currency,XXBT,0.0025,0,1\nL3,R2,2024-01-02 10:00:00,trade,,currency,ZEUR,-1,0,0\nL4,R3,2024-01-02 10:00:00,spend,,currency,ZUSD,-80,0,0\nL5,R3,2024-01-02 10:00:00,receive,,currency,ZETA,100,0,0\n",
            &[
                "kraken_ledgers",
                "no trade: repeated",
                "buy 0.0025 XBT/EUR at 40000, in EUR, fee 1.5 EUR, 2024-01-02T10:00:00Z",
                "no trade: conversion",
                "no trade: repeated",
                "buy 100 ZETA/USD at 0.8, in USD, 2024-01-02T10:00:00Z",
            ],
        ),
        (
            "Date,Market,Category,Type,Price,Amount,Total,Fee,Order Number,Base Total Less Fee,Quote Total Less Fee\n2017-06-01 03:04:05,DASH/BTC,Exchange,Buy,0.05,2,0.1,0.25%,1,-0.1,1.995\n2017-06-01 03:04:05,DASH/BTC,Exchange,Sell,0.05,2,0.1,0.15%,2,0.09985,-2\n",
            &[
                "poloniex_trades",
                "buy 2 DASH/BTC at 0.05, in BTC, fee 0.005 DASH, 2017-06-01T03:04:05Z",
                "sell 2 DASH/BTC at 0.05, in BTC, fee 0.00015 BTC, 2017-06-01T03:04:05Z",
            ],
        ),
        (
            "Action,Time (UTC),ISIN,Ticker,Name,No. of shares,Price / share,Currency (Price / share),Exchange rate,Currency conversion fee (USD)\nMarket buy,2026-07-15 22:30:11+00:00,US1,AAPL,Apple,2,100,USD,1,0.30\n",
            &["trading212_utc", "buy 2 AAPL at 100, in USD, fee 0.3 USD, 2026-07-15T22:30:11Z"],
        ),
        (
            "Run Date,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Fees ($),Accrued Interest ($),Amount ($),Settlement Date\n01/05/2024,YOU SOLD OPENING TRANSACTION CALL (SPY), -SPY240119C480,CALL,Margin,-1,1.5,0.65,0.02,,149.33,01/08/2024\n",
            &[
                "fidelity",
                "sell 1 SPY240119C480 at 1.5, in USD, times 100, fee 0.67 USD, 2024-01-04T23:00:00Z",
            ],
        ),
        (
            "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n01/05/2024,Buy,912797JB1,US TREASUR BILL,\"10,000\",$98.70,,\"-$9,870.00\"\n01/05/2024,Cancel Buy,AAPL,APPLE,10,$98.70,,$987.00\n",
            &[
                "schwab",
                "buy 10000 912797JB1 at 98.7, in USD, times 0.01, 2024-01-04T23:00:00Z",
                "broken: Action: 'Cancel Buy' takes a trade back, and does not say which",
            ],
        ),
        (
            "Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency,FX Rate\n2025-01-02T10:00:00.000Z,AAPL,BUY - MARKET,1,\"$2,000\",\"$2,000\",USD,1\n2025-01-02T10:00:00.000Z,AAPL,SELL - MARKET,2,USD 325.37,USD 650.74,USD,1\n",
            &[
                "revolut",
                "buy 1 AAPL at 2000, in USD, 2025-01-02T10:00:00Z",
                "sell 2 AAPL at 325.37, in USD, 2025-01-02T10:00:00Z",
            ],
        ),
        (
            "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,Rate,Rate currency,Fee,Fee currency,Order ID\n1,Main,Market,Buy,2018-04-19T08:14:00Z,2,BTC,16000,USD,8000,USD,5,USD,9\n",
            &[
                "bitstamp_transactions_newer",
                "buy 2 BTC/USD at 8000, in USD, fee 5 USD, 2018-04-19T08:14:00Z",
            ],
        ),
        (
            "UID,Account Type,Order ID,Symbol,Side,Order Type,Avg. Filled Price,Filled Amount,Filled Volume,Filled Volume (USDT),Filled Time(UTC+02:00),Fee,Fee Currency\n1,mainAccount,o,BTC-USDT,BUY,LIMIT,20000,0.5,10000,10000,2022-09-01 12:00:00,10,USDT\n",
            &["kucoin_newer", "buy 0.5 BTC-USDT at 20000, in USDT, fee 10 USDT, 2022-09-01T10:00:00Z"],
        ),
        (
            "Timestamp,Transaction Type,Asset,Quantity Transacted,Spot Price Currency,Spot Price at Transaction,Subtotal,Total (inclusive of fees),Fees,Notes\n2021-01-02T10:00:00Z,Buy,BTC,0.1,EUR,29000,3000,3010,10,x\n2021-01-02T10:00:00Z,Convert,ETH,0.005,EUR,1000,5,5,0,\"Converted 0,005 ETH to 10,5 XRP\"\n2021-01-02T10:00:00Z,Convert,USDC,1000,EUR,1,900,900,0,\"Converted 1,000 USDC to 0.02 BTC\"\n",
            &[
                "coinbase_older",
                "buy 0.1 BTC-EUR at 30000, in EUR, fee 10 EUR, 2021-01-02T10:00:00Z",
                "buy 10.5 XRP/ETH at 0.000476190476190476, in ETH, 2021-01-02T10:00:00Z",
                "buy 0.02 BTC/USDC at 50000, in USDC, 2021-01-02T10:00:00Z",
            ],
        ),
        (
            "Type,Ticker,Instrument,Time,Amount,ID,Comment,Product\nStock purchase,AAPL.US,Apple,2026-03-04 09:02:31,-100,7,OPEN BUY 2 @ 50.00,x\n",
            &["xtb_newer", "buy 2 AAPL.US at 50, 2026-03-04T08:02:31Z"],
        ),
        // A trade is what came, what went and what it cost, in one second.
        (
            "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n1,2023-01-02 10:00:00,Spot,Transaction Buy,BTC,0.01,\n1,2023-01-02 10:00:00,Spot,Transaction Spend,USDT,-200,\n1,2023-01-02 10:00:00,Spot,Transaction Fee,BNB,-0.0005,\n1,2023-01-02 10:00:01,Spot,Deposit,BTC,1,\n1,2023-01-02 10:00:02,Spot,Small Assets Exchange BNB,ADA,-1,\n1,2023-01-02 10:00:02,Spot,Small Assets Exchange BNB,XRP,-1,\n1,2023-01-02 10:00:02,Spot,Small Assets Exchange BNB,BNB,0.001,\n1,2023-01-02 10:00:03,Spot,Binance Convert,EUR,-100,\n1,2023-01-02 10:00:03,Spot,Binance Convert,ETH,0.05,\n",
            &[
                "binance_statement",
                "buy 0.01 BTC/USDT at 20000, in USDT, fee 0.0005 BNB, 2023-01-02T10:00:00Z",
                "no trade: repeated",
                "no trade: repeated",
                "no trade: transfer",
                "broken: Operation: 'Small Assets Exchange BNB' was exchanged with others at once, and what each brought is not told apart",
                "broken: Operation: 'Small Assets Exchange BNB' was exchanged with others at once, and what each brought is not told apart",
                "broken: Operation: 'Small Assets Exchange BNB' was exchanged with others at once, and what each brought is not told apart",
                "buy 0.05 ETH/EUR at 2000, in EUR, 2023-01-02T10:00:03Z",
                "no trade: repeated",
            ],
        ),
        // What is written once is named by its id elsewhere.
        (
            "<client id=\"1\"><version>60</version><securities id=\"2\"><security id=\"3\"><name>Acme</name><isin>US0000000001</isin></security></securities><accounts id=\"4\"/><portfolios id=\"5\"><portfolio id=\"6\"><transactions id=\"7\"><portfolio-transaction id=\"8\"><uuid>u</uuid><date>2024-01-02T10:00</date><currencyCode>EUR</currencyCode><amount>10100</amount><security reference=\"3\"/><shares>200000000</shares><units id=\"9\"><unit id=\"10\" type=\"FEE\"><amount currency=\"EUR\" amount=\"100\"/></unit></units><type>BUY</type></portfolio-transaction></transactions></portfolio></portfolios></client>",
            &["portfolio_performance", "buy 2 US0000000001 at 50, in EUR, fee 1 EUR, 2024-01-02T09:00:00Z"],
        ),
        // A trade, and its cancellation.
        (
            "ClientAccountID,CurrencyPrimary,AssetClass,Symbol,TradeDate,Quantity,TradePrice,Buy/Sell,IBCommission,IBCommissionCurrency,IBOrderID,Taxes\nU1,USD,STK,AAPL,20240102,10,100,BUY,-1,USD,5,0\nU1,USD,STK,AAPL,20240102,-10,100,BUY (Ca.),1,USD,5,0\nU1,USD,STK,AAPL,20240102,3,100,BUY,-1,USD,6,-0.5\n",
            &[
                "ib_flex_table",
                "no trade: cancelled",
                "no trade: cancelled",
                "buy 3 AAPL at 100, in USD, fee 1 USD, taxes 0.5, 2024-01-01T23:00:00Z",
            ],
        ),
        (
            "Summary,Data,Base Currency,EUR\nTransaction History,Header,Date,Account,Description,Transaction Type,Symbol,Quantity,Price,Price Currency,Gross Amount,Commission,Net Amount\nTransaction History,Data,2025-05-01,U1,x,Buy,AAPL  250620C00200000,2,1.5,USD,-300,-0.88,-300.88\n",
            &[
                "ib_transaction_history",
                "buy 2 AAPL  250620C00200000 at 1.5, in USD, times 100, fee 0.88 EUR, 2025-04-30T22:00:00Z",
            ],
        ),
    ] {
        assert_eq!(told(file.as_bytes()), expected, "{file}");
    }
}

#[test]
fn decimals_of_degiro_are_what_the_amount_agrees_with() {
    let account = "Date,Time,Value date,Product,ISIN,Description,FX,Change,,Balance,,Order Id\n";
    let rows = [
        ("\"Buy 1 APPLE INC@210.125 USD (US0378331005)\",,USD,-210.13", "buy 1 US0378331005 at 210.125"),
        ("\"Buy 1,060 SMI ETF@106.02 USD\",,USD,-112381.20", "buy 1060 US0378331005 at 106.02"),
        ("\"Koop 6 @ 1,2108 USD\",,USD,-7.26", "buy 6 US0378331005 at 1.2108"),
        ("\"Kauf 250 zu je 9,923 EUR (IE00BFNM3J75)\",,EUR,-2480.75", "buy 250 US0378331005 at 9.923"),
        // Of nothing that says which is meant.
        ("\"Buy 1 APPLE INC@210.125 USD (US0378331005)\",,USD,", "broken: Description"),
        // In pence.
        ("\"Buy 10 SHELL@2,412 GBX (GB00BP6MXD84)\",,GBP,-241.20", "buy 10 US0378331005 at 2412"),
        ("\"Verkauf 250 zum Kurs von 9,923 EUR\",,EUR,2480.75", "broken: Beschreibung"),
    ];
    for (row, expected) in rows {
        let header = if row.contains("auf 250") {
            "Datum,Uhrzeit,Valutadatum,Produkt,ISIN,Beschreibung,FX,Änderung,,Saldo,,Order-ID\n"
        } else {
            account
        };
        let file = format!("{header}02-01-2024,10:00,02-01-2024,X,US0378331005,{row},USD,0,o1\n");
        let told = told(file.as_bytes());
        assert!(told[1].starts_with(expected), "{file}{told:#?}");
    }
}

#[test]
fn transactions_of_degiro_in_their_generations_and_languages() {
    let today = "Date,Time,Product,ISIN,Reference exchange,Venue,Quantity,Price,,Local value,,Value EUR,Exchange rate,AutoFX Fee,Transaction and/or third party fees EUR,Total EUR,Order ID,\n\
        28-07-2026,16:39,ACME CORP,US0000000001,NDQ,BATS,-4,\"319,0000\",USD,\"1276,00\",USD,\"1121,57\",\"1,1377\",\"-2,80\",\"-2,00\",\"1116,76\",,39e4\n\
        29-06-2026,00:00,SPLIT CORP,US0000000002,NSY,,60,\"35,0260\",USD,\"-2101,56\",USD,\"-2014,13\",\"1,0434\",,,\"-2014,13\",,\n";
    assert_eq!(
        told(today.as_bytes()),
        [
            "degiro_transactions",
            "sell 4 US0000000001 at 319, in USD, fee 4.8 EUR, 2026-07-28T14:39:00Z",
            "no trade: corporate_action"
        ]
    );
    let before = "Datum,Uhrzeit,Produkt,ISIN,Referenzbörse,Ausführungsort,Anzahl,Kurs,,Wert in Lokalwährung,,Wert,,Wechselkurs,Transaktionsgebühren,,Gesamt,,Order-ID\n\
        02-08-2021,11:45,ALLIANZ SE,DE0008404005,XET,XETA,3,192.7600,EUR,-578.28,EUR,-578.28,EUR,,-0.17,EUR,-578.45,EUR,0c72\n\
        04-08-2021,12:05,ALV C200.00 16DEC22,DE000C1JZT99,ERX,XEUR,1,11.0000,EUR,-1100.00,EUR,-1100.00,EUR,,-0.75,EUR,-1100.75,EUR,7a10\n";
    assert_eq!(
        told(before.as_bytes()),
        [
            "degiro_transactions",
            "buy 3 DE0008404005 at 192.76, in EUR, fee 0.17 EUR, 2021-08-02T09:45:00Z",
            "buy 1 DE000C1JZT99 at 11, in EUR, times 100, fee 0.75 EUR, 2021-08-04T10:05:00Z"
        ]
    );
    let long_ago = "Datum,Uhrzeit,Produkt,ISIN,Börse,Anzahl,,Kurs,,Wert in Lokalwährun,,Wert,Wechselkurs,,Gebühr,,Gesamt,Order-ID\n\
        27-11-2020,09:13,HELLOFRESH SE,DE000A161408,XET,-5,EUR,48.1400,EUR,240.70,EUR,240.70,,EUR,-2.04,EUR,238.66,70ab\n";
    assert_eq!(
        told(long_ago.as_bytes()),
        ["degiro_transactions", "sell 5 DE000A161408 at 48.14, in EUR, fee 2.04 EUR, 2020-11-27T08:13:00Z"]
    );
}

const REPORT: &str = "<html><table><tr><td colspan=14>Trade History Report</td></tr>\
    <tr><td>Account:</td><td>70358000 (USD, MetaQuotes-Demo, demo, Hedge)</td></tr>\
    <tr><th>Positions</th></tr>\
    <tr><td>Heure<td>Position<td>Symbole<td>Type<td>Volume<td>Prix<td>S / L<td>T / P<td>Heure<td>Prix<td>Commission<td>Echange<td>Profit</tr>\
    <tr><td>2023.01.02 10:00:00<td>1<td>EURUSD<td>buy<td class=\"hidden\" colspan=\"8\"><td>0.10<td>1.10000<td><td><td>2023.01.03 10:00:00<td>1.10300<td>-1.00<td>-0.20<td>30.00</tr>\
    <tr><td>2022.12.02 10:00:00<td>2<td>GBPUSD<td>sell<td class=\"hidden\" colspan=\"8\"><td>0.20<td>1.20000<td><td><td>2023.01.04 10:00:00<td>1.21000<td>-2.00<td>0.00<td>- 200.00</tr>\
    <tr><th>Deals</th></tr>\
    <tr><td>Heure<td>Transaction<td>Symbole<td>Type<td>Direction<td>Volume<td>Prix<td>Ordre<td class=\"hidden\">Cost<td>Commission<td>Frais<td>Echange<td>Profit<td>Solde<td>Commentaire</tr>\
    <tr><td>2023.01.01 00:00:00<td>10<td><td>balance<td><td><td><td><td class=\"hidden\"><td>0.00<td>0.00<td>0.00<td>1 000.00<td>1 000.00<td>x</tr>\
    <tr><td>2023.01.02 10:00:00<td>11<td>EURUSD<td>buy<td>in<td>0.10<td>1.10000<td>100<td class=\"hidden\"><td>-0.50<td>0.00<td>0.00<td>0.00<td>999.50<td></tr>\
    <tr><td>2023.01.03 10:00:00<td>12<td>EURUSD<td>sell<td>out<td>0.10<td>1.10300<td>101<td class=\"hidden\"><td>-0.50<td>-0.10<td>-0.20<td>30.00<td>1 028.70<td></tr>\
    <tr><td>2023.01.04 10:00:00<td>13<td>GBPUSD<td>buy<td>out<td>0.20<td>1.21000<td>102<td class=\"hidden\"><td>-1.00<td>0.00<td>0.00<td>- 200.00<td>827.70<td></tr>\
    <tr><td>2023.01.05 10:00:00<td>14<td>USDJPY<td>buy<td>in<td>0.10<td>130.000<td>103<td class=\"hidden\"><td>-0.50<td>0.00<td>0.00<td>0.00<td>827.20<td></tr>\
    <tr><td>2023.01.06 00:00:00<td>15<td><td>interest<td><td><td><td><td class=\"hidden\"><td>0.00<td>0.00<td>0.00<td>1.00<td>828.20<td></tr>\
    </table></html>";

#[test]
fn a_report_of_metatrader_5_in_another_language_with_hidden_columns_loses_nothing_and_doubles_nothing() {
    let told = told(REPORT.as_bytes());
    assert_eq!(
        told,
        [
            "mt5_history",
            // Both ends of it are deals.
            "no trade: repeated",
            // It began before the report.
            "sell 0.2 GBPUSD at 1.2, in USD, times 100000, 2022-12-02T09:00:00Z",
            "buy 0.2 GBPUSD at 1.21, in USD, times 100000, fee 2 USD, profit -200, 2023-01-04T09:00:00Z",
            "no trade: cash",
            "buy 0.1 EURUSD at 1.1, in USD, times 100000, fee 0.5 USD, 2023-01-02T09:00:00Z",
            "sell 0.1 EURUSD at 1.103, in USD, times 100000, fee 0.6 USD, swap -0.2, profit 30, 2023-01-03T09:00:00Z",
            "no trade: repeated",
            // And it is open still.
            "buy 0.1 USDJPY at 130, in JPY, times 100000, fee 0.5 USD, 2023-01-05T09:00:00Z",
            "no trade: income",
        ]
    );
}

#[test]
fn the_strategy_tester_of_metatrader_5_has_deals_without_a_fee_and_netted_positions_are_sums_of_deals() {
    let tester = "Strategy Tester Report\nSymbol:,,,EURUSD\nCurrency:,,,USD\nDeals\n\
        Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Swap,Profit,Balance,Comment\n\
        2023.01.01 00:00:00,1,,balance,,,,,0.00,0.00,10 000.00,10 000.00,\n\
        2023.01.02 10:00:00,2,EURUSD,buy,in,0.1,1.10000,2,-0.50,0.00,0.00,9 999.50,\n\
        2023.01.03 10:00:00,3,EURUSD,sell,out,0.1,1.09500,3,-0.50,-2.50,-50.00,9 946.50,sl\n";
    assert_eq!(
        told(tester.as_bytes())[2..],
        [
            "buy 0.1 EURUSD at 1.1, in USD, times 100000, fee 0.5 USD, 2023-01-02T09:00:00Z",
            "sell 0.1 EURUSD at 1.095, in USD, times 100000, fee 0.5 USD, swap -2.5, profit -50, 2023-01-03T09:00:00Z"
        ]
    );
    let netted = "Trade History Report\nAccount:,,,\"1 (USD, X, real, Netting)\"\nPositions\n\
        Time,Position,Symbol,Type,Volume,Price,S / L,T / P,Time,Price,Commission,Swap,Profit\n\
        2023.01.02 10:00:00,2,EURUSD,buy,0.2,1.10100,,,2023.01.03 10:00:00,1.10500,0.00,0.00,80.00\nDeals\n\
        Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Fee,Swap,Profit,Balance,Comment\n\
        2023.01.02 10:00:00,2,EURUSD,buy,in,0.1,1.10000,2,0.00,0.00,0.00,0.00,0,\n\
        2023.01.02 11:00:00,3,EURUSD,buy,in,0.1,1.10200,3,0.00,0.00,0.00,0.00,0,\n\
        2023.01.03 10:00:00,4,EURUSD,sell,out,0.2,1.10500,4,0.00,0.00,0.00,80.00,0,\n";
    let told = told(netted.as_bytes());
    let fills = told.iter().filter(|line| line.starts_with("buy") || line.starts_with("sell")).count();
    assert_eq!((fills, told[1].as_str()), (3, "no trade: repeated"), "{told:#?}");
}

#[test]
fn deals_of_another_position_do_not_stand_for_one_that_began_before_the_report() {
    let report = "Trade History Report\nAccount:,,,\"1 (USD, X, real, Hedge)\"\nPositions\n\
        Time,Position,Symbol,Type,Volume,Price,S / L,T / P,Time,Price,Commission,Swap,Profit\n\
        2024.01.30 10:00:00,1,EURUSD,buy,1.00,1.08000,,,2024.02.20 10:00:00,1.09000,0.00,0.00,1000.00\n\
        2024.02.05 10:00:00,2,EURUSD,buy,1.00,1.07000,,,2024.02.06 10:00:00,1.07500,0.00,0.00,500.00\nDeals\n\
        Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Fee,Swap,Profit,Balance,Comment\n\
        2024.02.05 10:00:00,3,EURUSD,buy,in,1.00,1.07000,3,0.00,0.00,0.00,0.00,0,\n\
        2024.02.06 10:00:00,4,EURUSD,sell,out,1.00,1.07500,4,0.00,0.00,0.00,500.00,0,\n\
        2024.02.20 10:00:00,5,EURUSD,sell,out,1.00,1.09000,5,0.00,0.00,0.00,1000.00,0,\n";
    let told = told(report.as_bytes());
    let kinds: Vec<&str> = told[1..].iter().map(|line| line.split(" at ").next().unwrap()).collect();
    let expected = [
        "buy 1 EURUSD",
        "sell 1 EURUSD",
        "no trade: repeated",
        "buy 1 EURUSD",
        "sell 1 EURUSD",
        "no trade: repeated",
    ];
    assert_eq!(kinds, expected, "{told:#?}");
    let empty = "Trade History Report\nDeals\n\
        Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Fee,Swap,Profit,Balance,Comment\n\
        2024.02.05 10:00:00,3,,balance,,,,,0.00,0.00,0.00,1 000.00,1 000.00,\n";
    assert_eq!(self::told(empty.as_bytes()), ["mt5_history", "no trade: cash"]);
}

#[test]
fn a_ticket_that_was_closed_in_parts_is_no_id_of_a_fill() {
    let file = "ticket,opening_time_utc,closing_time_utc,type,lots,original_position_size,symbol,opening_price,closing_price,stop_loss,take_profit,commission,swap,profit\n\
        7,2024-01-03T10:00:00,2024-01-03T11:00:00,buy,0.01,0.02,XAUUSD,2000,1990,,,0,0,10\n\
        7,2024-01-03T10:00:00,2024-01-03T12:00:00,buy,0.01,0.02,XAUUSD,2000,1990,,,0,0,10\n\
        8,2024-01-03T10:00:00,2024-01-03T12:00:00,buy,0.01,0.02,XAUUSD,2000,1990,,,0,0,10\n";
    let reading = brokers::read(Bytes { content_type: None, body: file.as_bytes() }, &terms()).unwrap();
    let ids = reading.rows.iter().flat_map(|row| match &row.said {
        Said::Fills(fills) => fills.iter().map(|fill| fill.external_id.as_deref()).collect::<Vec<_>>(),
        said => panic!("{said:?}"),
    });
    assert_eq!(ids.collect::<Vec<_>>(), [None, None, None, None, Some("8/open"), Some("8/close")]);
}

#[test]
fn positions_as_tables_of_those_around_metatrader() {
    let opened = "buy 0.1 EURUSD at 1.1, in USD, times 100000, 2024-01-03T09:00:00Z";
    let closed = "sell 0.1 EURUSD at 1.102, in USD, times 100000, fee 0.7 EUR, swap -0.3, profit 20, 2024-01-03T11:00:00Z";
    for (layout, file) in [
        (
            "mt4_table",
            "Ticket;Open Time;Type;Size;Item;Price;S / L;T / P;Close Time;Price;Commission;Taxes;Swap;Profit\n7;2024.01.03 10:00:00;buy;0,10;EURUSD;1,10000;0;0;2024.01.03 12:00:00;1,10200;-0,70;0,00;-0,30;20,00\n8;2024.01.01 10:00:00;balance;;;;;;;;;;;1000,00\n",
        ),
        (
            "myfxbook",
            "Tags,Ticket,Open Date,Close Date,Symbol,Action,Units/Lots,SL,TP,Open Price,Close Price,Commission,Swap,Pips,Profit,Gain,Comment,Magic Number\n,7,01/03/2024 10:00,01/03/2024 12:00,EURUSD,Buy,0.10,0,0,1.10000,1.10200,-0.7000,-0.3000,20.0,19.00,1.90,,7\n,8,01/01/2024 10:00,,,Deposit,0,,,,,0,0,,1000,,,\n",
        ),
        (
            "fxblue",
            "sep=,\nType,Ticket,Symbol,Lots,Buy/sell,Open price,Close price,Open time,Close time,Open date,Close date,Profit,Swap,Commission,Net profit,T/P,S/L\nClosed position,7,EURUSD,0.1,Buy,1.1000,1.1020,2024/01/03 10:00:00,2024/01/03 12:00:00,2024/01/03,2024/01/03,20,-0.3,-0.7,19,0,0\nDeposit,8,,0,,0,0,2024/01/01 10:00:00,2024/01/01 10:00:00,,,1000,0,0,1000,0,0\n",
        ),
        (
            "mql5_signal",
            "Time;Type;Volume;Symbol;Price;S/L;T/P;Time;Price;Commission;Swap;Profit;Comment\n2024.01.03 10:00:00;Buy;0.10;EURUSD;1.10000;;;2024.01.03 12:00:00;1.10200;-0.70;-0.30;20.00;\n2024.01.01 10:00:00;Balance;;;;;;;;;;1 000.00;\n",
        ),
        (
            "ftmo",
            "Ticket;Open;Type;Volume;Symbol;Price;SL;TP;Close;Price;Swap;Commissions;Profit;Pips;\"Trade duration in seconds\"\n7;\"2024-01-03 10:00:00\";buy;0.10;EURUSD;1.1;0;0;\"2024-01-03 12:00:00\";1.102;-0.3;-0.7;20;20;7200\n8;\"2024-01-01 10:00:00\";balance;;;;;;;;;;1000;;\n",
        ),
    ] {
        assert_eq!(told(file.as_bytes()), [layout, opened, closed, "no trade: cash"], "{file}");
    }
    let exness = "ticket,opening_time_utc,closing_time_utc,type,lots,original_position_size,symbol,opening_price,closing_price,stop_loss,take_profit,commission,swap,profit,equity,margin_level,close_reason\n7,2024-01-03T10:00:00,2024-01-03T12:00:00,sell,0.01,0.01,XAUUSD,2000,1990,,,0,0,10,,,tp\n";
    assert_eq!(
        told(exness.as_bytes()),
        [
            "exness",
            "sell 0.01 XAUUSD at 2000, in USD, 2024-01-03T10:00:00Z",
            "buy 0.01 XAUUSD at 1990, in USD, profit 10, 2024-01-03T12:00:00Z"
        ]
    );
}

#[test]
fn confirmations_and_orders_are_read_where_nothing_else_tells_the_trades() {
    let query = |inner: &str| {
        format!(
            "<FlexQueryResponse><FlexStatements><FlexStatement accountId=\"U1\">{inner}</FlexStatement></FlexStatements></FlexQueryResponse>"
        )
    };
    let confirmed = query(
        "<TradeConfirms><TradeConfirm symbol=\"AAPL\" assetCategory=\"STK\" currency=\"USD\" buySell=\"BUY\" quantity=\"10\" price=\"185.5\" commission=\"-1\" commissionCurrency=\"USD\" execID=\"e\" orderID=\"o\" dateTime=\"20240102;093001\" levelOfDetail=\"EXECUTION\"/></TradeConfirms>",
    );
    assert_eq!(
        told(confirmed.as_bytes())[1..],
        ["buy 10 AAPL at 185.5, in USD, fee 1 USD, 2024-01-02T08:30:01Z"]
    );
    let ordered = query(
        "<Trades><Order symbol=\"AAPL\" assetCategory=\"STK\" currency=\"USD\" buySell=\"SELL\" quantity=\"-10\" tradePrice=\"185.5\" ibCommission=\"-1\" ibCommissionCurrency=\"USD\" dateTime=\"2024-01-02;093001\" levelOfDetail=\"ORDER\"/></Trades>",
    );
    assert_eq!(
        told(ordered.as_bytes())[1..],
        ["sell 10 AAPL at 185.5, in USD, fee 1 USD, 2024-01-02T08:30:01Z"]
    );
}

#[test]
fn an_unknown_file_is_told_by_its_header_and_not_by_its_rows() {
    let file = "Day,What,,Much,\n02-01-2024,US0378331005,39e444b5-8f9d-40e0-a475-3dda3f6cfbb2,1,2\n";
    let unknown = brokers::read(Bytes { content_type: None, body: file.as_bytes() }, &terms()).unwrap_err();
    let UnknownLayout::Header { header, .. } = unknown else { panic!("{unknown}") };
    assert_eq!(header, "Day, What, , Much, ");
    let page = "<!DOCTYPE html><html><table><tr><td>a<tr><td>Lots<td>Symbol<td>Commis</table>";
    let unknown = brokers::read(Bytes { content_type: None, body: page.as_bytes() }, &terms()).unwrap_err();
    assert!(unknown.to_string().contains("Lots, Symbol, Commis"), "{unknown}");
}
