//! Callbacks: opened, checked to be of our app, and read as one arrival (WeCom: 1.2, 1.3, 2).

use std::time::Duration;

use bridge_convertors::wecom::{
    Fields,
    app::read::{self, By},
    envelope::{EnvelopeError, Signed},
};
use bridge_core::{
    channel::{Ack, ChannelError, Decoded, Delivery, Verb},
    clock::Timestamp,
    convert::ConvertError,
    message::{Arrival, Author, Content, Event, Handle, PeerId, Profile, Welcome, What},
};

use super::Wecom;

/// How long a code to welcome somebody is good (WeCom: 2.4).
const WELCOME: Duration = Duration::from_secs(20);

pub(super) fn decode(app: &Wecom, delivery: &Delivery) -> Result<Decoded, ChannelError> {
    let signed = Signed::of(delivery);
    let answer = |ack, arrivals| Decoded {
        ack,
        arrivals,
        pull: None,
    };
    match delivery.verb {
        // Answered with the opened echo and nothing else.
        Verb::Get => {
            let echo = delivery.query_value("echostr").unwrap_or_default();
            let opened = app.gate.echo(&signed, &echo).map_err(refused)?;
            Ok(answer(Ack::text(opened), Vec::new()))
        }
        Verb::Post => {
            let opened = app.gate.open(&signed, &delivery.body).map_err(refused)?;
            let fields = Fields::read(opened.plain.as_bytes())
                .map_err(|error| ChannelError::malformed(error.to_string()))?;
            let arrival = match of_this_app(app, &fields) {
                true => arrival(app, &fields, delivery.received_at).map_err(malformed)?,
                false => None,
            };
            Ok(answer(Ack::text(""), arrival.into_iter().collect()))
        }
    }
}

/// The apps of a corp may share a token and a key. What names no app, or an empty one, comes from the corp.
fn of_this_app(app: &Wecom, fields: &Fields) -> bool {
    let named = fields.some("AgentID").map(str::trim);
    let ours = named.is_none_or(|id| id == "0" || id.parse() == Ok(app.config.agent_id));
    if !ours {
        tracing::warn!(agent_id = named, inbox = %app.words.inbox, "a callback of another app: is its receive URL this inbox's?");
    }
    ours
}

fn arrival(
    app: &Wecom,
    fields: &Fields,
    received_at: Timestamp,
) -> Result<Option<Arrival>, ConvertError> {
    let Some(mut content) = read::content(fields, &app.words.inbox)? else {
        return Ok(None);
    };
    let sent_at = Timestamp::from_secs(read::created(fields)?);
    if let Content::Event(Event::Added { welcome, .. }) = &mut content {
        *welcome = greeting(app, fields, sent_at);
    }
    alarm(app, &content);
    let author = match read::by(fields) {
        By::Peer => Author::Contact,
        By::Platform => Author::System,
    };
    Ok(Some(Arrival {
        inbox: app.words.inbox.clone(),
        external_id: read::external_id(fields)?,
        peer: PeerId::from(read::peer(fields)?),
        trigger: read::trigger(fields).filter(|_| author == Author::Contact),
        author,
        what: What::Content(content),
        sent_at,
        received_at,
        decoded_at: None,
        profile: read::external_contact(fields).map(|id| known_as(app, id)),
    }))
}

/// What somebody who has just added a member is welcomed with, if they may be.
fn greeting(app: &Wecom, fields: &Fields, added_at: Timestamp) -> Option<Welcome> {
    let words = app.config.welcome.trim();
    let code = read::welcome_code(fields).filter(|_| !words.is_empty())?;
    Some(Welcome {
        code: code.to_owned(),
        words: words.to_owned(),
        until: added_at + WELCOME,
    })
}

/// An external contact is the same person to all of the corp, WeChat KF with it.
fn known_as(app: &Wecom, id: &str) -> Profile {
    Profile {
        handles: Handle::external_user(&app.config.corp_id, id)
            .into_iter()
            .collect(),
        ..Profile::default()
    }
}

/// What an operator must know at once: the app is about to be stopped, or is.
fn alarm(app: &Wecom, content: &Content) {
    const GRAVE: [&str; 4] = [
        "inactive_alert",
        "low_active_alert",
        "close_inactive_agent",
        "low_active",
    ];
    if let Content::Event(Event::Other { name, .. }) = content
        && GRAVE.contains(&name.as_str())
    {
        tracing::error!(event = name, inbox = %app.words.inbox, "WeCom stops, or is about to stop, this app: somebody must use it");
    }
}

fn refused(error: EnvelopeError) -> ChannelError {
    match error.forged() {
        true => ChannelError::forged(error.to_string()),
        false => ChannelError::malformed(error.to_string()),
    }
}

fn malformed(error: ConvertError) -> ChannelError {
    ChannelError::malformed(error.to_string())
}
