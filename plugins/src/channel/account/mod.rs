//! Calls to the API of an account of the WeChat family (official account, mini program, WeCom, WeChat KF): the token in
//! the query, the answer's `errcode` read and acted on by the platform's table, one repeat after a refused token.
//! No URL, and so no token, ever gets into an error.

mod attach;
mod ceiling;
mod common;
mod limits;
mod media;
mod rests;
mod ticket;
mod token;

use std::{net::IpAddr, time::Duration};

use bridge_convertors::errcode::Action;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Finding},
    clock::Clock,
    error::Remedy,
    plugin::{BuildError, Tools},
};
use serde::Serialize;
use serde_json::Value;

pub(super) use self::{
    attach::Attach,
    limits::{check_api_base, check_text_bytes},
    media::{Upload, unavailable},
    token::Grant,
};
use self::{ceiling::Ceiling, common::Common, rests::Rests, token::Tokens};

/// The most of an answer that is read, downloads apart.
const ANSWER: usize = 1 << 20;

/// What an error code asks for; one table for each platform.
pub(super) type Table = fn(i64) -> Action;

/// One account's API.
pub(super) struct Api {
    pub(super) base: String,
    pub(super) http: reqwest::Client,
    pub(super) tokens: Tokens,
    tickets: Common,
    pub(super) cache: std::sync::Arc<dyn bridge_core::cache::Cache>,
    pub(super) table: Table,
    clock: std::sync::Arc<dyn Clock>,
    rests: Rests,
    ceiling: Option<Ceiling>,
}

impl Api {
    /// `api_base` as configured; `grant` is how the account's token is asked for.
    pub(super) fn new(
        api_base: &str,
        grant: Grant,
        table: Table,
        tools: &Tools,
    ) -> Result<Self, BuildError> {
        let http = crate::http::client()
            .timeout(Duration::from_secs(12))
            .build()
            .map_err(|error| BuildError::new("api_base", error.without_url().to_string(), ""))?;
        let base = api_base.trim_end_matches('/').to_owned();
        let ceiling = Ceiling::of(&grant, tools);
        let tokens = Tokens::new(&base, grant, table, http.clone(), tools);
        Ok(Self {
            base,
            http,
            tokens,
            tickets: Common::new(tools),
            cache: tools.cache.clone(),
            table,
            clock: tools.clock.clone(),
            rests: Rests::new(tools.clock.clone(), table),
            ceiling,
        })
    }

    /// What `kefu-bridge check` says of the clock.
    pub(super) async fn clock_finding(&self) -> Option<Finding> {
        super::skew::finding(&self.http, &self.base, &*self.clock).await
    }

    /// Posts a JSON body; the answer where `errcode` is 0 or absent. A call that the platform does not want to see for
    /// a while is answered as it was last, without asking.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Value, ChannelError> {
        let body = serde_json::to_string(body).map_err(|error| {
            ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string())
        })?;
        let request = |token: &str| {
            let url = format!("{}{path}?access_token={token}", self.base);
            self.http
                .post(url)
                .header("content-type", "application/json")
                .body(body.clone())
        };
        self.rests.awake(path)?;
        self.turn(path).await?;
        let answer = self.call(request).await;
        answer.inspect_err(|error| self.rests.note(path, error))
    }

    /// Asks with a query; the answer where `errcode` is 0 or absent.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, ChannelError> {
        self.turn(path).await?;
        let url = format!("{}{path}", self.base);
        let request = |token: &str| {
            let token = [("access_token", token)];
            self.http.get(&url).query(&token).query(query)
        };
        self.call(request).await
    }

    async fn turn(&self, path: &str) -> Result<(), ChannelError> {
        match &self.ceiling {
            Some(ceiling) => ceiling.turn(path).await,
            None => Ok(()),
        }
    }

    /// Posts a JSON body to where no token is asked for; `path` with its query, which may hold a secret.
    pub(super) async fn post_open(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Value, ChannelError> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        answer(request, self.table).await
    }

    /// Makes a call; after a refused token once more with another, and once more with a forced one.
    pub(super) async fn call(
        &self,
        request: impl Fn(&str) -> reqwest::RequestBuilder,
    ) -> Result<Value, ChannelError> {
        let mut token = self.tokens.get().await?;
        for again in [false, true] {
            match answer(request(&token), self.table).await {
                Err(error) if self.refused_token(&error) => {
                    token = self.tokens.another(&token, again).await?
                }
                other => return other,
            }
        }
        answer(request(&token), self.table).await
    }

    /// Whether it was the token that was refused.
    pub(super) fn refused_token(&self, error: &ChannelError) -> bool {
        error
            .code
            .is_some_and(|code| (self.table)(code) == Action::Refresh)
    }

    /// `errcode` 0 or absent is success (WeChat: 4).
    pub(super) fn verdict(&self, value: Value) -> Result<Value, ChannelError> {
        verdict(value, self.table)
    }
}

