mod journal;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use cauce_access::{Role, Scope, UserName};
use cauce_model::{Asset, Fiat, TradeType, Venue};
use cauce_query::Interval;
use cauce_tables::Derived;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Parser, Subcommand, ValueEnum};
pub(crate) use journal::{Account, AccountAction, Analyze, Deliveries, DeliveriesAction, Fetch, Import};

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
    /// Ask the brokers of accounts for what they traded since
    Fetch(Fetch),
    /// Bring trades, positions and figures of accounts up to date
    Analyze(Analyze),
    /// Trades on their way to other platforms: send them, list what waits, let go again what was set aside
    Deliveries(Deliveries),
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
