//! Dify over HTTP: one method per call, every answer bounded, every refusal read into [`Refusal`].

use std::time::Duration;

use bridge_convertors::dify::{
    ConversationId, Failure, MessageId, TaskId, UploadId, error_table,
    records::{self, Message},
    request::{self, ByUser, ChatRequest, Feedback},
};
use bridge_core::{plugin::BuildError, secret::Secret};
use bytes::Bytes;
use reqwest::{
    Client, RequestBuilder, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    multipart::{Form, Part},
};
use serde::Serialize;
use url::Url;

use super::config::{self, Config};
use crate::http::{self, BodyError};

/// The app that a key chooses.
pub(super) struct Dify {
    http: Client,
    bearer: HeaderValue,
    key: Secret,
    base: String,
    files_base: Url,
}

/// Dify, or the way to it, said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    /// How long it asked us to wait.
    pub(super) retry_after: Option<Duration>,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            retry_after: None,
        }
    }
}

/// An answer to a question, by what it says it is: asked for a stream, some servers answer whole, and the other way
/// round (Dify: traps 5).
pub(super) enum Reply {
    /// To be read piece by piece.
    Stream(Response),
    /// All of it.
    Whole(Bytes),
}

/// Answers beyond this are refused: a blocking answer with all its sources, a page of messages.
const LARGEST: usize = 4 << 20;
/// How much of a refusal is read.
const REFUSAL: usize = 64 << 10;
/// How many messages are looked through for an answer that was lost on its way.
const LOOK_BACK: &str = "5";

impl Dify {
    pub(super) fn new(config: &Config) -> Result<Self, BuildError> {
        let files_base = match &config.files_base {
            Some(base) => config::base_url("files_base", base)?,
            None => config::base_url("api_base", &config.api_base)?,
        };
        let http = http::client().build().map_err(|error| {
            let what = format!("no client for it: {}", http::chain(&error));
            BuildError::new("api_base", what, "https://api.dify.ai/v1")
        })?;
        Ok(Self {
            http,
            bearer: bearer(config)?,
            key: config.api_key.clone(),
            base: config.api_base.trim_end_matches('/').to_owned(),
            files_base,
        })
    }

    /// What relative addresses in answers are relative to.
    pub(super) fn files_base(&self) -> &str {
        self.files_base.as_str()
    }

    /// Asks a question.
    pub(super) async fn chat(&self, asked: &ChatRequest<'_>) -> Result<Reply, Refusal> {
        let response = self.send(self.post(request::CHAT, asked)).await?;
        match media_type(response.headers()).as_str() {
            "text/event-stream" | "" => Ok(Reply::Stream(response)),
            "application/json" => Ok(Reply::Whole(read(response).await?)),
            other => {
                let what = format!("an answer of type {other:?} instead of events");
                let status = response.status().as_u16();
                Err(Failure::of_response(status, what.as_bytes()).into())
            }
        }
    }

    /// Ends a run. Dify answers success whatever happens.
    pub(super) async fn stop(&self, user: &str, task: &TaskId) -> Result<(), Refusal> {
        let asked = self.post(&request::stop(task), &ByUser { user });
        self.send(asked).await.map(drop)
    }

    /// Tells what somebody thinks of an answer they got. Saying it again changes nothing.
    pub(super) async fn feedback(
        &self,
        message: &MessageId,
        feedback: &Feedback<'_>,
    ) -> Result<(), Refusal> {
        let asked = self.post(&request::feedbacks(message), feedback);
        self.send(asked).await.map(drop)
    }

    /// Uploads a file for a question of the same `user`.
    pub(super) async fn upload(
        &self,
        user: &str,
        bytes: Bytes,
        name: &str,
        mime: &str,
    ) -> Result<UploadId, Refusal> {
        let length = bytes.len() as u64;
        let part = Part::stream_with_length(bytes, length)
            .file_name(file_name(name))
            .mime_str(mime)
            .map_err(|error| Failure::unreadable(&http::chain(&error)))?;
        let form = Form::new().text("user", user.to_owned()).part("file", part);
        let asked = self.http.post(self.url(request::UPLOAD)).multipart(form);
        let body = read(self.send(asked).await?).await?;
        records::upload(&body).ok_or_else(|| Failure::unreadable("an upload without an id").into())
    }

