//! Writes one call's line in the wire log, for streams when they end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::HttpRequest;
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use super::Gate;
use crate::call::{Call, Peer, Snapped};
use crate::events::Happening;
use crate::faults::CallPlan;
use crate::wire::{BODY_KEPT, Direction, Exchange, Line, Side, masked_url};
use crate::world::World;

/// A call under way; empty while the log is off.
pub(super) struct Recorder(Option<Draft>);

struct Draft {
    world: Arc<World>,
    peer: Arc<dyn Peer>,
    begun: Instant,
    line: Line,
    request: Side,
}

impl Recorder {
    pub fn begin(
        gate: &Gate,
        request: &HttpRequest,
        call: &Call,
        operation: &'static str,
        plan: &CallPlan,
    ) -> Self {
        if !gate.world.log.enabled() {
            return Self(None);
        }
        let line = Line {
            id: 0,
            at: gate.world.now(),
            peer: gate.peer.name(),
            direction: Direction::In,
            operation: operation.to_owned(),
            method: call.method.clone(),
            url: masked_url(&request.uri().to_string()),
            status: None,
            ms: 0.0,
            code: None,
            fault: plan.label.clone(),
        };
        Self(Some(Draft {
            world: gate.world.clone(),
            peer: gate.peer.clone(),
            begun: Instant::now(),
            line,
            request: Side::of(&call.headers, &call.body),
        }))
    }

    /// The whole answer is there.
    pub fn end(
        self,
        status: u16,
        code: Option<i64>,
        headers: &[(String, String)],
        body: &[u8],
        error: Option<&str>,
    ) {
        let Some(mut draft) = self.0 else { return };
        draft.line.status = Some(status);
        draft.line.code = code;
        let plain = draft.peer.explain(body);
        draft.finish(Side::of(headers, body).with_plain(plain), error);
    }

    /// The connection is cut without an answer.
    pub fn cut(self) {
        if let Some(draft) = self.0 {
            draft.finish(Side::default(), Some("connection cut by an ordered fault"));
        }
    }

    /// Passes a stream on and records it when it ends or the other side leaves.
    pub fn stream(
        self,
        status: u16,
        headers: Vec<(String, String)>,
        pieces: mpsc::Receiver<Result<Bytes, Snapped>>,
    ) -> Recording {
        Recording {
            recorder: Some(self),
            status,
            headers,
            pieces,
            kept: Vec::new(),
            snapped: false,
            end: Some("the caller hung up before the end"),
        }
    }
}

impl Draft {
    fn finish(mut self, answer: Side, error: Option<&str>) {
        self.line.ms = self.begun.elapsed().as_secs_f64() * 1000.0;
        let kept = self.world.log.add(Exchange {
            line: self.line,
            request: self.request,
            answer,
            attempt: None,
            error: error.map(str::to_owned),
        });
        let exchange = kept.line.clone();
        self.world.emit(Happening::Wire { exchange });
    }
}

/// A stream that remembers what went through it.
pub(super) struct Recording {
    recorder: Option<Recorder>,
    status: u16,
    headers: Vec<(String, String)>,
    pieces: mpsc::Receiver<Result<Bytes, Snapped>>,
    kept: Vec<u8>,
    snapped: bool,
    end: Option<&'static str>,
}

impl Stream for Recording {
    type Item = Result<Bytes, Snapped>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.snapped {
            return Poll::Ready(Some(Err(Snapped)));
        }
        let polled = self.pieces.poll_recv(cx);
        match &polled {
            Poll::Ready(Some(Ok(piece))) if self.kept.len() <= BODY_KEPT => {
                self.kept.extend_from_slice(piece);
            }
            Poll::Ready(Some(Err(_))) => {
                // The server forgets what it has not written yet when a body fails: let it write first.
                self.snapped = true;
                self.end = Some("connection cut by an ordered fault");
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(None) => self.end = None,
            _ => {}
        }
        polled
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            recorder.end(self.status, None, &self.headers, &self.kept, self.end);
        }
    }
}
