//! The server API: one connection pool, one UserSig, one rate that all nodes keep together, one place where an answer is
//! judged.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bridge_convertors::tencent_im::error_table::{Class, classify};
use bridge_convertors::tencent_im::rest::{self, AnswerError, Command, Refusal};
use bridge_core::channel::Finding;
use bridge_core::clock::Clock;
use bridge_core::plugin::{BuildError, Tools};
use bridge_core::rate::{Busy, Lane, Rate, RateLimiter};
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;

use super::Config;
use super::signer::{Signed, Signer};
use crate::http;

/// The longest answer; a page of history is 13 KB.
const MAX_ANSWER: usize = 1024 * 1024;
/// Idle connections that are kept: as many as are busy under load, so that bursts pay no handshakes.
const IDLE_CONNECTIONS: usize = 512;

/// Calls commands.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    sdk_app_id: u64,
    admin: String,
    signer: Signer,
    clock: Arc<dyn Clock>,
    /// None: no limit.
    rate: Option<RateLimiter>,
}

/// A burst is a ninth of what may pass a second: together the service's 200 at the default of 180. (Tencent IM, 1.3.)
const BURST: u32 = 9;
/// How long a call waits for its turn. A send may take two, and has 15 s for everything.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same where nobody waits for the answer.
const BULK_PATIENCE: Duration = Duration::from_secs(20);

/// Why a command has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// The service said no.
    Refused(Refusal),
    /// It certainly did not get there.
    NotSent(String),
    /// It may have been carried out: no answer, or none that can be read.
    Unclear(String),
    /// It was not sent, because others have the next turns.
    Busy(Busy),
}

impl CallError {
    /// What the service's code asks of us, where there is one.
    pub(super) fn class(&self) -> Option<Class> {
        match self {
            Self::Refused(refusal) => Some(classify(refusal.code)),
            _ => None,
        }
    }
}

impl Api {
    pub(super) fn new(config: &Config, tools: &Tools) -> Result<Self, BuildError> {
        let http = http::client()
            .timeout(config.timeout.0)
            .connect_timeout(config.timeout.0)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| BuildError::new("api_base", http::chain(&error), ""))?;
        let lifetime = config.usersig_lifetime.0.as_secs();
        Ok(Self {
            http,
            base: config.api_base.clone(),
            sdk_app_id: config.sdk_app_id,
            admin: config.admin.clone(),
            signer: Signer::new(
                config.secret_key.clone(),
                config.sdk_app_id,
                config.admin.clone(),
                lifetime,
            ),
            clock: tools.clock.clone(),
            rate: rate(config, tools),
        })
    }

    /// What `kefu-bridge check` says of the clock: a UserSig of another time is refused as expired (Tencent IM, 1.2).
    pub(super) async fn clock_finding(&self) -> Option<Finding> {
        crate::channel::skew::finding(&self.http, &self.base, &*self.clock).await
    }

    /// Calls a command for whose answer a person waits; `read` takes what is wanted out of it. A refused UserSig is
    /// renewed once.
    pub(super) async fn call<C, T>(
        &self,
        command: &C,
        read: impl FnOnce(C::Answer<'_>) -> T,
    ) -> Result<T, CallError>
    where
        C: Command,
    {
        self.call_in(Lane::Interactive, command, read).await
    }

    /// The same in a lane of the caller's.
    pub(super) async fn call_in<C, T>(
        &self,
        lane: Lane,
        command: &C,
        read: impl FnOnce(C::Answer<'_>) -> T,
    ) -> Result<T, CallError>
    where
        C: Command,
    {
        let body =
            serde_json::to_vec(command).map_err(|error| CallError::NotSent(error.to_string()))?;
        let body = Bytes::from(body);
        let signed = self.signer.current(self.now());
        let mut answer = self.post(lane, C::PATH, body.clone(), &signed).await?;
        let mut judged = rest::answer::<C>(&answer);
        if let Err(AnswerError::Refused(refusal)) = &judged
            && classify(refusal.code) == Class::Renew
            && let Some(signed) = self.signer.renewed(&signed, self.now())
        {
            tracing::info!(
                code = refusal.code,
                "the UserSig was refused and is renewed"
            );
            drop(judged);
            answer = self.post(lane, C::PATH, body, &signed).await?;
            judged = rest::answer::<C>(&answer);
        }
        judged.map(read).map_err(|error| match error {
            AnswerError::Refused(refusal) => CallError::Refused(refusal),
            AnswerError::Unreadable => CallError::Unclear("an unreadable answer".to_owned()),
        })
    }

    async fn post(
        &self,
        lane: Lane,
        path: &str,
        body: Bytes,
        signed: &Signed,
    ) -> Result<Bytes, CallError> {
        if let Some(rate) = &self.rate {
            rate.turn(lane).await.map_err(CallError::Busy)?;
        }
        let url = rest::url(
            &self.base,
            path,
            self.sdk_app_id,
            &self.admin,
            signed.expose(),
            rand::random(),
        );
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            return Err(CallError::Unclear(format!(
                "HTTP {}",
                response.status().as_u16()
            )));
        }
        http::body(response, MAX_ANSWER)
            .await
            .map_err(|error| CallError::Unclear(error.to_string()))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.now().as_secs()).unwrap_or(0)
    }
}

/// The rate of the application, whichever inboxes and nodes use it.
fn rate(config: &Config, tools: &Tools) -> Option<RateLimiter> {
    let per_second = NonZeroU32::new(config.api_rate)?;
    let rate = Rate {
        per_second,
        burst: NonZeroU32::new(config.api_rate / BURST).unwrap_or(NonZeroU32::MIN),
        patience: PATIENCE,
        bulk_patience: BULK_PATIENCE,
    };
    let key = format!("tencent-im:{}", config.sdk_app_id);
    Some(RateLimiter::new(
        &key,
        rate,
        tools.cache.clone(),
        tools.clock.clone(),
    ))
}

fn failed(error: &reqwest::Error) -> CallError {
    let detail = http::chain(error); // the URL holds the UserSig
    match error.is_connect() || error.is_builder() {
        true => CallError::NotSent(detail),
        false => CallError::Unclear(detail),
    }
}
