//! Posts to the app's server. Repeats are harmless there, since each message keeps its id: whatever may or may not
//! have arrived is simply posted again.

use std::{sync::Arc, time::Duration};

use bridge_core::{channel::ChannelError, clock::Clock, error::Remedy, plugin::BuildError};
use reqwest::{StatusCode, Url, header, redirect};

use crate::{signature::Signer, wire::Outgoing};

/// The other side's server.
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    signer: Signer,
    clock: Arc<dyn Clock>,
}

impl Client {
    pub(crate) fn new(
        api_base: &str,
        signer: Signer,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BuildError> {
        let fault = |what: &str| {
            BuildError::new("api_base", what, "https://chat.acme.example/api").zh("不是网址")
        };
        let url = format!("{}/messages", api_base.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| fault(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fault("is no http or https address"));
        }
        // The client comes without a TLS provider of its own; where one is installed this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| fault(&error.to_string()))?;
        Ok(Self {
            http,
            url,
            signer,
            clock,
        })
    }

    pub(crate) async fn post(&self, message: &Outgoing) -> Result<(), ChannelError> {
        let body = serde_json::to_vec(message)
            .map_err(|error| ChannelError::malformed(error.to_string()))?;
        let mut url = self.url.clone();
        url.set_query(Some(&self.signer.query(self.clock.now(), &body)));
        let request = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|error| {
            // Without its URL: the query holds a signature.
            ChannelError::network(Remedy::retry_secs(1), error.without_url().to_string())
        })?;
        let status = response.status();
        let code = i64::from(status.as_u16());
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS => Err(ChannelError::refused(
                code,
                Remedy::retry_secs(10),
                "asked to slow down",
            )),
            _ if status.is_server_error() => Err(ChannelError::refused(
                code,
                Remedy::retry_secs(2),
                "the app's server failed",
            )),
            _ => Err(
                ChannelError::refused(code, Remedy::Never, "the app refused it")
                    .advise("App 拒收了这条消息。", "The app refused this message."),
            ),
        }
    }
}
