//! `GET` and `POST /callback/{inbox}`: the platforms' webhook. Nothing is acknowledged before it is durable.

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use bridge_core::{
    chain::{Addressed, ChainError},
    channel::{ChannelErrorKind, Delivery, Verb},
    engine::IngressError,
    message::InboxName,
};
use bytes::Bytes;
use parking_lot::Mutex;

use super::body::Body;
use crate::app::App;

/// That callbacks are not taken is said once in so long.
const SAID_EVERY: Duration = Duration::from_secs(1);
static SAID: Said = Said(Mutex::new(None));

/// When something was said last.
struct Said(Mutex<Option<Instant>>);

impl Said {
    /// Whether it may be said again; then it is.
    fn is_due(&self) -> bool {
        let mut last = self.0.lock();
        let is_due = last.is_none_or(|last| last.elapsed() >= SAID_EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// The inbox is the rest of the path, read by us: a pattern would cost a regular expression for each callback.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::scope("/callback").default_service(web::to(take)));
}

async fn take(request: HttpRequest, Body(body): Body, app: web::Data<App>) -> HttpResponse {
    let verb = match *request.method() {
        Method::POST => Verb::Post,
        Method::GET => Verb::Get,
        _ => {
            let allowed = (header::ALLOW, "GET, POST");
            return HttpResponse::MethodNotAllowed()
                .insert_header(allowed)
                .finish();
        }
    };
    let inbox = request.match_info().unprocessed().trim_start_matches('/');
    take_for(InboxName::new(inbox), verb, &request, body, &app).await
}

/// Takes a callback for an inbox, whatever the address it came to.
pub(super) async fn take_for(
    inbox: InboxName,
    verb: Verb,
    request: &HttpRequest,
    body: Bytes,
    app: &App,
) -> HttpResponse {
    let received_at = app.engine.parts().clock.now();
    let delivery = Delivery {
        verb,
        query: request.query_string().to_owned(),
        body,
        received_at,
    };
    match app
        .engine
        .ingress(Addressed {
            inbox: inbox.clone(),
            delivery,
        })
        .await
    {
        Ok(ack) => {
            let mut response = HttpResponse::Ok();
            if app.engine.draining() {
                // Whoever keeps the connection goes to another node with the next.
                response.force_close();
            }
            response.content_type(ack.content_type).body(ack.body)
        }
        Err(error) => refuse(&inbox, &error),
    }
}

/// The status a refusal has; outside, all forgeries look alike.
fn refuse(inbox: &InboxName, error: &IngressError) -> HttpResponse {
    let (status, outside) = match error {
        IngressError::Refused(ChainError::UnknownInbox(_)) => {
            (StatusCode::NOT_FOUND, "no such inbox")
        }
        IngressError::Refused(ChainError::Channel(refused)) => match refused.kind {
            ChannelErrorKind::Forged => (StatusCode::UNAUTHORIZED, "bad signature"),
            ChannelErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            _ => (StatusCode::BAD_REQUEST, "malformed"),
        },
        IngressError::Refused(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
        IngressError::Store(_) | IngressError::Draining | IngressError::Full => {
            (StatusCode::SERVICE_UNAVAILABLE, "try again")
        }
    };
    metrics::counter!("kefu_callbacks_refused_total", "status" => status.as_str().to_owned())
        .increment(1);
    if status.is_server_error() && SAID.is_due() {
        tracing::warn!(%inbox, %error, status = status.as_u16(), "a callback was not taken");
    } else {
        // A stranger can cause these at will, and whoever is full has thousands a second: they are counted above, and said
        // only where somebody looks closely.
        tracing::debug!(%inbox, %error, status = status.as_u16(), "a callback was refused");
    }
    HttpResponse::build(status)
        .content_type("text/plain")
        .body(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_a_thousand_times_is_said_once() {
        let said = Said(Mutex::new(None));
        let times = (0..1000).filter(|_| said.is_due()).count();
        assert!(times <= 2, "{times}");
        let long_ago = Instant::now().checked_sub(SAID_EVERY);
        *said.0.lock() = long_ago;
        assert!(said.is_due());
    }
}
