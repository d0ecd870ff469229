//! What a platform must be able to do for us. [`Channel`] is short and mandatory; everything more is a small trait
//! of its own that a channel offers or does not.

mod bilingual;
mod capabilities;
mod check;
mod contacts;
mod delivery;
mod dispatch;
mod error;
mod live;
mod media;
mod pull;
mod reach;
mod spec;

use async_trait::async_trait;

pub(crate) use self::delivery::percent_decode;
pub use self::{
    bilingual::Bilingual,
    capabilities::{Allowance, Capabilities},
    check::{Check, Finding},
    contacts::{Acquaintance, People, Presence, Sidebar},
    delivery::{Ack, Decoded, Delivery, PullHint, Verb},
    dispatch::{Dispatch, Persona, Receipt},
    error::{ChannelError, ChannelErrorKind},
    live::{Bounds, Document, Heard, Line, Live, News, Refusal, Shown, Visit},
    media::{Fetch, Fetched},
    pull::{DeskThread, Page, Pull},
    reach::{Code, Codes, GroupNotice, NUDGE_KEY, Notify, Nudging, Recall, Typing},
    spec::{ChannelPlugin, ChannelSpec},
};

/// One kind of platform, configured for one inbox.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Checks and reads one callback. No I/O and no state: the answer depends on the delivery alone.
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError>;

    /// What the platform can show, and how much of it.
    fn capabilities(&self) -> &Capabilities;

    /// Sends one dispatch. Sending the same dispatch again must be harmless wherever the platform knows idempotency.
    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError>;

    /// Platforms that are asked for messages.
    fn pull(&self) -> Option<&dyn Pull> {
        None
    }

    /// Platforms whose media need the platform's own download.
    fn fetch(&self) -> Option<&dyn Fetch> {
        None
    }

    /// Platforms that tell who is online.
    fn presence(&self) -> Option<&dyn Presence> {
        None
    }

    /// Platforms that tell who a contact is when they are asked.
    fn people(&self) -> Option<&dyn People> {
        None
    }

    /// Platforms whose client shows pages of ours beside a chat.
    fn sidebar(&self) -> Option<&dyn Sidebar> {
        None
    }

    /// Platforms that show "typing…".
    fn typing(&self) -> Option<&dyn Typing> {
        None
    }

    /// Platforms where something sent can be taken back.
    fn recall(&self) -> Option<&dyn Recall> {
        None
    }

    /// Channels whose contacts come to us and stay connected.
    fn live(&self) -> Option<&dyn Live> {
        None
    }

    /// Platforms where a contact who is away can be told that somebody has written, as often as they allowed it.
    fn nudging(&self) -> Option<&Nudging> {
        None
    }

    /// Platforms that make pictures to scan.
    fn codes(&self) -> Option<&dyn Codes> {
        None
    }

    /// Platforms where a robot can tell a group something.
    fn notify(&self) -> Option<&dyn Notify> {
        None
    }

    /// What `kefu-bridge check` tries on the real platform.
    fn check(&self) -> Option<&dyn Check> {
        None
    }
}