    /// The newest messages of a conversation, newest first.
    pub(super) async fn messages(
        &self,
        user: &str,
        conversation: &ConversationId,
    ) -> Result<Vec<Message>, Refusal> {
        let asked = self.http.get(self.url(request::MESSAGES)).query(&[
            ("user", user),
            ("conversation_id", conversation.as_str()),
            ("limit", LOOK_BACK),
        ]);
        let body = read(self.send(asked).await?).await?;
        records::messages(&body).ok_or_else(|| Failure::unreadable("no list of messages").into())
    }

    /// The conversation that `user` spoke in last.
    pub(super) async fn newest_conversation(
        &self,
        user: &str,
    ) -> Result<Option<ConversationId>, Refusal> {
        let query = [("user", user), ("limit", "1")];
        let asked = self
            .http
            .get(self.url(request::CONVERSATIONS))
            .query(&query);
        let body = read(self.send(asked).await?).await?;
        Ok(records::newest_conversation(&body))
    }

    /// A description of the app: `info` or `parameters`.
    pub(super) async fn describe(&self, what: &str) -> Result<Bytes, Refusal> {
        read(self.send(self.http.get(self.url(what))).await?).await
    }

    /// Whether a file lies on Dify's own server, from where it is fetched at once: its signature lasts for minutes.
    pub(super) fn is_own(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.files_base.origin())
    }

    /// A file of Dify's own server, at most `limit` bytes. It is signed by its address; the key stays here.
    pub(super) async fn download(&self, url: &str, limit: usize) -> Result<Bytes, Refusal> {
        let response = self.accepted(self.http.get(url).send().await).await?;
        http::body(response, limit).await.map_err(cut)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        self.http.post(self.url(path)).json(body)
    }

    async fn send(&self, asked: RequestBuilder) -> Result<Response, Refusal> {
        let asked = asked.header(AUTHORIZATION, self.bearer.clone());
        self.accepted(asked.send().await).await
    }

    async fn accepted(&self, sent: reqwest::Result<Response>) -> Result<Response, Refusal> {
        let response = sent.map_err(unsent)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(error_table::retry_after);
        let body = http::body(response, REFUSAL).await.unwrap_or_default();
        // Some gateways repeat a request's headers; the key must not reach a log that way.
        let body = String::from_utf8_lossy(&body).replace(self.key.expose(), "***");
        Err(Refusal {
            failure: Failure::of_response(status.as_u16(), body.as_bytes()),
            retry_after,
        })
    }
}

/// The key as a header, marked so that nothing prints it.
fn bearer(config: &Config) -> Result<HeaderValue, BuildError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", config.api_key.expose()))
        .map_err(|_| BuildError::new("api_key", "cannot stand in a header", "app-…"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

async fn read(response: Response) -> Result<Bytes, Refusal> {
    http::body(response, LARGEST).await.map_err(cut)
}

/// A request that got no answer: one that never connected cannot have done anything.
fn unsent(error: reqwest::Error) -> Refusal {
    let why = http::chain(&error);
    match error.is_connect() || error.is_builder() {
        true => Failure::unreachable(&why).into(),
        false => Failure::cut_off(&why).into(),
    }
}

fn cut(error: BodyError) -> Refusal {
    Failure::cut_off(&error.to_string()).into()
}

fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map_or_else(String::new, |kind| kind.trim().to_ascii_lowercase())
}

/// Dify refuses slashes in a name, and wants one.
fn file_name(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !matches!(c, '/' | '\\' | '"') && !c.is_control())
        .take(100)
        .collect();
    if name.is_empty() { "file".into() } else { name }
}
