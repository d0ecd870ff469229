//! Weather to order: what goes wrong, where, how often.
//!
//! A fault is written `TARGET[(WHO)]=KIND[:ARG][xTIMES][@PROBABILITY]`, several of them separated by commas:
//!
//! ```
//! let faults = bridge_sandbox::faults::parse("wechat.send=45015x2,tim.send=slow:800,dify=cut,callback=duplicate:0.1")?;
//! assert_eq!(faults.len(), 4);
//! # Ok::<(), bridge_sandbox::faults::SpecError>(())
//! ```
//!
//! `TARGET` is a peer (`wechat`, `tim`, `dify`, `kf`, `wecom`: all calls to it), one of its operations (`tim.send`), or `callback`
//! (`wechat.callback`, `wecom.callback`) for what the platform sends to the bridge. `WHO` narrows it to one customer, account
//! or user. Without `xTIMES` a fault stays until it is taken back. The first fault that applies decides; `slow` adds to it.

mod book;
mod spec;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

pub(crate) use book::{Book, CallPlan, CallbackPlan, Fate, Twist};
pub use spec::{SpecError, parse};

/// The grammar in short, for a command line's help.
pub const HELP: &str = "\
TARGET[(WHO)]=KIND[:ARG][xTIMES][@PROBABILITY], several separated by commas, such as
  wechat.send=45015x2,tim.send=slow:800,dify=cut,callback=duplicate:0.1
Targets: wechat, tim, dify, kf, wecom (all calls), one operation of theirs (wechat.token, tim.send, dify.chat ...),
  callback, wechat.callback, tim.callback, kf.callback, wecom.callback; WHO narrows to one customer, account or user
Kinds for calls: slow:MS, hang, cut, cut-mid, cut-after, http:STATUS, an error code (Dify: an HTTP status), expire;
  Dify also error[:CODE], mute; kf.sync also empty (a page with has_more and nothing in it), page:N (at most N rows),
  replay:N (a page that begins N rows too early); kf.send also fail:TYPE (taken, and msg_send_fail after it)
Kinds for callbacks: duplicate, reorder, drop, forge (each with :PROBABILITY), slow:MS";

/// Every operation that a fault can aim at.
pub const OPERATIONS: &[&str] = &[
    "wechat.token",
    "wechat.send",
    "wechat.typing",
    "wechat.upload",
    "wechat.media",
    "wechat.user",
    "wechat.qrcode",
    "wechat.subscribe",
    "wechat.other",
    "wechat.callback",
    "tim.send",
    "tim.import",
    "tim.check",
    "tim.online",
    "tim.history",
    "tim.withdraw",
    "tim.read",
    "tim.modify",
    "tim.profile",
    "tim.kick",
    "tim.other",
    "tim.callback",
    "dify.chat",
    "dify.upload",
    "dify.stop",
    "dify.info",
    "dify.history",
    "dify.feedback",
    "dify.other",
    "kf.token",
    "kf.sync",
    "kf.send",
    "kf.trans",
    "kf.upload",
    "kf.media",
    "kf.other",
    "kf.callback",
    "wecom.token",
    "wecom.send",
    "wecom.recall",
    "wecom.update",
    "wecom.upload",
    "wecom.media",
    "wecom.user",
    "wecom.agent",
    "wecom.ticket",
    "wecom.contact",
    "wecom.welcome",
    "wecom.robot",
    "wecom.other",
    "wecom.callback",
];

/// Whole peers that a fault can aim at, and the callbacks of all.
pub(crate) const PEERS: &[&str] = &["wechat", "tim", "dify", "kf", "wecom", "callback"];

/// One ordered fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(crate) target: String,
    pub(crate) who: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) times: Option<u32>,
    pub(crate) probability: f64,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Slow(Duration),
    Hang,
    Cut,
    CutAfter,
    CutMid,
    Http(u16),
    Code(i64),
    Expire,
    StreamError(Option<String>),
    Mute,
    Empty,
    PageOf(u32),
    Replay(u32),
    SendFail(u32),
    Duplicate,
    Reorder,
    Drop,
    Forge,
}

impl Fault {
    /// Whether the fault aims at this operation.
    fn aims_at(&self, operation: &str) -> bool {
        let (peer, name) = operation.split_once('.').unwrap_or((operation, ""));
        match self.target.as_str() {
            "callback" => name == "callback",
            target if target == peer => name != "callback",
            target => target == operation,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target)?;
        if let Some(who) = &self.who {
            write!(f, "({who})")?;
        }
        write!(f, "={}", self.kind)?;
        if let Some(times) = self.times {
            write!(f, "x{times}")?;
        }
        if self.probability < 1.0 {
            write!(f, "@{}", self.probability)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(time) => write!(f, "slow:{}", time.as_millis()),
            Self::Hang => f.write_str("hang"),
            Self::Cut => f.write_str("cut"),
            Self::CutAfter => f.write_str("cut-after"),
            Self::CutMid => f.write_str("cut-mid"),
            Self::Http(status) => write!(f, "http:{status}"),
            Self::Code(code) => write!(f, "{code}"),
            Self::Expire => f.write_str("expire"),
            Self::StreamError(None) => f.write_str("error"),
            Self::StreamError(Some(code)) => write!(f, "error:{code}"),
            Self::Mute => f.write_str("mute"),
            Self::Empty => f.write_str("empty"),
            Self::PageOf(rows) => write!(f, "page:{rows}"),
            Self::Replay(rows) => write!(f, "replay:{rows}"),
            Self::SendFail(kind) => write!(f, "fail:{kind}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Reorder => f.write_str("reorder"),
            Self::Drop => f.write_str("drop"),
            Self::Forge => f.write_str("forge"),
        }
    }
}

/// An ordered fault as the pages see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultLine {
    /// Its number, to take it back.
    pub id: u64,
    /// As it would be written.
    pub spec: String,
    /// Where it strikes.
    pub target: String,
    /// How often it will still strike; `None`: until it is taken back.
    pub left: Option<u32>,
    /// How often it struck.
    pub fired: u32,
}
