//! A bucket, or a prefix of one, as an object store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::{
    CredentialProvider, Error, ObjectStore, Result,
    aws::{AmazonS3, AmazonS3Builder, AwsCredential, S3ConditionalPut},
    path::Path,
    prefix::PrefixStore,
    signer::Signer,
};

use super::{Links, OpenError};

/// Opens `s3://bucket` or `s3://bucket/prefix`. Creates and replaces are conditional puts (`If-None-Match`, `If-Match`),
/// each of one request: an object appears whole or not at all. In a build with the feature `multipart` large objects go in
/// parts, on the same conditions.
pub fn open_s3(url: &str, aws: &SdkConfig) -> std::result::Result<Arc<dyn ObjectStore>, OpenError> {
    Ok(open_s3_with_links(url, aws)?.0)
}

/// The same with links for uploads, over one client.
pub fn open_s3_with_links(
    url: &str,
    aws: &SdkConfig,
) -> std::result::Result<(Arc<dyn ObjectStore>, S3Links), OpenError> {
    let (bucket_name, prefix) = bucket_and_prefix(url)?;
    let bucket = client(bucket_name, aws)?;
    let links = S3Links { store: bucket.clone(), prefix: Path::from(prefix) };
    let store: Arc<dyn ObjectStore> = match prefix {
        "" => Arc::new(bucket),
        prefix => Arc::new(PrefixStore::new(bucket, prefix)),
    };
    #[cfg(feature = "multipart")]
    let store: Arc<dyn ObjectStore> =
        Arc::new(super::LargePuts::new(store, aws, bucket_name, prefix, super::parts::PARTS_FROM));
    Ok((store, links))
}

fn bucket_and_prefix(url: &str) -> std::result::Result<(&str, &str), OpenError> {
    let place = url.strip_prefix("s3://").filter(|place| !place.is_empty() && !place.starts_with('/'));
    let place = place.ok_or_else(|| OpenError::NoBucket { url: url.to_owned() })?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    Ok((bucket, prefix.trim_matches('/')))
}

fn client(bucket: &str, aws: &SdkConfig) -> std::result::Result<AmazonS3, OpenError> {
    let mut builder =
        AmazonS3Builder::new().with_bucket_name(bucket).with_conditional_put(S3ConditionalPut::ETagMatch);
    builder = builder.with_http_connector(super::connector::SdkHttp);
    if let Some(region) = aws.region() {
        builder = builder.with_region(region.as_ref());
    }
    if let Some(endpoint) = aws.endpoint_url() {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(provider) = aws.credentials_provider() {
        builder = builder.with_credentials(Arc::new(SdkCredentials(provider)));
    }
    Ok(builder.build()?)
}

/// Presigned addresses of S3: whoever has one may do what it says while it is good, with the rights of whoever signed it.
#[derive(Debug)]
pub struct S3Links {
    store: AmazonS3,
    prefix: Path,
}

impl S3Links {
    async fn signed(&self, method: http::Method, place: &Path, good_for: Duration) -> Result<String> {
        let whole: Path = self.prefix.parts().chain(place.parts()).collect();
        Ok(self.store.signed_url(method, &whole, good_for).await?.into())
    }
}

#[async_trait]
impl Links for S3Links {
    async fn upload(&self, place: &Path, good_for: Duration) -> Result<String> {
        self.signed(http::Method::PUT, place, good_for).await
    }

    async fn download(&self, place: &Path, good_for: Duration) -> Result<String> {
        self.signed(http::Method::GET, place, good_for).await
    }
}

/// The credentials that AWS's own tools would use, kept and renewed by their provider.
#[derive(Debug)]
struct SdkCredentials(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let found = self.0.provide_credentials().await;
        let found = found.map_err(|error| Error::Generic { store: "s3", source: Box::new(error) })?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}
