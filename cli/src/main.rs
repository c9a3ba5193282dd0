//! `cauce`: the lake as one binary. The shell around the library: arguments, configuration, logs, exit codes.
#![expect(clippy::print_stdout, reason = "a command line answers on standard output")]

mod args;
mod commands;
mod config;
mod lineage;
mod logging;
mod serving;
mod world;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use config::Config;
use world::World;

/// How a command ended. A failure is an error, and exits with 1; wrong usage with 2.
enum Done {
    /// All of it.
    Whole,
    /// Some of it: exits with 3.
    Partly,
    /// None of it, and it has said why: exits with 1.
    Not,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args).await {
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

async fn run(args: Args) -> anyhow::Result<Done> {
    let config = Config::load(args.config.as_deref())?;
    if let Command::Demo(demo) = &args.command {
        return commands::demo::run(args.lake.clone(), config, demo).await;
    }
    let url = args.lake.clone().unwrap_or_else(|| config.lake.url.clone());
    match args.command {
        Command::Up(_) | Command::Serve(_) => logging::start("info", cauce_raw::state_folder(&url))?,
        _ => logging::start("warn", None)?,
    }
    let world = World::open(&url, config)?;
    match args.command {
        Command::Up(listen) => commands::up::run(&world, listen.listen).await,
        Command::Serve(listen) => commands::up::serve(&world, listen.listen).await,
        Command::Scrape(scrape) => commands::scrape::run(&world, &scrape).await,
        Command::Ingest(ingest) => commands::ingest::run(&world, &ingest).await,
        Command::Normalize(normalize) => commands::normalize::run(&world, &normalize).await,
        Command::Sql(sql) => commands::sql::run(&world, &sql).await,
        Command::Lineage(lineage) => commands::lineage::run(&world, &lineage).await,
        Command::DeadLetters(letters) => commands::dead_letters::run(&world, &letters).await,
        Command::Doctor(doctor) => commands::doctor::run(&world, &doctor).await,
        Command::Demo(_) => unreachable_demo(),
    }
}

/// The demo was taken before the lake was opened: it has a lake and a venue of its own.
fn unreachable_demo() -> anyhow::Result<Done> {
    anyhow::bail!("demo has a lake of its own")
}
