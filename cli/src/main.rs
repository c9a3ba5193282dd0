//! `cauce`: the lake as one binary. The shell around the library: arguments, configuration, logs, exit codes.
#![expect(clippy::print_stdout, reason = "a command line answers on standard output")]

mod args;
mod commands;
mod figures;
mod lineage;
mod logging;
mod serving;
mod traces;

use std::{process::ExitCode, sync::Arc};

use args::{Args, Command};
use cauce_query::Lake;
use cauce_world::{Config, World, state_of};
use clap::Parser;

/// How a command ended. A failure is an error, and exits with 1; wrong usage with 2.
enum Done {
    /// All of it.
    Whole,
    /// Some of it: exits with 3.
    Partly,
    /// None of it, and it has said why: exits with 1.
    Not,
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match Box::pin(run(args)).await {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::Partly) => ExitCode::from(3),
        Ok(Done::Not) => ExitCode::FAILURE,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "errors go to standard error, whatever the log level")]
            {
                eprintln!("cauce: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The lake of a world, to ask.
fn lake_of(world: &World) -> Lake {
    Lake::new(Arc::clone(&world.store))
}

async fn run(args: Args) -> anyhow::Result<Done> {
    let Args { lake, config, command } = args;
    let config = Config::load(config.as_deref())?;
    let url = lake.clone().unwrap_or_else(|| config.lake.url.clone());
    let traces = config.telemetry.otlp.as_deref().map(traces::Export::to).transpose()?;
    match command {
        // It chooses its own lake, and says little while it makes its history.
        Command::Demo(_) => {}
        Command::Up(_) | Command::Serve(_) => {
            logging::start("info", state_of(&url, &config), traces.as_ref())?
        }
        _ => logging::start("warn", None, traces.as_ref())?,
    }
    let world = async |config| World::open(&url, config).await;
    let done = match command {
        Command::Demo(demo) => Box::pin(commands::demo::run(lake, config, &demo, traces.as_ref())).await,
        Command::Up(listen) => Box::pin(commands::up::run(&world(config).await?, listen.listen)).await,
        Command::Serve(listen) => commands::up::serve(&world(config).await?, listen.listen).await,
        Command::Scrape(scrape) => commands::scrape::run(&world(config).await?, &scrape).await,
        Command::Ingest(ingest) => commands::ingest::run(&world(config).await?, &ingest).await,
        Command::Account(account) => commands::account::run(&world(config).await?, account).await,
        Command::Import(import) => commands::import::run(&world(config).await?, &import).await,
        Command::Fetch(fetch) => commands::fetch::run(&world(config).await?, &fetch).await,
        Command::Deliveries(deliveries) => {
            commands::deliveries::run(&world(config).await?, &deliveries).await
        }
        Command::Analyze(analyze) => commands::maintain::analyze(&world(config).await?, &analyze).await,
        Command::Poll(poll) => commands::poll::run(&world(config).await?, &poll).await,
        Command::Rates => commands::rates::run(&world(config).await?).await,
        Command::Normalize(normalize) => commands::normalize::run(&world(config).await?, &normalize).await,
        Command::Sql(sql) => commands::sql::run(&world(config).await?, &sql).await,
        Command::Seal(seal) => commands::maintain::seal(&world(config).await?, &seal).await,
        Command::Collect(collect) => commands::maintain::collect(&world(config).await?, &collect).await,
        Command::Replay(replay) => commands::maintain::replay(&world(config).await?, &replay).await,
        Command::Erase(erase) => commands::erase::run(&world(config).await?, &erase).await,
        Command::Rebuild(rebuild) => commands::maintain::rebuild(&world(config).await?, &rebuild).await,
        Command::Export(export) => commands::export::run(&world(config).await?, &export).await,
        Command::Lineage(lineage) => commands::lineage::run(&world(config).await?, &lineage).await,
        Command::DeadLetters(letters) => commands::dead_letters::run(&world(config).await?, &letters).await,
        Command::User(user) => commands::user::run(&world(config).await?, user).await,
        Command::Key(key) => commands::key::run(&world(config).await?, &key).await,
        Command::Token(token) => commands::token::run(&world(config).await?, &token).await,
        Command::Doctor(doctor) => commands::doctor::run(&world(config).await?, &doctor).await,
    };
    if let Some(traces) = traces {
        traces.end();
    }
    done
}
