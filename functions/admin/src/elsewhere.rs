use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_lambda::{Client, error::DisplayErrorContext, primitives::Blob, types::InvocationType};
use cauce_api::Elsewhere;
use cauce_model::{Market, RunId};
use serde_json::json;

/// The function that asks venues, by the name that the template gives.
#[derive(Debug)]
pub(crate) struct ScrapeFunction {
    client: Client,
    name: String,
}

impl ScrapeFunction {
    pub(crate) async fn from_environment() -> anyhow::Result<Self> {
        let name = "CAUCE_SCRAPE_FUNCTION";
        let name = std::env::var(name).with_context(|| format!("the environment has no {name}"))?;
        Ok(Self { client: Client::new(&cauce_raw::aws::connect().await), name })
    }
}

#[async_trait]
impl Elsewhere for ScrapeFunction {
    async fn start(&self, run_id: RunId, market: &Market) -> Result<(), String> {
        let asked = json!({ "run_id": run_id, "market": market }).to_string();
        let invoked = self
            .client
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(asked))
            .send()
            .await;
        invoked.map(drop).map_err(|error| {
            format!("the function {} does not take the run: {}", self.name, DisplayErrorContext(&error))
        })
    }
}
