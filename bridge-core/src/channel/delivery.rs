//! A callback: how it came, and what it meant.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{clock::Timestamp, message::Arrival};

/// One HTTP request to `/callback/{inbox}`, as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `GET` (URL verification) or `POST`.
    pub verb: Verb,
    /// The raw query string, undecoded.
    pub query: String,
    /// The body; bounded by the server (1 MiB).
    pub body: Bytes,
    /// When it reached us.
    pub received_at: Timestamp,
}

/// The two HTTP methods platforms use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// URL verification.
    Get,
    /// A callback.
    Post,
}

impl Delivery {
    /// The query's parameters, percent-decoded exactly once; `+` stays `+` (platforms send base64 in queries).
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| percent_decode(value))
        })
    }
}

pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// What a callback meant: arrivals, and the answer that the platform waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// What the platform is answered, once the arrivals are durable.
    pub ack: Ack,
    /// What came in, in order. Empty for verifications, echoes and what is of no use.
    pub arrivals: Vec<Arrival>,
    /// The platform says that there is something to pull.
    pub pull: Option<PullHint>,
}

/// The answer to a callback: always HTTP 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: Bytes,
}

impl Ack {
    /// A plain-text answer with HTTP 200.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// A JSON answer with HTTP 200.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/json; charset=utf-8",
            body: body.into(),
        }
    }
}

/// "There is something to pull": what, and the platform's one-time token for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullHint {
    /// Which of the channel's topics.
    pub topic: String,
    /// A token that makes the pull cheaper, where the platform gives one.
    pub token: Option<String>,
}
