//! Arguments of the trade journal's commands.

use std::path::PathBuf;

use cauce_model::{AccountId, Fetching, SecretPlace, TradingDays};
use clap::{Subcommand, ValueEnum};
use rust_decimal::Decimal;

#[derive(Debug, clap::Args)]
pub(crate) struct Account {
    #[command(subcommand)]
    pub(crate) action: AccountAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountAction {
    /// Make an account, or change what is said of it
    Put(Box<AccountPut>),
    /// Show all accounts
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget an account; its trades stay in the lake
    Remove {
        /// Its id
        id: AccountId,
    },
    /// Ask an account again that is paused because its key was refused
    Resume {
        /// Its id
        id: AccountId,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AccountPut {
    /// Its id: small letters, digits, - and _
    pub(crate) id: AccountId,
    /// Whose it is
    #[arg(long)]
    owner: Option<String>,
    /// Where it is
    #[arg(long)]
    broker: Option<String>,
    /// Its currency, for files that name none, and of its starting balance
    #[arg(long)]
    currency: Option<String>,
    /// What it had before its first trade
    #[arg(long)]
    starting_balance: Option<Decimal>,
    /// always, or weekdays for venues that close
    #[arg(long, value_enum)]
    trading_days: Option<Open>,
    /// The zone of its broker's times, such as America/Caracas, for files that don't say it
    #[arg(long)]
    time_zone: Option<String>,
    /// The layout of its files, where it is not to be recognised by their header; generic takes --column
    #[arg(long)]
    layout: Option<String>,
    /// The symbol, for answers that name none
    #[arg(long)]
    symbol: Option<String>,
    /// For the layout generic, what a column holds: time=Date, symbol, side, quantity, price, fee, fee_asset …
    #[arg(long, value_name = "WHAT=COLUMN", value_parser = pair)]
    column: Vec<(String, String)>,
    /// For the layout generic, how times are written, such as "%d/%m/%Y %H:%M:%S"
    #[arg(long)]
    time_format: Option<String>,
    /// Units in one lot or contract of a symbol
    #[arg(long, value_name = "SYMBOL=UNITS", value_parser = size)]
    contract_size: Vec<(String, Decimal)>,
    /// A connector that its trades are fetched by, such as binance_spot; may be said several times
    #[arg(long, value_name = "CONNECTOR", requires_all = ["key", "secret"])]
    fetch: Vec<String>,
    /// Where the name of the key is that it is fetched with: env:NAME, ssm:NAME or secretsmanager:NAME#MEMBER
    #[arg(long, value_name = "PLACE", requires = "fetch")]
    key: Option<SecretPlace>,
    /// Where that key's secret is
    #[arg(long, value_name = "PLACE", requires = "fetch")]
    secret: Option<SecretPlace>,
    /// A symbol that is asked for whatever the broker says of the account; may be said several times
    #[arg(long, value_name = "SYMBOL", requires = "fetch")]
    fetch_symbol: Vec<String>,
    /// Whether its trades are fetched
    #[arg(long)]
    enabled: Option<bool>,
}

/// When a venue is open.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Open {
    /// Every day
    Always,
    /// Weekdays without holidays
    Weekdays,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (what, column) = text.split_once('=').ok_or("is not WHAT=COLUMN")?;
    Ok((what.to_owned(), column.to_owned()))
}

fn size(text: &str) -> Result<(String, Decimal), String> {
    let (symbol, units) = text.split_once('=').ok_or("is not SYMBOL=UNITS")?;
    Ok((symbol.to_owned(), units.parse().map_err(|error| format!("{units}: {error}"))?))
}

impl AccountPut {
    /// The account with what is said in place of what was said before.
    pub(crate) fn over(self, known: cauce_model::Account) -> cauce_model::Account {
        let mut account = known;
        account.owner = self.owner.or(account.owner);
        account.broker = self.broker.or(account.broker);
        account.starting_balance = self.starting_balance.or(account.starting_balance);
        account.trading_days = match self.trading_days {
            Some(Open::Always) => TradingDays::Always,
            Some(Open::Weekdays) => TradingDays::Weekdays,
            None => account.trading_days,
        };
        let files = &mut account.files;
        files.currency = self.currency.or(files.currency.take());
        files.time_zone = self.time_zone.or(files.time_zone.take());
        files.layout = self.layout.or(files.layout.take());
        files.symbol = self.symbol.or(files.symbol.take());
        files.time_format = self.time_format.or(files.time_format.take());
        files.columns.extend(self.column);
        files.contract_sizes.extend(self.contract_size);
        if let (Some(key), Some(secret)) = (self.key, self.secret) {
            account.fetch = Some(Fetching { from: self.fetch, key, secret, symbols: self.fetch_symbol });
        }
        account.enabled = self.enabled.unwrap_or(account.enabled);
        account
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Whose trades they are
    #[arg(long, env = "CAUCE_ACCOUNT")]
    pub(crate) account: AccountId,
    /// Only say what would be done, row by row
    #[arg(long, env = "CAUCE_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Show every row, and not only those that can't be read
    #[arg(long, env = "CAUCE_ROWS")]
    pub(crate) rows: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
    /// The files: exports of a broker, pages of MetaTrader, tables of one's own
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fetch {
    /// Only this account; may be said several times
    #[arg(long, env = "CAUCE_ACCOUNT")]
    pub(crate) account: Vec<AccountId>,
    /// Print the report as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Analyze {
    /// All accounts, and not only those for which something changed
    #[arg(long, env = "CAUCE_ALL")]
    pub(crate) all: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Deliveries {
    #[command(subcommand)]
    pub(crate) action: DeliveriesAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesAction {
    /// Show the batches that were not answered, the oldest first
    List {
        /// Print them as JSON, with their trades
        #[arg(long)]
        json: bool,
    },
    /// Let batches go again that were set aside: all of them, or these
    Retry {
        /// Ids of batches
        ids: Vec<String>,
    },
    /// Deliver what is not yet, once
    Send {
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
}
