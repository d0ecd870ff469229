//! `/box/events`: the numbered stream of what happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Stage;
use crate::events::{Event, Since};

/// How often a silent stream shows that it lives.
const ALIVE: Duration = Duration::from_secs(15);
const RESET: &str = "data: {\"kind\":\"reset\"}\n\n";

#[derive(Deserialize)]
pub(super) struct After {
    after: Option<u64>,
}

pub(super) async fn events(
    stage: web::Data<Stage>,
    after: Query<After>,
    request: HttpRequest,
) -> HttpResponse {
    // A reconnecting browser knows better than the address it began with.
    let header = request.headers().get("last-event-id");
    let number = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let (since, live) = stage.world.hub.listen(number.or(after.after));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(lines(since, live))
}

struct Listener {
    ready: VecDeque<String>,
    live: Receiver<Arc<Event>>,
}

fn lines(
    since: Since,
    live: Receiver<Arc<Event>>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let ready = match since {
        Since::Reset => VecDeque::from([RESET.to_owned()]),
        // A first comment, so that the browser sees the stream open at once.
        Since::Events(events) => {
            let lines = events.iter().map(|event| line(event));
            [": alive\n\n".to_owned()]
                .into_iter()
                .chain(lines)
                .collect()
        }
    };
    stream::unfold(Listener { ready, live }, |mut listener| async {
        let line = listener.next().await?;
        Some((Ok(Bytes::from(line)), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<String> {
        if let Some(line) = self.ready.pop_front() {
            return Some(line);
        }
        match tokio::time::timeout(ALIVE, self.live.recv()).await {
            Err(_) => Some(": alive\n\n".to_owned()),
            Ok(Ok(event)) => Some(line(&event)),
            // A reader too slow for what happens starts over.
            Ok(Err(RecvError::Lagged(_))) => Some(RESET.to_owned()),
            Ok(Err(RecvError::Closed)) => None,
        }
    }
}

fn line(event: &Event) -> String {
    // An event is plain data; it always has a JSON form.
    let json = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\ndata: {json}\n\n", event.id)
}
