//! The canonical vocabulary: typed ids, what people say ([`Content`]) and one thing that came in ([`Arrival`]).
//! Every channel reads into these words and writes from them; nothing here knows a vendor.

mod arrival;
mod content;
mod handle;
mod ids;

pub use arrival::{Arrival, Author, Cue, DeadlineKind, Profile, Trigger, What};
pub use content::{
    Answer, ConsentAnswer, Content, ContentKind, Event, Format, Hosted, Media, MediaSource,
    MenuItem, NudgeResult, Rated, Text, Welcome,
};
pub use handle::Handle;
pub use ids::{
    AgentName, ArrivalId, BotName, ContactId, ConversationId, DispatchId, EntryId, ErrandId,
    ExternalId, InboxName, PeerId, ThreadKey, WorkerId,
};
