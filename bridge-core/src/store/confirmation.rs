//! What tells that something sent was not only taken by a platform but has arrived: which dispatches it speaks for.

use super::TraceDispatch;
use crate::{
    clock::Timestamp,
    message::{EntryId, InboxName, PeerId},
};

/// Somebody's word that what was sent has arrived, or was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The platform's word on one message.
    Message {
        /// The platform's id for it.
        external_id: String,
    },
    /// A read receipt: everything that left by this inbox for this recipient up to a moment. Platforms count in seconds and
    /// by their own clock, and what they took is noted here a little later: hence two bounds.
    UpTo {
        /// The inbox it left by.
        inbox: InboxName,
        /// The recipient.
        to: PeerId,
        /// Decided not later than this.
        decided_by: Timestamp,
        /// Noted as sent not later than this.
        sent_by: Timestamp,
    },
    /// A page has shown a transcript up to a line, and so what was sent with it.
    Shown {
        /// The inbox it left by.
        inbox: InboxName,
        /// The recipient.
        to: PeerId,
        /// The last line shown.
        line: EntryId,
    },
}

impl Confirmation {
    /// Whether a dispatch is one of those it speaks about, confirmed or not.
    pub fn concerns(&self, dispatch: &TraceDispatch) -> bool {
        match self {
            Self::Message { external_id } => dispatch.external_id.as_ref() == Some(external_id),
            Self::UpTo { inbox, to, .. } | Self::Shown { inbox, to, .. } => {
                dispatch.inbox == *inbox && dispatch.to == *to
            }
        }
    }

    /// Whether a dispatch counts as confirmed by it from now on, and did not before.
    pub fn confirms(&self, dispatch: &TraceDispatch) -> bool {
        let in_time = match self {
            Self::UpTo {
                decided_by,
                sent_by,
                ..
            } => dispatch.created_at <= *decided_by && dispatch.at <= *sent_by,
            Self::Message { .. } | Self::Shown { .. } => true,
        };
        in_time
            && dispatch.state == "sent"
            && dispatch.confirmed_at.is_none()
            && self.concerns(dispatch)
    }

    /// Whether it speaks of this line of the transcript: what belongs to a line that was not shown is not confirmed.
    pub fn reaches(&self, entry: EntryId) -> bool {
        match self {
            Self::Shown { line, .. } => entry <= *line,
            Self::Message { .. } | Self::UpTo { .. } => true,
        }
    }
}
