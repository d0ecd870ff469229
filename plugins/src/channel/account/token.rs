//! The one owner of an account's access token (WeChat: 4.1, WeCom: 5.1), which all nodes have in common; a token that failed
//! is expired only if it is still the one.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    cache::Cache,
    channel::{ChannelError, ChannelErrorKind},
    error::Remedy,
    plugin::Tools,
    secret::Secret,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    Rests, Table, answer,
    common::{Common, Fetched},
};

/// A forced renewal is allowed every 30 s and 20 times a day: fewer, and far apart.
const FORCE_EVERY: Duration = Duration::from_secs(120);
const FORCE_A_DAY: i64 = 18;
/// How long nobody asks again after a refusal that only the operator can mend.
const REFUSED: Duration = Duration::from_secs(60);
/// The name fetching rests under.
const FETCHING: &str = "token";

/// How an account's token is asked for.
#[derive(Debug, Clone)]
pub(in super::super) enum Grant {
    /// `POST /cgi-bin/stable_token` (WeChat: 4.1): official accounts and mini programs.
    Stable {
        /// The account.
        app_id: String,
        /// Its secret.
        app_secret: Secret,
    },
    /// `GET /cgi-bin/gettoken` (WeCom: 5.1): one token for each secret of a corp.
    Corp {
        /// The corp.
        corp_id: String,
        /// An app's secret.
        secret: Secret,
    },
}

impl Grant {
    /// Names the token in the cache, telling nothing of the secret.
    fn name(&self) -> String {
        match self {
            Self::Stable { app_id, .. } => format!("wechat:{app_id}"),
            Self::Corp { corp_id, secret } => {
                let digest = Sha256::digest(secret.expose().as_bytes());
                format!("wecom:{corp_id}:{}", hex(&digest[..6]))
            }
        }
    }

    fn request(&self, http: &reqwest::Client, base: &str, force: bool) -> reqwest::RequestBuilder {
        match self {
            Self::Stable { app_id, app_secret } => {
                let body = json!({
                    "grant_type": "client_credential",
                    "appid": app_id,
                    "secret": app_secret.expose(),
                    "force_refresh": force,
                });
                http.post(format!("{base}/cgi-bin/stable_token"))
                    .json(&body)
            }
            Self::Corp { corp_id, secret } => {
                http.get(format!("{base}/cgi-bin/gettoken")).query(&[
                    ("corpid", corp_id.as_str()),
                    ("corpsecret", secret.expose()),
                ])
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(in super::super) struct Tokens {
    grant: Grant,
    name: String,
    base: String,
    table: Table,
    http: reqwest::Client,
    cache: Arc<dyn Cache>,
    rests: Rests,
    common: Common,
}

impl Tokens {
    pub(super) fn new(
        base: &str,
        grant: Grant,
        table: Table,
        http: reqwest::Client,
        tools: &Tools,
    ) -> Self {
        Self {
            name: grant.name(),
            grant,
            base: base.to_owned(),
            table,
            http,
            cache: tools.cache.clone(),
            rests: Rests::new(tools.clock.clone(), table),
            common: Common::new(tools),
        }
    }

    /// Names the account in the cache.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn key(&self) -> String {
        format!("token:{}", self.name)
    }

    /// A token that is good as far as we know.
    pub(in super::super) async fn get(&self) -> Result<String, ChannelError> {
        let fetch = async || self.fetch(false).await;
        self.common.get(&self.key(), fetch).await
    }

    /// Another token than `failed`, which the platform refused. `again`: it refused the one after, too.
    pub(super) async fn another(&self, failed: &str, again: bool) -> Result<String, ChannelError> {
        let key = self.key();
        self.common.forget(&key, failed).await;
        if again && self.may_force().await {
            let fetch = async || self.fetch(true).await;
            return self.common.anew(&key, fetch).await;
        }
        self.get().await
    }

    async fn may_force(&self) -> bool {
        // Counted, not held: a holder may hold again.
        let once = |key: String, within| async move { self.cache.add(&key, 1, within).await };
        let soon = once(format!("force:{}", self.name), FORCE_EVERY).await;
        if !soon.is_ok_and(|count| count == 1) {
            return false;
        }
        let day = Duration::from_secs(24 * 3600);
        let today = once(format!("force-day:{}", self.name), day).await;
        today.is_ok_and(|count| count <= FORCE_A_DAY)
    }

    async fn fetch(&self, force: bool) -> Result<Fetched, ChannelError> {
        self.rests.awake(FETCHING)?;
        tracing::info!(account = self.name, force, "fetching an access token");
        let request = self.grant.request(&self.http, &self.base, force);
        let value = answer(request, self.table)
            .await
            .map_err(|error| self.failed(error))?;
        let token = value["access_token"].as_str().unwrap_or_default();
        if token.is_empty() {
            let detail = "the token answer has no access_token";
            return Err(ChannelError::new(
                ChannelErrorKind::Refused,
                Remedy::retry_secs(5),
                detail,
            ));
        }
        let life = Duration::from_secs(value["expires_in"].as_u64().unwrap_or(7200));
        Ok((token.to_owned(), life))
    }

    /// What a failed fetch means.
    fn failed(&self, error: ChannelError) -> ChannelError {
        let error = match (error.kind, error.code) {
            // Fetching twice is harmless, so whatever the network did, it may be tried again.
            (ChannelErrorKind::Network, _) => ChannelError {
                remedy: Remedy::retry_secs(1),
                ..error
            },
            (_, None | Some(-1 | 45011)) => error,
            // Here 40001 means a wrong secret: nothing to refresh, somebody must act.
            (_, Some(40001 | 40125)) => {
                refusal(error).advise("AppSecret 不正确", "the app secret is wrong")
            }
            _ => refusal(error),
        };
        match error.kind {
            ChannelErrorKind::Configuration => self.rests.rest(FETCHING, &error, REFUSED),
            _ => self.rests.note(FETCHING, &error),
        }
        error
    }
}

/// No token until somebody acts.
fn refusal(error: ChannelError) -> ChannelError {
    ChannelError {
        kind: ChannelErrorKind::Configuration,
        remedy: Remedy::Retry { after: REFUSED },
        ..error
    }
}
