//! Channels whose contacts come to us and stay connected: the visitors of a page. The server holds the sockets and keeps
//! them within bounds; the channel reads and writes their frames and says who somebody is.
//!
//! What a visitor sees is the transcript. It is the outbox, and its line numbers are the sequence numbers to catch up
//! by: sending is being there to read, which works the same on every node and after every cut.

use std::time::Duration;

use bytes::Bytes;

use super::ChannelError;
use crate::{
    clock::Timestamp,
    conversation::Phase,
    media::KeptMedia,
    message::{ArrivalId, EntryId, PeerId},
    store::Entry,
};

/// Speaks with contacts who are connected. No I/O and no state: the server has both.
pub trait Live: Send + Sync {
    /// Whether a page of this origin (`https://www.example.com`) may connect. The server's own pages always may.
    fn admits(&self, origin: &str) -> bool;

    /// What the server holds visitors to.
    fn bounds(&self) -> &Bounds;

    /// A page, script or picture, by its path below `/web/{inbox}/`.
    fn document(&self, path: &str) -> Option<&Document>;

    /// Reads a socket's first frame: who it is, and what they have seen. Somebody without a token is somebody new.
    fn greet(&self, frame: &str, now: Timestamp) -> Result<Visit, ChannelError>;

    /// Reads any other frame.
    fn hear(&self, visit: &Visit, frame: &str, now: Timestamp) -> Heard;

    /// Writes a frame.
    fn tell(&self, news: &News<'_>) -> String;

    /// Whose token this is: for requests beside the socket.
    fn whose(&self, token: &str, now: Timestamp) -> Result<PeerId, ChannelError>;

    /// Whether somebody may send what is sniffed as this media type.
    fn takes(&self, mime: &str) -> bool;

    /// What an upload is answered with: a ticket by which its owner, and nobody else, may send it.
    fn ticket(&self, owner: &PeerId, kept: &KeptMedia, now: Timestamp) -> String;
}

/// What visitors are held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Sockets of this inbox on one node.
    pub sockets: usize,
    /// Sockets of one visitor on one node: tabs and devices.
    pub sockets_per_visitor: usize,
    /// Sockets from one address on one node.
    pub sockets_per_address: usize,
    /// Visitors without a token from one address in a minute.
    pub new_visitors_per_minute: u32,
    /// Messages of one visitor in a minute.
    pub messages_per_minute: u32,
    /// Uploads of one visitor in a minute.
    pub uploads_per_minute: u32,
    /// The largest upload in bytes.
    pub upload_bytes: u64,
    /// The largest frame in bytes.
    pub frame_bytes: usize,
    /// A socket on which nothing is said for so long is closed; its page comes back when somebody looks at it.
    pub idle: Duration,
    /// The header in which a proxy in front says from where somebody comes; `None`: nobody is in front.
    pub address_header: Option<String>,
}

/// A page, script or picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
    /// More headers: what the page may do.
    pub headers: Vec<(&'static str, String)>,
    /// Its entity tag, quotes and all: another body has another.
    pub tag: String,
    /// How long browsers may keep it unasked; zero: they ask every time.
    pub max_age: Duration,
}

/// Somebody who is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Who: the peer of their thread.
    pub peer: PeerId,
    /// Whether they came without a token.
    pub is_new: bool,
    /// The token to come back with, renewed.
    pub token: String,
    /// Until when it is good; the visit ends with it.
    pub until: Timestamp,
    /// The last line they have seen.
    pub seen: Option<EntryId>,
}

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something is said. The delivery is what [`super::Channel::decode`] reads, so that it walks the same way as any
    /// platform's callback.
    Said {
        /// The visitor's own id for it.
        id: String,
        /// The body of the delivery.
        delivery: Bytes,
    },
    /// Lines before this one are wanted.
    Earlier(EntryId),
    /// Their page has shown the transcript up to this line.
    Shown(EntryId),
    /// Only whether we are there.
    Ping,
    /// Something was said that is not taken.
    Refused {
        /// The visitor's own id for it.
        id: String,
        /// Why.
        why: Refusal,
    },
    /// It cannot be read: whoever sends such things is no page of ours.
    Noise,
}

/// Why something said is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too much in a minute; again after this.
    TooFast {
        /// How long to wait.
        after: Duration,
    },
    /// Too many words.
    TooLong,
    /// Nothing in it, or nothing of use.
    Malformed,
    /// Its id is from another time: it may have been taken long ago.
    Stale,
    /// The upload's ticket is not theirs, or its time is over.
    Ticket,
    /// It cannot be made durable now; again after this.
    Busy {
        /// How long to wait.
        after: Duration,
    },
}

/// What a visitor is told.
#[derive(Debug, Clone, PartialEq)]
pub enum News<'a> {
    /// The answer to the first frame.
    Welcome {
        /// Who they are.
        visit: &'a Visit,
        /// The server's time, by which they number what they say.
        now: Timestamp,
    },
    /// Lines after the last one they had.
    Lines(&'a [Line]),
    /// Lines before the first one they had; `more`: there are more before these.
    Earlier {
        /// The lines.
        lines: &'a [Line],
        /// Whether there are more.
        more: bool,
    },
    /// What they said is durable.
    Taken {
        /// Their own id for it.
        id: &'a str,
        /// Its number, which its line of the transcript carries; `None`: it was taken before.
        trace: Option<ArrivalId>,
    },
    /// What they said is not taken.
    Refused {
        /// Their own id for it.
        id: &'a str,
        /// Why.
        why: Refusal,
    },
    /// Who answers now.
    State {
        /// The phase.
        phase: &'a Phase,
        /// The agent's name as contacts read it.
        agent: Option<&'a str>,
        /// The position in the queue they were told last.
        position: Option<u32>,
    },
    /// Somebody is at an answer.
    Typing,
    /// The answer to a ping.
    Pong,
}

/// A line of the transcript with what it takes to show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The line.
    pub entry: Entry,
    /// The agent's name as contacts read it.
    pub agent: Option<String>,
    /// Its media, in the order of [`crate::message::Content::media`]; `None` where one is not to be had.
    pub media: Vec<Option<Shown>>,
}

/// A medium and where to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is.
    pub kept: KeptMedia,
    /// A link that expires.
    pub url: String,
}
