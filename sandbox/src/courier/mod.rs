//! Taking callbacks to the bridge: one attempt with its time limit and its line in the wire log, and lanes that keep order.

mod lanes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub(crate) use lanes::Lanes;

use crate::events::Happening;
use crate::wire::{Direction, Exchange, Line, PeerName, Side, masked_url};
use crate::world::World;

/// The most of an answer that is read.
const ANSWER: usize = 1024 * 1024;

/// A callback ready to go; every attempt sends it unchanged.
#[derive(Clone)]
pub(crate) struct Parcel {
    pub peer: PeerName,
    pub operation: &'static str,
    pub url: String,
    /// With a body's type the body is posted; without one this is a GET.
    pub content_type: Option<&'static str>,
    pub body: Bytes,
    /// What the body means, for the wire log, where it is encrypted.
    pub plain: Option<String>,
    pub timeout: Duration,
    pub fault: Option<String>,
}

/// What the bridge answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub body: Bytes,
}

impl Reply {
    /// Whether a check of the URL was answered with what it asked to hear.
    pub fn echoes(&self, echo: &str) -> Result<(), String> {
        if self.status == 200 && self.body[..] == *echo.as_bytes() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(format!(
            "expected 200 and {echo}, got {} and {body:?}",
            self.status
        ))
    }
}

/// How a callback ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How often it was tried.
    pub attempts: u32,
    /// Whether the bridge took it.
    pub end: End,
    /// The last HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The last answer's body, or why none came.
    pub answer: String,
}

/// Whether the bridge took a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Taken.
    Delivered,
    /// Refused, cut or too late, every time.
    Failed,
    /// Never sent: a fault dropped it, or no bridge is known.
    Dropped,
}

impl Outcome {
    pub(crate) fn dropped(why: &str) -> Self {
        Self {
            attempts: 0,
            end: End::Dropped,
            status: None,
            answer: why.to_owned(),
        }
    }

    pub(crate) fn of(attempts: u32, delivered: bool, reply: &Result<Reply, String>) -> Self {
        let end = match delivered {
            true => End::Delivered,
            false => End::Failed,
        };
        let (status, answer) = match reply {
            Ok(reply) => (
                Some(reply.status),
                String::from_utf8_lossy(&reply.body).into_owned(),
            ),
            Err(why) => (None, why.clone()),
        };
        Self {
            attempts,
            end,
            status,
            answer,
        }
    }

    /// Whether the bridge took it.
    pub fn delivered(&self) -> bool {
        self.end == End::Delivered
    }
}

/// One attempt. `read` explains an encrypted answer for the wire log.
pub(crate) async fn attempt(
    world: &Arc<World>,
    parcel: &Parcel,
    number: u32,
    read: impl Fn(&[u8]) -> Option<String>,
) -> Result<Reply, String> {
    let (at, begun) = (world.now(), Instant::now());
    let request = match parcel.content_type {
        None => world.http.get(&parcel.url),
        Some(kind) => {
            let post = world.http.post(&parcel.url).header("content-type", kind);
            post.body(parcel.body.clone())
        }
    };
    let result = match tokio::time::timeout(parcel.timeout, exchange(request)).await {
        Ok(result) => result,
        Err(_) => Err(format!("no answer within {:?}", parcel.timeout)),
    };
    if world.log.enabled() {
        record(world, parcel, number, at, begun.elapsed(), &result, read);
    }
    result.map(|(reply, _)| reply)
}

type Headers = Vec<(String, String)>;

async fn exchange(request: reqwest::RequestBuilder) -> Result<(Reply, Headers), String> {
    let mut response = request.send().await.map_err(|e| chain(&e))?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|e| chain(&e))? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER {
            return Err(format!("the answer is longer than {ANSWER} bytes"));
        }
    }
    let reply = Reply {
        status: response.status().as_u16(),
        body: body.into(),
    };
    Ok((reply, headers))
}

/// An error with its causes, without the URL that it may repeat.
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(if text.is_empty() { "" } else { ": " });
        text.push_str(&error.to_string());
        cause = error.source();
    }
    match text.is_empty() {
        true => "the request failed".to_owned(),
        false => text,
    }
}

fn record(
    world: &Arc<World>,
    parcel: &Parcel,
    number: u32,
    at: i64,
    took: Duration,
    result: &Result<(Reply, Headers), String>,
    read: impl Fn(&[u8]) -> Option<String>,
) {
    let content_type = parcel
        .content_type
        .map(|kind| ("content-type".to_owned(), kind.to_owned()));
    let headers: Vec<_> = content_type.into_iter().collect();
    let (status, answer, error) = match result {
        Ok((reply, headers)) => {
            let side = Side::of(headers, &reply.body).with_plain(read(&reply.body));
            (Some(reply.status), side, None)
        }
        Err(why) => (None, Side::default(), Some(why.clone())),
    };
    let line = Line {
        id: 0,
        at,
        peer: parcel.peer,
        direction: Direction::Out,
        operation: parcel.operation.to_owned(),
        method: parcel.content_type.map_or("GET", |_| "POST").into(),
        url: masked_url(&parcel.url),
        status,
        ms: took.as_secs_f64() * 1000.0,
        code: None,
        fault: parcel.fault.clone(),
    };
    let kept = world.log.add(Exchange {
        line,
        request: Side::of(&headers, &parcel.body).with_plain(parcel.plain.clone()),
        answer,
        attempt: Some(number),
        error,
    });
    let exchange = kept.line.clone();
    world.emit(Happening::Wire { exchange });
}
