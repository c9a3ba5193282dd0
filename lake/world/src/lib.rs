//! The configuration, and the adapters that it chooses, put together: the command line and the functions are shells
//! over a [`World`]. Whoever asks the lake brings the query engine himself, so that who does not need not link it.

mod accounts;
mod config;
mod secrets;
mod world;

pub use accounts::KnownAccounts;
pub use config::{
    ApiSection, AwsSection, Config, ConfigError, DEFAULT_GROUP, LakeSection, Limits, ModelSection,
    PaymentsSection, PollerSection, ProviderSection, Providers, RatesSection, Schedule, Secret, Secrets,
    SqlSection, TelemetrySection,
};
pub use world::{World, WorldError, open_store, state_of};
