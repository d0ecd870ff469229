//! `GET` and `POST /callback/{inbox}`: the platforms' webhook. Nothing is acknowledged before it is durable.

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

use super::body::Body;
use crate::app::App;

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
    if status.is_server_error() {
        tracing::warn!(%inbox, %error, status = status.as_u16(), "a callback was not taken");
    } else {
        // A stranger can cause these at will: they are counted above, and said only where somebody looks closely.
        tracing::debug!(%inbox, %error, status = status.as_u16(), "a callback was refused");
    }
    HttpResponse::build(status)
        .content_type("text/plain")
        .body(outside)
}
