//! A whole channel of a third party: the chat of Acme's own app. The app posts what its users write to
//! `/callback/{inbox}` as JSON, signed in the query; what is answered is posted to `{api_base}/messages`, signed the
//! same way.
//!
//! ```toml
//! [inboxes.app]
//! channel = "acme-webhook"
//! api_base = "https://chat.acme.example/api"
//! secret = "${ACME_SECRET}"
//! ```

mod client;
mod signature;
mod wire;

use std::sync::Arc;

use bridge_core::{
    bot::async_trait,
    channel::{
        Ack, Capabilities, Channel, ChannelError, ChannelSpec, Decoded, Delivery, Dispatch,
        Receipt, Verb,
    },
    media::MediaLibrary,
    message::{Content, ContentKind, InboxName, Media},
    plugin::{BuildError, Plugin, Tools},
    secret::Secret,
    texts::Locale,
};

use client::Client;
use signature::Signer;

/// The `[inboxes.NAME]` section of an inbox with `channel = "acme-webhook"`.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the app's server takes messages: they are posted to `{api_base}/messages`.
    api_base: String,
    /// Shared with the app's server; both sides sign with it.
    secret: Secret,
}

/// One inbox.
pub struct Webhook {
    inbox: InboxName,
    signer: Signer,
    client: Client,
    capabilities: Capabilities,
    media: Arc<dyn MediaLibrary>,
    locale: Locale,
}

impl Plugin for Webhook {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        if config.secret.expose().len() < 16 {
            let fault =
                BuildError::new("secret", "is shorter than 16 characters", "${ACME_SECRET}");
            return Err(fault.zh("不足 16 个字符"));
        }
        let signer = Signer::new(config.secret);
        let client = Client::new(&config.api_base, signer.clone(), tools.clock.clone())?;
        Ok(Self {
            inbox: InboxName::new(&tools.name),
            signer,
            client,
            capabilities: Capabilities {
                kinds: [ContentKind::Text, ContentKind::Image].into(),
                text_bytes: Some(4_000),
                ..Capabilities::default()
            },
            media: tools.media.clone(),
            locale: tools.locale,
        })
    }
}

#[async_trait]
impl Channel for Webhook {
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError> {
        if delivery.verb == Verb::Get {
            return Err(ChannelError::malformed("messages are posted"));
        }
        self.signer.check(delivery)?;
        let message: wire::Incoming = serde_json::from_slice(&delivery.body)
            .map_err(|error| ChannelError::malformed(error.to_string()))?;
        Ok(Decoded {
            ack: Ack::json(r#"{"ok":true}"#),
            arrivals: vec![message.into_arrival(&self.inbox, delivery.received_at)?],
            pull: None,
        })
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        let picture = match &dispatch.content {
            Content::Image { media } => Some(self.link_to(media).await?),
            _ => None,
        };
        let (message, lost) = wire::outgoing(dispatch, picture, self.locale);
        self.client.post(&message).await?;
        Ok(Receipt {
            external_id: None,
            lost,
        })
    }
}

impl Webhook {
    /// The app shows pictures by a link: ours, which nobody can guess and which expires.
    async fn link_to(&self, media: &Media) -> Result<String, ChannelError> {
        match self.media.keep(media).await {
            Ok(kept) => Ok(self.media.url(&kept)),
            Err(error) => Err(ChannelError::network(error.remedy, error.detail)),
        }
    }
}

bridge_core::register!(ChannelSpec::new::<Webhook>("acme-webhook"));

#[cfg(test)]
mod tests;
