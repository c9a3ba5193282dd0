//! Secrets, fetched from where the configuration says that they are. Once for each start of a process: who changes one
//! lists the old and the new for a while.

use cauce_model::SecretPlace;

use crate::{Secret, World, WorldError};

impl World {
    /// What a secret is.
    pub async fn reveal(&self, secret: &Secret) -> Result<String, WorldError> {
        Self::revealed(secret).await
    }

    /// The same, for who has no world.
    pub(crate) async fn revealed(secret: &Secret) -> Result<String, WorldError> {
        match secret {
            Secret::Here(value) => Ok(value.clone()),
            Secret::At(place) => Box::pin(remote::fetch(place)).await,
        }
    }

    /// What several are.
    pub async fn reveal_all<'s>(
        &self,
        secrets: impl IntoIterator<Item = &'s Secret>,
    ) -> Result<Vec<String>, WorldError> {
        let mut values = Vec::new();
        for secret in secrets {
            values.push(self.reveal(secret).await?);
        }
        Ok(values)
    }
}

#[cfg(feature = "aws")]
mod remote {
    use aws_sdk_secretsmanager::error::DisplayErrorContext;
    use cauce_raw::aws::connect;

    use super::{SecretPlace, WorldError};

    pub(super) async fn fetch(place: &SecretPlace) -> Result<String, WorldError> {
        let refused = |why: String| WorldError::Secret { place: place.to_string(), why };
        let value = match place {
            SecretPlace::Variable(name) => std::env::var(name).ok(),
            SecretPlace::Parameter(name) => {
                let client = aws_sdk_ssm::Client::new(&connect().await);
                let asked = client.get_parameter().name(name).with_decryption(true).send().await;
                let found = asked.map_err(|error| refused(DisplayErrorContext(error).to_string()))?;
                found.parameter.and_then(|parameter| parameter.value)
            }
            SecretPlace::Managed { name, member } => {
                let client = aws_sdk_secretsmanager::Client::new(&connect().await);
                let asked = client.get_secret_value().secret_id(name).send().await;
                let text =
                    asked.map_err(|error| refused(DisplayErrorContext(error).to_string()))?.secret_string;
                match member {
                    None => text,
                    Some(member) => text.as_deref().and_then(|text| member_of(text, member)),
                }
            }
        };
        let value = value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        value.ok_or_else(|| refused("there is no text in it".to_owned()))
    }

    /// A member of a secret that is JSON, as the console makes them.
    fn member_of(text: &str, member: &str) -> Option<String> {
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        members.get(member)?.as_str().map(str::to_owned)
    }

    #[cfg(test)]
    mod tests {
        use super::member_of;

        #[test]
        fn a_secret_may_have_several_in_it() {
            let text = r#"{"stripe": "whsec_1", "port": 5432}"#;
            assert_eq!(member_of(text, "stripe").as_deref(), Some("whsec_1"));
            assert_eq!(
                (member_of(text, "adyen"), member_of(text, "port"), member_of("whsec_1", "a")),
                (None, None, None)
            );
        }
    }
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "as the other one")]
mod remote {
    use super::{SecretPlace, WorldError};

    pub(super) async fn fetch(place: &SecretPlace) -> Result<String, WorldError> {
        Err(WorldError::NoAws { name: "a secret", value: place.to_string() })
    }
}
