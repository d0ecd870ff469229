//! `POST /api/wechat/work-message`: a message to the WeCom app. What WeCom itself posts here, signed and sealed, is a callback
//! like those at `/callback/{inbox}`; a member's words as JSON are taken as if typed to the app.

use actix_web::{HttpRequest, HttpResponse, web};
use bridge_core::{
    channel::Verb,
    clock::Timestamp,
    message::{
        Arrival, ArrivalId, Author, Content, ExternalId, InboxName, PeerId, Profile, ThreadKey,
        What,
    },
};
use bytes::Bytes;
use serde_json::json;

use super::{Refusal, account, admitted, external_id, lane, meant, read, words};
use crate::{
    app::App,
    http::{body::Body, callback},
};

/// A member's message.
#[derive(serde::Deserialize)]
struct Message {
    /// The member's account.
    #[serde(alias = "from", alias = "from_user", alias = "FromUserName")]
    userid: String,
    /// What they say.
    #[serde(alias = "content", alias = "Content")]
    text: String,
    /// Their name, where the caller knows it.
    name: Option<String>,
    /// The caller's id of the message, by which a repeat is known; with `time`.
    #[serde(alias = "msg_id", alias = "MsgId")]
    id: Option<String>,
    /// When it was said, in seconds since 1970.
    #[serde(alias = "timestamp", alias = "CreateTime")]
    time: Option<i64>,
}

pub(super) async fn verify(
    request: HttpRequest,
    app: web::Data<App>,
) -> Result<HttpResponse, Refusal> {
    let inbox = meant(&app)?;
    Ok(callback::take_for(inbox, Verb::Get, &request, Bytes::new(), &app).await)
}

pub(super) async fn post(
    request: HttpRequest,
    Body(body): Body,
    app: web::Data<App>,
) -> Result<HttpResponse, Refusal> {
    // The platform has no token of ours: what it signed is checked by the channel.
    if request.query_string().contains("msg_signature=") {
        let inbox = meant(&app)?;
        return Ok(callback::take_for(inbox, Verb::Post, &request, body, &app).await);
    }
    let inbox = admitted(&request, &app)?;
    let message: Message = read(&body)?;
    let now = app.engine.parts().clock.now();
    let (thread, author) = lane(&app, &inbox, account(&message.userid)?);
    let id = external_id(message.id.as_deref(), message.time, now.as_secs())?;
    let said = words(&message.text)?;
    let mut arrival = typed(thread, author, id, said, now);
    let name: Option<String> = message.name.map(|name| name.chars().take(64).collect());
    arrival.profile = name
        .filter(|name| !name.trim().is_empty())
        .map(|name| Profile {
            name: Some(name),
            ..Profile::default()
        });
    taken(&app, arrival).await
}

/// Somebody's words on a thread.
pub(super) fn typed(
    thread: ThreadKey,
    author: Author,
    id: String,
    said: String,
    now: Timestamp,
) -> Arrival {
    let ThreadKey { inbox, peer } = thread;
    Arrival {
        inbox,
        external_id: ExternalId::from(id),
        peer,
        author,
        what: What::Content(Content::text(said)),
        sent_at: now,
        received_at: now,
        decoded_at: None,
        trigger: None,
        profile: None,
    }
}

/// Makes it durable, and only then answers: with its trace id, by which `kefu-bridge trace` tells its way.
pub(super) async fn taken(app: &App, arrival: Arrival) -> Result<HttpResponse, Refusal> {
    let ids = app.engine.accept(vec![arrival]).await?;
    let trace = ids.into_iter().flatten().next();
    Ok(HttpResponse::Ok().json(json!({
        "accepted": true,
        "repeated": trace.is_none(),
        "trace": trace.map(|ArrivalId(id)| id),
    })))
}

/// For the routes beside this one.
pub(super) fn thread(inbox: &InboxName, peer: PeerId) -> ThreadKey {
    ThreadKey {
        inbox: inbox.clone(),
        peer,
    }
}
