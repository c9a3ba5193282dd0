use std::{net::SocketAddr, path::PathBuf, time::Duration};

use cauce_access::{Role, Scope, UserName};
use cauce_model::{AccountId, Asset, Fiat, TradeType, TradingDays, Venue};
use cauce_query::Interval;
use cauce_tables::Derived;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Parser, Subcommand, ValueEnum};
use rust_decimal::Decimal;

/// A market and payments data lake: scrape, keep, normalize, ask.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 110)]
pub(crate) struct Args {
    /// The lake: a directory, or memory:// [default: lake.url of the configuration]
    #[arg(long, global = true, env = "CAUCE_LAKE")]
    pub(crate) lake: Option<String>,

    /// The configuration [default: ./cauce.toml, or what cauce.example.toml says]
    #[arg(long, global = true, env = "CAUCE_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: scheduler, scraper, normalizer, maintenance, API and page
    Up(Listen),
    /// The same against a simulated venue, with a history made first; works without a network
    Demo(Demo),
    /// Make one run and print its report
    Scrape(Scrape),
    /// Put files that somebody has saved into the raw zone
    Ingest(Ingest),
    /// Accounts at brokers: make, change, list, forget
    Account(Account),
    /// Import trades of an account from files of its broker, or say row by row what that would do
    Import(Import),
    /// Bring trades, positions and figures of accounts up to date
    Analyze(Analyze),
    /// Take over the payment events that the system before keeps in PostgreSQL: poller.url of the configuration
    Poll(Poll),
    /// Ask what currencies are worth: rates.url of the configuration
    Rates,
    /// Turn queued raw objects into facts, until the queue is empty
    Normalize(Normalize),
    /// Ask the lake
    Sql(Sql),
    /// Serve the API and the page only
    Serve(Listen),
    /// Close the days that are over: their rows, sorted, in one file each
    Seal(Seal),
    /// Delete what nobody needs: files that others cover, and what the retention says
    Collect(Collect),
    /// Read raw objects again with the rules of today, show what differs, and rewrite the tables
    Replay(Replay),
    /// Take one person out of the lake: what payment providers said of them, verbatim and in rows
    Erase(Erase),
    /// Make a derived table anew from the rows that it follows from
    Rebuild(Rebuild),
    /// Copy the lake to another place, and verify it: to move it, or to keep a second one
    Export(Export),
    /// Show the raw bytes that rows came from
    Lineage(Lineage),
    /// Messages that could not be handled: list them, or put them back
    DeadLetters(DeadLetters),
    /// People who log in: add, list, change, remove
    User(User),
    /// API keys of programs: add, list, revoke
    Key(Key),
    /// A token for a user, or a new key that tokens are signed by
    Token(Token),
    /// Check configuration, schedule, lake, ledger and queue
    Doctor(Doctor),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Listen {
    /// Where to listen. What can be reached from outside needs an administrator first: cauce user add
    #[arg(long, default_value = "127.0.0.1:8080", env = "CAUCE_LISTEN")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) listen: Listen,
    /// How much history to make
    #[arg(long, default_value = "14d", env = "CAUCE_HISTORY", value_parser = humantime::parse_duration)]
    pub(crate) history: Duration,
    /// Make the history and exit
    #[arg(long, env = "CAUCE_ONCE")]
    pub(crate) once: bool,
    /// The seed of the simulated market
    #[arg(long, default_value_t = 7, env = "CAUCE_SEED")]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Scrape {
    /// Only this venue
    #[arg(long, env = "CAUCE_VENUE")]
    pub(crate) venue: Option<Venue>,
    /// Only this asset
    #[arg(long, env = "CAUCE_ASSET")]
    pub(crate) asset: Option<Asset>,
    /// Only this currency
    #[arg(long, env = "CAUCE_FIAT")]
    pub(crate) fiat: Option<Fiat>,
    /// Only this side: what the taker does
    #[arg(long, env = "CAUCE_SIDE", value_parser = clap::value_parser!(TradeType))]
    pub(crate) side: Option<TradeType>,
    /// Print the report as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Poll {
    /// Look once and exit, instead of every so often
    #[arg(long, env = "CAUCE_ONCE")]
    pub(crate) once: bool,
    /// Print as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ingest {
    /// Who said it: a venue such as binance_p2p, or legacy_warehouse for an export of the system before
    #[arg(long, env = "CAUCE_SOURCE")]
    pub(crate) source: String,
    /// When the bytes were obtained, RFC 3339 [default: now]
    #[arg(long, env = "CAUCE_FETCHED_AT")]
    pub(crate) fetched_at: Option<DateTime<Utc>>,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
    /// The files, each a raw object of its own
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

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
pub(crate) struct Analyze {
    /// All accounts, and not only those for which something changed
    #[arg(long, env = "CAUCE_ALL")]
    pub(crate) all: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Make a key; it is printed on the last line, once
    Add {
        /// Who has it
        #[arg(long)]
        name: String,
        /// What it is good for: ingest, ingest:SOURCE, reader, analyst or admin; may be said several times
        #[arg(long, required = true)]
        scope: Vec<Scope>,
        /// When it ends by itself, such as 90d [default: never]
        #[arg(long, value_parser = humantime::parse_duration)]
        expires_in: Option<Duration>,
        /// Requests a minute that it may make [default: access.requests_per_minute]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        per_minute: Option<u32>,
        /// It is for trying things out: ten requests a minute, unless --per-minute says otherwise
        #[arg(long)]
        trying: bool,
    },
    /// Show all keys, without their secrets
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take keys back
    Revoke {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) action: UserAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Make a user; the password is asked for, or read from standard input where that is no terminal
    Add {
        /// By which one logs in: 1 to 64 of a-z, 0-9 and . _ - @ +
        #[arg(long)]
        name: UserName,
        /// reader, analyst or admin
        #[arg(long, default_value = "admin")]
        role: Role,
    },
    /// Show all users
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Another password; all tokens of the user end
    Password {
        /// The user
        name: UserName,
    },
    /// Another role, from the next request on
    Role {
        /// The user
        name: UserName,
        /// reader, analyst or admin
        role: Role,
    },
    /// Shut a user out, at once
    Disable {
        /// The user
        name: UserName,
    },
    /// Let a user in again
    Enable {
        /// The user
        name: UserName,
    },
    /// Delete a user
    Remove {
        /// The user
        name: UserName,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// Whose it is; it is printed on the last line
    #[arg(long, required_unless_present = "rotate")]
    pub(crate) user: Option<UserName>,
    /// How long it is good for
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) expires_in: Duration,
    /// Sign by a new key from now on; what was signed before stays good until it ends
    #[arg(long)]
    pub(crate) rotate: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Normalize {
    /// Go on when the queue is empty, until interrupted
    #[arg(long, env = "CAUCE_FOLLOW")]
    pub(crate) follow: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One array of objects; decimals are strings
    Json,
    /// An object on every line
    Ndjson,
    /// With a head
    Csv,
    /// For files: cauce sql … --format parquet > answer.parquet
    Parquet,
    /// A stream of Arrow's IPC
    Arrow,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// A query that only reads
    pub(crate) query: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Table, env = "CAUCE_FORMAT")]
    pub(crate) format: Format,
    /// Only what the lake had received by this moment, RFC 3339; derived tables are left out [default: now]
    #[arg(long, env = "CAUCE_AS_OF")]
    pub(crate) as_of: Option<DateTime<Utc>>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Seal {
    /// From this day on [default: the first]
    #[arg(long, env = "CAUCE_SINCE")]
    pub(crate) since: Option<NaiveDate>,
    /// To this day, included [default: the last that is over]
    #[arg(long, env = "CAUCE_UNTIL")]
    pub(crate) until: Option<NaiveDate>,
    /// Only say what would be done
    #[arg(long, env = "CAUCE_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Collect {
    /// Only say what would be deleted, and why
    #[arg(long, env = "CAUCE_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// From this day on
    #[arg(long, env = "CAUCE_SINCE")]
    pub(crate) since: Option<NaiveDate>,
    /// To this day, included
    #[arg(long, env = "CAUCE_UNTIL")]
    pub(crate) until: Option<NaiveDate>,
    /// Only raw objects of this source, such as binance_p2p
    #[arg(long, env = "CAUCE_SOURCE")]
    pub(crate) source: Option<String>,
    /// Only show what would differ
    #[arg(long, env = "CAUCE_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Print what was found as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rebuild {
    /// The table: dim_advertisers, fact_offer_changes, ops_derived_quality, payments, or one of the journal
    pub(crate) table: Derived,
    /// Only what is out of date
    #[arg(long, env = "CAUCE_STALE")]
    pub(crate) stale: bool,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The other place: a directory
    #[arg(long, env = "CAUCE_TO")]
    pub(crate) to: String,
    /// Print what was done as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Lineage {
    /// The table: fact_offers, fact_market_depth … or price_history, for the snapshots behind its buckets
    pub(crate) table: String,
    /// Which rows: an SQL condition, such as "offer_external_id = '127'", or of price_history "fiat = 'VES' and
    /// bucket_start = '2026-03-01T10:00:00Z'"
    pub(crate) filter: String,
    /// Width of the buckets of price_history
    #[arg(long, default_value_t = Interval::TEN_MINUTES, env = "CAUCE_INTERVAL")]
    pub(crate) interval: Interval,
    /// Rows at most
    #[arg(long, default_value_t = 5, env = "CAUCE_LIMIT")]
    pub(crate) limit: u32,
    /// Print as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Erase {
    /// What names them: an e-mail address, a document, a telephone number, a customer's id, a name; several times for
    /// several. Case and the separators of numbers are of no matter
    #[arg(long, required = true)]
    pub(crate) subject: Vec<String>,
    /// Say what would be erased, and change nothing
    #[arg(long, env = "CAUCE_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Look again after this time, for what somebody had read before and wrote meanwhile [default: 15m where functions
    /// work on the lake, else 30s]
    #[arg(long, env = "CAUCE_AGAIN_AFTER", value_parser = humantime::parse_duration)]
    pub(crate) again_after: Option<Duration>,
    /// Print as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DeadLetters {
    /// Those of the inbox, which only a stack on AWS has
    #[arg(long)]
    pub(crate) inbox: bool,
    /// Those of events that a language model was to be asked about
    #[arg(long, conflicts_with = "inbox")]
    pub(crate) model: bool,
    #[command(subcommand)]
    pub(crate) action: Option<DeadLettersAction>,
    /// Print as JSON
    #[arg(long, global = true, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersAction {
    /// List them with the reason of each attempt (the default)
    List,
    /// Put them back into the queue: these, or all
    Redrive {
        /// Their ids
        ids: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Ask each venue for one page, too
    #[arg(long, env = "CAUCE_ONLINE")]
    pub(crate) online: bool,
    /// Print as JSON
    #[arg(long, env = "CAUCE_JSON")]
    pub(crate) json: bool,
}
