//! What a visitor says, made into arrivals. Everything here is a stranger's: bounded, and media only by a ticket that
//! says that this visitor has uploaded them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bridge_core::{
    channel::Refusal,
    clock::Timestamp,
    media::KeptMedia,
    message::{
        Arrival, Author, Content, Event, ExternalId, InboxName, Media, MediaSource, PeerId,
        Profile, Trigger, What,
    },
};
use std::time::Duration;

use super::{
    frames::{Say, Words},
    seal::Seal,
};

/// How long after its upload a file may be sent.
const TICKET: Duration = Duration::from_secs(86_400);
/// How old a message's id may be: repeats are recognised for longer than that, so a repeat is never taken for a message.
const OLDEST: Duration = Duration::from_secs(86_400);
/// How far a browser's reckoning of our clock may run ahead.
const AHEAD: Duration = Duration::from_secs(600);
/// The longest name, in characters.
const NAME: usize = 32;
/// The longest word on where a visitor comes from, in characters.
const FROM: usize = 512;
/// The longest recording.
const LONGEST_VOICE: u32 = 3600;

/// Takes what visitors say.
pub(super) struct Desk {
    pub(super) inbox: InboxName,
    pub(super) tickets: Seal,
    pub(super) text_bytes: usize,
}

/// What a ticket says: this visitor uploaded this.
#[derive(serde::Serialize, serde::Deserialize)]
struct Ticket {
    owner: PeerId,
    hash: String,
    name: String,
    mime: String,
    size: u64,
    until: Timestamp,
}

impl Desk {
    /// A ticket for an upload.
    pub(super) fn ticket(&self, owner: &PeerId, kept: &KeptMedia, now: Timestamp) -> String {
        let ticket = Ticket {
            owner: owner.clone(),
            hash: kept.hash.clone(),
            name: kept.name.clone(),
            mime: kept.mime.clone(),
            size: kept.size,
            until: now + TICKET,
        };
        // Strings and numbers are always JSON; were they not, the empty ticket would be refused.
        BASE64.encode(
            self.tickets
                .close(&serde_json::to_vec(&ticket).unwrap_or_default()),
        )
    }

    /// The arrivals: where the visitor comes from, if they say so, and what they say.
    pub(super) fn arrivals(
        &self,
        peer: &PeerId,
        say: Say,
        now: Timestamp,
    ) -> Result<Vec<Arrival>, Refusal> {
        let number = number(&say.id, now)?;
        let content = self.content(peer, say.what, now)?;
        let key = format!("{:010}:{peer}:{}", number.0, number.1);
        let entered = say
            .from
            .map(|from| cut(&from, FROM))
            .filter(|from| !from.is_empty());
        let entered = entered.map(|from| {
            let event = Content::Event(Event::Entered { from, greet: false });
            self.arrival(peer, format!("{key}:from"), event, now)
        });
        let mut said = self.arrival(peer, key, content, now);
        said.trigger = Some(Trigger::Message);
        let name = say
            .name
            .map(|name| cut(&name, NAME))
            .filter(|name| !name.is_empty());
        said.profile = name.map(|name| Profile {
            name: Some(name),
            ..Profile::default()
        });
        Ok(entered.into_iter().chain([said]).collect())
    }

    fn arrival(&self, peer: &PeerId, key: String, content: Content, now: Timestamp) -> Arrival {
        Arrival {
            inbox: self.inbox.clone(),
            external_id: ExternalId::from(key),
            peer: peer.clone(),
            author: Author::Contact,
            what: What::Content(content),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            trigger: None,
            profile: None,
        }
    }

