//! The canonical vocabulary: typed ids, what people say ([`Content`]) and one thing that came in ([`Arrival`]).
//! Every channel reads into these words and writes from them; nothing here knows a vendor.

mod arrival;
mod content;
mod event;
mod handle;
mod ids;
mod media;

pub use arrival::{Arrival, Author, Cue, DeadlineKind, Profile, Trigger, What};
pub use content::{Content, ContentKind, Format, Hosted, MenuItem, Text};
pub use event::{Answer, ConsentAnswer, Event, NudgeResult, Rated, Welcome};
pub use handle::Handle;
pub use ids::{
    AgentName, ArrivalId, BotName, ContactId, ConversationId, DispatchId, EntryId, ErrandId,
    ExternalId, InboxName, PeerId, ThreadKey, WorkerId,
};
pub use media::{Media, MediaSource};
