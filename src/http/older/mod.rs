//! Routes of an older system, kept as aliases where they mean a channel: a member's message, a member's command, what a
//! sidebar shows. They exist where `[older_routes]` has a token, and whoever calls shows it. Everything that comes in is
//! bounded; every refusal is `application/problem+json` with a stable `code`.

mod command;
mod message;
mod notify;
mod refusal;
mod sidebar;

use actix_web::{HttpRequest, http::header, web};
use bridge_core::{
    message::{Author, InboxName, PeerId, ThreadKey},
    routing::Agent,
};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use self::refusal::Refusal;
use crate::app::App;

/// The largest body of a call of ours.
const BODY: usize = 64 << 10;
/// The longest text, in characters.
const TEXT: usize = 4_000;
/// How old a message may be that brings its own time: repeats are known for longer.
const OLDEST: i64 = 86_400;
/// How far its clock may run ahead, in seconds.
const AHEAD: i64 = 600;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/api/wechat/work-message")
                .route(web::post().to(message::post))
                .route(web::get().to(message::verify)),
        )
        .service(web::resource("/api/wechat/work/command").route(web::post().to(command::post)))
        .service(web::resource("/api/wechat/group-bot-notify").route(web::post().to(notify::post)))
        .service(web::resource("/api/wechat/sidebar-data").route(web::get().to(sidebar::get)));
}

/// The inbox the routes mean, for whoever shows the token.
fn admitted(request: &HttpRequest, app: &App) -> Result<InboxName, Refusal> {
    let section = &app.settings.older_routes;
    let inbox = meant(app)?;
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
    match shown {
        Some(token) if section.token.matches(token) => Ok(inbox),
        _ => Err(Refusal::Unauthorized),
    }
}

/// The inbox the routes mean; without a token they are not there.
fn meant(app: &App) -> Result<InboxName, Refusal> {
    let section = &app.settings.older_routes;
    match &section.inbox {
        Some(inbox) if !section.token.is_empty() => Ok(InboxName::new(inbox)),
        _ => Err(Refusal::NotFound("these routes are not configured")),
    }
}

/// Reads a body.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    if body.len() > BODY {
        return Err(Refusal::TooLarge);
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Malformed(format!("not the JSON that is wanted: {error}")))
}

/// A member's account: up to 64 bytes of letters, digits and `.-_@` (WeCom: 5.2).
fn account(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte);
    match (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(text),
        false => Err(Refusal::Malformed(
            "userid is 1 to 64 of letters, digits and .-_@".to_owned(),
        )),
    }
}

/// The thread a member writes to the app on, and as whom: who is an agent there has all contacts in that one chat.
fn lane(app: &App, inbox: &InboxName, userid: &str) -> (ThreadKey, Author) {
    let channel = app.engine.parts().channels.get(inbox);
    let one_chat = channel.is_some_and(|channel| channel.capabilities().one_chat);
    let (peer, author) = match working(app, inbox, userid).filter(|_| one_chat) {
        Some(agent) => (agent.account.clone(), Author::Agent(agent.account.clone())),
        None => (PeerId::new(userid), Author::Contact),
    };
    let inbox = inbox.clone();
    (ThreadKey { inbox, peer }, author)
}

/// The agent who works in this inbox under this account, in any case: so the platform takes it.
fn working<'a>(app: &'a App, inbox: &InboxName, userid: &str) -> Option<&'a Agent> {
    let mut agents = app.settings.agents.values();
    agents
        .find(|agent| agent.inbox == *inbox && agent.account.as_str().eq_ignore_ascii_case(userid))
}

/// Words, bounded and without what no platform carries.
fn words(text: &str) -> Result<String, Refusal> {
    let text = text.trim().replace('\0', "");
    match text.chars().count() {
        0 => Err(Refusal::Malformed("text is missing".to_owned())),
        1..=TEXT => Ok(text),
        _ => Err(Refusal::TooLarge),
    }
}

/// What makes a message the same when it is sent again: its sender's own id and second; without them it is a new one.
fn external_id(id: Option<&str>, time: Option<i64>, now: i64) -> Result<String, Refusal> {
    let malformed = |what: &str| Err(Refusal::Malformed(what.to_owned()));
    let Some(id) = id else {
        return Ok(format!("{now}:older:{}", uuid::Uuid::now_v7()));
    };
    if !(1..=64).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return malformed("id is 1 to 64 printable ASCII characters");
    }
    match time {
        None => malformed("an id comes with the time of the message, in seconds since 1970"),
        Some(time) if time < now - OLDEST || time > now + AHEAD => {
            malformed("time is not within the last day")
        }
        Some(time) => Ok(format!("{time}:older:{id}")),
    }
}
