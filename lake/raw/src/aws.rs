//! AWS as every adapter reaches it: credentials, region and endpoint come from where AWS's own tools take them (the
//! environment, profiles, the machine's or the function's role; `AWS_ENDPOINT_URL` for an emulator).

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use tokio::sync::OnceCell;

/// Every client of AWS speaks TLS alike, and so the system's certificates are read once in a process.
pub(crate) fn tls() -> Provider {
    Provider::Rustls(CryptoMode::Ring)
}

/// Reads the surroundings, once in a process: certificates and profiles are not read again for every adapter. Nothing is
/// asked of AWS before a client needs credentials.
pub async fn connect() -> SdkConfig {
    static SURROUNDINGS: OnceCell<SdkConfig> = OnceCell::const_new();
    SURROUNDINGS.get_or_init(read_surroundings).await.clone()
}

async fn read_surroundings() -> SdkConfig {
    let http = Builder::new().tls_provider(tls()).build_https();
    // On the heap: it is large, and would make everything large that opens a lake.
    Box::pin(aws_config::defaults(BehaviorVersion::latest()).http_client(http).load()).await
}

/// An emulator of AWS, which takes any credentials.
pub fn emulator(endpoint: &str) -> SdkConfig {
    let http = Builder::new().tls_provider(tls()).build_https();
    let credentials = Credentials::new("test", "test", None, None, "emulator");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .build()
}