/// Sends a request and reads its JSON answer.
async fn answer(request: reqwest::RequestBuilder, table: Table) -> Result<Value, ChannelError> {
    let mut response = request.send().await.map_err(network)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            return Err(ChannelError::network(
                Remedy::Unknown,
                "the answer is too long",
            ));
        }
    }
    if !status.is_success() {
        // A gateway's word: whether the call went through is not known.
        return Err(ChannelError::network(
            Remedy::Unknown,
            format!("HTTP {status}"),
        ));
    }
    let value: Value = serde_json::from_slice(&body)
        .map_err(|_| ChannelError::network(Remedy::Unknown, "the answer is not JSON"))?;
    verdict(value, table)
}

fn verdict(value: Value, table: Table) -> Result<Value, ChannelError> {
    match value["errcode"].as_i64().unwrap_or(0) {
        0 => Ok(value),
        code => Err(refused(
            code,
            value["errmsg"].as_str().unwrap_or_default(),
            table,
        )),
    }
}

fn refused(code: i64, message: &str, table: Table) -> ChannelError {
    let detail = format!(
        "errcode {code}: {}",
        message.chars().take(300).collect::<String>()
    );
    let refused = |remedy| ChannelError::refused(code, remedy, detail.clone());
    match table(code) {
        Action::Refresh => refused(Remedy::retry_secs(30)),
        Action::Retry(after) | Action::Slow(after) => refused(Remedy::Retry { after }),
        Action::Reupload => refused(Remedy::Never).advise(
            "媒体文件已过期，请重新发送",
            "the file has expired; please send it again",
        ),
        Action::Hold => refused(Remedy::Hold).advise(
            "下发额度已用完，客户再次发言后自动送出",
            "the allowance is used up; it goes out when they write again",
        ),
        Action::Drop(zh, en) | Action::Reword(zh, en) => refused(Remedy::Never).advise(zh, en),
        Action::Fault(zh, en) => operators(refused(Remedy::Never)).advise(zh, en),
        Action::Alarm(zh, en) => {
            let error = operators(refused(Remedy::retry_secs(60)));
            match address(message) {
                Some(ip) => error.advise(format!("{zh}：{ip}"), format!("{en}: {ip}")),
                None => error.advise(zh, en),
            }
        }
    }
}

/// Somebody must act.
fn operators(error: ChannelError) -> ChannelError {
    tracing::error!(code = error.code, %error, "the account's operator must act");
    ChannelError {
        kind: ChannelErrorKind::Configuration,
        ..error
    }
}

/// The address that an error names: `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist` (WeChat: 4.1).
fn address(message: &str) -> Option<IpAddr> {
    message
        .split([' ', ',', ':'])
        .filter(|word| word.contains('.'))
        .chain(message.split([' ', ',']))
        .find_map(|word| word.parse().ok())
}

/// A connection that never was cannot have carried anything; what broke later may have arrived.
fn network(error: reqwest::Error) -> ChannelError {
    let remedy = if error.is_connect() {
        Remedy::retry_secs(1)
    } else {
        Remedy::Unknown
    };
    ChannelError::network(remedy, error.without_url().to_string())
}