    fn content(&self, peer: &PeerId, words: Words, now: Timestamp) -> Result<Content, Refusal> {
        match words {
            Words::Text { text } if text.len() > self.text_bytes => Err(Refusal::TooLong),
            Words::Text { text } if text.trim().is_empty() => Err(Refusal::Malformed),
            Words::Text { text } => Ok(Content::text(text.trim().replace('\0', ""))),
            Words::Upload { ticket, seconds } => {
                let ticket = self.read(&ticket, peer, now).ok_or(Refusal::Ticket)?;
                Ok(uploaded(ticket, seconds))
            }
            Words::Choice { choice: id, label } => {
                let is_number =
                    (1..=19).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
                match is_number && (1..=100).contains(&label.chars().count()) {
                    true => Ok(Content::Choice {
                        id,
                        label: cut(&label, 100),
                    }),
                    false => Err(Refusal::Malformed),
                }
            }
        }
    }

    fn read(&self, ticket: &str, peer: &PeerId, now: Timestamp) -> Option<Ticket> {
        let sealed = BASE64.decode(ticket).ok()?;
        let ticket: Ticket = serde_json::from_slice(self.tickets.open(&sealed)?).ok()?;
        (ticket.owner == *peer && ticket.until > now).then_some(ticket)
    }
}

/// What was uploaded, by what it is; a sound with a length is what somebody recorded.
fn uploaded(ticket: Ticket, seconds: Option<u32>) -> Content {
    let family = ticket.mime.split('/').next().unwrap_or_default();
    let is_picture = family == "image" && !ticket.mime.contains("svg");
    let is_voice = family == "audio" && seconds.is_some();
    let is_video = family == "video";
    let media = Media {
        source: MediaSource::Kept { hash: ticket.hash },
        name: Some(ticket.name),
        mime: Some(ticket.mime),
        size: Some(ticket.size),
    };
    let seconds = seconds.map(|seconds| seconds.clamp(1, LONGEST_VOICE));
    if is_picture {
        Content::Image { media }
    } else if is_voice {
        Content::Voice {
            media,
            words: None,
            seconds,
        }
    } else if is_video {
        Content::Video {
            media,
            thumbnail: None,
            seconds: None,
        }
    } else {
        Content::File { media }
    }
}

/// The second and the random part of a visitor's id for a message: `1767232800-k3xw9q2m`. The second keeps the ids of
/// an inbox in order.
fn number(id: &str, now: Timestamp) -> Result<(i64, &str), Refusal> {
    let (second, random) = id.split_once('-').ok_or(Refusal::Malformed)?;
    let is_random = (8..=32).contains(&random.len())
        && random
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_second = second.len() == 10 && second.bytes().all(|byte| byte.is_ascii_digit());
    if !is_random || !is_second {
        return Err(Refusal::Malformed);
    }
    let second: i64 = second.parse().map_err(|_| Refusal::Malformed)?;
    let at = Timestamp::from_secs(second);
    match at > now - OLDEST && at < now + AHEAD {
        true => Ok((second, random)),
        false => Err(Refusal::Stale),
    }
}

/// At most so many characters, none of them invisible.
fn cut(text: &str, characters: usize) -> String {
    let visible = text.chars().filter(|c| !c.is_control());
    visible
        .take(characters)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// What visitors can send, by the frame or the type of file.
#[cfg(test)]
pub(in super::super) fn reads() -> Vec<(&'static str, Content)> {
    let file = |mime: &str, seconds| {
        let ticket = Ticket {
            owner: PeerId::new("v"),
            hash: String::new(),
            name: String::new(),
            mime: mime.to_owned(),
            size: 1,
            until: Timestamp(0),
        };
        uploaded(ticket, seconds)
    };
    vec![
        ("text", Content::text("您好")),
        ("image/*", file("image/png", None)),
        ("audio/* + seconds", file("audio/webm", Some(3))),
        ("video/*", file("video/mp4", None)),
        ("*/*", file("application/pdf", None)),
        (
            "choice",
            Content::Choice {
                id: "15".to_owned(),
                label: "满意".to_owned(),
            },
        ),
        (
            "from",
            Content::Event(Event::Entered {
                from: "https://www.example.com/".to_owned(),
                greet: false,
            }),
        ),
    ]
}
