//! The deadline of silence. It is set when a conversation's phase changes and not moved with every message: when it comes,
//! it looks when anybody spoke last.

use super::Clerk;
use crate::{
    conversation::Phase,
    message::{Cue, DeadlineKind, What},
    store::Verdict,
};

impl Clerk<'_> {
    /// Sets the deadline for the present phase.
    pub(super) fn expect_silence(&mut self) {
        let idle = match self.changes.conversation.phase {
            Phase::Assisted | Phase::Assigned { .. } => {
                Some(self.now + self.engine.parts.settings.idle_timeout)
            }
            Phase::Queued(_) | Phase::Resolved { .. } => None,
        };
        self.set_silence(idle);
    }

    /// Where the arrival in hand is a deadline of silence, but somebody spoke since it was set: sets it anew. What became of
    /// the arrival.
    pub(in crate::engine) fn not_silent(&mut self) -> Option<Verdict> {
        let What::Cue(Cue::Deadline {
            kind: DeadlineKind::Idle,
            episode,
        }) = self.arrival.what
        else {
            return None;
        };
        let conversation = &self.changes.conversation;
        // Or the clock was set back since.
        let spoke_at = conversation.spoke_at.min(self.now);
        let until = spoke_at + self.engine.parts.settings.idle_timeout;
        let is_open = matches!(conversation.phase, Phase::Assisted | Phase::Assigned { .. });
        if !is_open || conversation.episode != episode || until <= self.now {
            return None;
        }
        self.set_silence(Some(until));
        Some(Verdict::Turned {
            by: None,
            note: Some("somebody spoke since".to_owned()),
        })
    }

    fn set_silence(&mut self, at: Option<crate::clock::Timestamp>) {
        self.changes
            .deadlines
            .retain(|(kind, _)| *kind != DeadlineKind::Idle);
        self.changes.deadlines.push((DeadlineKind::Idle, at));
    }
}
