//! The one owner of an account's access token (WeChat: 4.1): the stable token, fetched by one caller at a time, shared
//! through the cache; a token that failed is expired only if it is still the one.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    cache::Cache,
    channel::{ChannelError, ChannelErrorKind},
    error::Remedy,
    plugin::Tools,
    secret::Secret,
};
use serde_json::json;

use super::{api::answer, config::Config};

/// A token is renewed this long before it ends: the platform keeps the old one alive as long.
const EARLY: Duration = Duration::from_secs(300);
/// A forced renewal is allowed every 30 s and 20 times a day; one in two minutes stays far below with rare need.
const FORCE_EVERY: Duration = Duration::from_secs(120);

pub(super) struct Tokens {
    app_id: String,
    app_secret: Secret,
    url: String,
    http: reqwest::Client,
    cache: Arc<dyn Cache>,
    owner: String,
    /// One fetch at a time in this process; across processes the platform's stable token is the same for all.
    fetching: tokio::sync::Mutex<()>,
}

impl Tokens {
    pub(super) fn new(config: &Config, http: reqwest::Client, tools: &Tools) -> Self {
        Self {
            app_id: config.app_id.clone(),
            app_secret: config.app_secret.clone(),
            url: format!(
                "{}/cgi-bin/stable_token",
                config.api_base.trim_end_matches('/')
            ),
            http,
            cache: tools.cache.clone(),
            owner: format!("{}-{}", tools.name, std::process::id()),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    fn key(&self) -> String {
        format!("wechat:token:{}", self.app_id)
    }

    /// A token that is good as far as we know.
    pub(super) async fn get(&self) -> Result<String, ChannelError> {
        if let Some(token) = self.cached().await {
            return Ok(token);
        }
        let _one = self.fetching.lock().await;
        match self.cached().await {
            Some(token) => Ok(token),
            None => self.fetch(false).await,
        }
    }

    /// Another token than `failed`, which the platform refused. `again`: it refused the one after, too.
    pub(super) async fn another(&self, failed: &str, again: bool) -> Result<String, ChannelError> {
        // A cache out of reach only means that everybody fetches for themselves.
        let _ = self.cache.remove_if(&self.key(), failed).await;
        if again && self.may_force().await {
            let _one = self.fetching.lock().await;
            return self.fetch(true).await;
        }
        self.get().await
    }

    async fn may_force(&self) -> bool {
        let key = format!("wechat:force:{}", self.app_id);
        // Counted, not held: a holder may hold again.
        self.cache
            .add(&key, 1, FORCE_EVERY)
            .await
            .is_ok_and(|count| count == 1)
    }

    async fn cached(&self) -> Option<String> {
        self.cache.get(&self.key()).await.ok().flatten()
    }

    async fn fetch(&self, force: bool) -> Result<String, ChannelError> {
        let body = json!({
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self.app_secret.expose(),
            "force_refresh": force,
        });
        tracing::info!(owner = self.owner, force, "fetching an access token");
        // Fetching twice is harmless, so whatever the network did, it may be tried again.
        let retry = |error: ChannelError| match error.kind {
            ChannelErrorKind::Network => ChannelError {
                remedy: Remedy::retry_secs(1),
                ..error
            },
            _ => error,
        };
        let value = answer(self.http.post(&self.url).json(&body))
            .await
            .map_err(retry)
            .map_err(configuration)?;
        let token = value["access_token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if token.is_empty() {
            let detail = "the token answer has no access_token";
            return Err(ChannelError::new(
                ChannelErrorKind::Refused,
                Remedy::retry_secs(5),
                detail,
            ));
        }
        let life = Duration::from_secs(value["expires_in"].as_u64().unwrap_or(7200));
        let ttl = life
            .saturating_sub(EARLY)
            .max(Duration::from_secs(30).min(life));
        if let Err(error) = self.cache.put(&self.key(), &token, ttl).await {
            tracing::warn!(%error, "the access token is not shared");
        }
        Ok(token)
    }
}

/// On the token call 40001 means a wrong secret: nothing to refresh, somebody must act.
fn configuration(error: ChannelError) -> ChannelError {
    match error.code {
        Some(-1 | 45011) | None => error,
        Some(_) => ChannelError {
            kind: ChannelErrorKind::Configuration,
            remedy: Remedy::retry_secs(60),
            ..error
        },
    }
}
