//! What becomes of a dispatch that could not be sent, and who is told of it.

use std::time::Duration;

use metrics::counter;

use super::{is_nudge, is_word_to_platform, rating};
use crate::{
    channel::{ChannelError, ChannelErrorKind, Dispatch},
    clock::Timestamp,
    engine::{Engine, OnUnknown},
    error::Remedy,
    message::{Arrival, Cue, PeerId, ThreadKey},
    store::Settlement,
    texts::Locale,
};

/// The longest pause between two tries.
pub(in crate::engine) const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Tries while somebody must mend the account first: about a day of the longest pauses.
const TRIES_UNTIL_MENDED: u32 = 288;
/// The longest reason of a failure that is kept: it is the platform's words.
const REASON: usize = 1000;

impl Engine {
    /// What becomes of a dispatch that was not sent: tried again, held until the contact writes, or given up.
    pub(super) fn failed(
        &self,
        dispatch: &Dispatch,
        error: &ChannelError,
        started: Timestamp,
    ) -> Settlement {
        note(dispatch, error);
        let reason = reason(&error.detail);
        let (tried, exhausted) = (is_try(error), self.is_exhausted(dispatch, error));
        let again = |after: Duration| {
            let pause = after.max(backoff(dispatch.attempt)).min(LONGEST_PAUSE);
            Settlement::Retry {
                at: self.parts.clock.now() + pause,
                reason: reason.clone(),
                tried,
            }
        };
        let told = |fate| {
            let cue = self.undelivered(dispatch, error, started, fate);
            Some(Box::new(cue))
        };
        match error.remedy {
            Remedy::Retry { after } if !exhausted => again(after),
            // Nobody waits to hear what became of a rating.
            _ if rating(dispatch).is_some() => Settlement::Dead { cue: None, reason },
            // What may not be sent now is never to be sent: what a nudge tells of waits for the contact itself, and a word to
            // the platform may be out of date by then.
            Remedy::Hold if is_nudge(dispatch) || is_word_to_platform(dispatch) => {
                Settlement::Dead {
                    cue: told(Fate::Held),
                    reason,
                }
            }
            Remedy::Hold => Settlement::Held {
                cue: told(Fate::Held),
                reason,
            },
            // Nor is a nudge sent again that may have arrived: the second would cost another grant.
            Remedy::Unknown if !exhausted && self.resends(dispatch) && !is_nudge(dispatch) => {
                again(Duration::ZERO)
            }
            _ => Settlement::Dead {
                cue: told(Fate::Dead),
                reason,
            },
        }
    }

    fn is_exhausted(&self, dispatch: &Dispatch, error: &ChannelError) -> bool {
        let usual = self.parts.settings.dispatch_attempts;
        let patient = waits_for_operator(dispatch, error) || rating(dispatch).is_some();
        let tries = match patient {
            true => TRIES_UNTIL_MENDED.max(usual),
            false => usual,
        };
        is_try(error) && dispatch.attempt >= tries
    }

    /// Whether its inbox sends again what may have arrived.
    fn resends(&self, dispatch: &Dispatch) -> bool {
        let inboxes = &self.parts.settings.on_unknown;
        let on_unknown = inboxes.get(&dispatch.inbox).copied().unwrap_or_default();
        on_unknown == OnUnknown::Resend
    }

    /// Whoever waits for the answer is told at once, not after the last try. The cue is the same at every try, and a
    /// store takes it once.
    pub(super) async fn tell_of_the_wait(
        &self,
        dispatch: &Dispatch,
        error: &ChannelError,
        started: Timestamp,
    ) {
        let cue = self.undelivered(dispatch, error, started, Fate::TriedAgain);
        if let Err(error) = self.accept(vec![cue]).await {
            tracing::warn!(%error, dispatch = dispatch.id.0, "nobody was told that it waits");
        }
    }

    /// What had to be tried again is sent: whoever was told that it waits is told that it does so no more.
    pub(super) async fn tell_of_the_end(&self, dispatch: &Dispatch) {
        let to_contact =
            dispatch.sender.is_none() && !is_nudge(dispatch) && !is_word_to_platform(dispatch);
        if dispatch.attempt <= 1 || !to_contact {
            return;
        }
        let thread = ThreadKey {
            inbox: dispatch.inbox.clone(),
            peer: dispatch.to.clone(),
        };
        let (begun, id) = (dispatch.created_at.as_secs(), dispatch.id);
        let cue = self.cue(
            &thread,
            format!("{begun}:recovered:{id}"),
            Cue::Recovered { dispatch: id },
        );
        if let Err(error) = self.accept(vec![cue]).await {
            tracing::warn!(%error, dispatch = id.0, "nobody was told that it was sent");
        }
    }

    /// The cue that tells the conversation.
    fn undelivered(
        &self,
        dispatch: &Dispatch,
        error: &ChannelError,
        started: Timestamp,
        fate: Fate,
    ) -> Arrival {
        let texts = &self.parts.texts;
        let reason = match (&error.advice, error.remedy, texts.locale) {
            (Some(words), _, locale) => words.get(locale).to_owned(),
            (None, Remedy::Unknown, Locale::Zh) => "平台没有及时确认，消息可能已送达".to_owned(),
            (None, Remedy::Unknown, Locale::En) => {
                "the platform did not confirm in time; it may have arrived".to_owned()
            }
            (None, ..) => reason(&error.detail),
        };
        let cue = Cue::Undelivered {
            dispatch: dispatch.id,
            to_contact: dispatch.sender.is_none() || is_nudge(dispatch),
            content: Box::new(dispatch.content.clone()),
            reason,
            held: fate == Fate::Held,
            tried_again: fate == Fate::TriedAgain,
            tried_at: Some(started),
        };
        let thread = ThreadKey {
            inbox: dispatch.inbox.clone(),
            peer: stand_in_or_contact(dispatch),
        };
        let (begun, id) = (dispatch.created_at.as_secs(), dispatch.id);
        let key = match fate {
            Fate::TriedAgain => format!("{begun}:waiting:{id}"),
            _ => format!("{begun}:undelivered:{id}:{}", dispatch.attempt),
        };
        self.cue(&thread, key, cue)
    }
}

fn note(dispatch: &Dispatch, error: &ChannelError) {
    let code = error
        .code
        .map_or_else(|| error.kind.to_string(), |code| code.to_string());
    counter!("kefu_send_errors_total", "inbox" => dispatch.inbox.to_string(), "code" => code)
        .increment(1);
    tracing::warn!(trace = dispatch.trace.0, dispatch = dispatch.id.0, inbox = %dispatch.inbox,
        attempt = dispatch.attempt, remedy = ?error.remedy, %error, "not sent");
}

/// What only waited its turn loses no try for it.
fn is_try(error: &ChannelError) -> bool {
    error.kind != ChannelErrorKind::Busy
}

/// Why it was not sent, as it is kept.
fn reason(detail: &str) -> String {
    let plain = detail.chars().map(|c| if c == '\0' { ' ' } else { c });
    plain.take(REASON).collect()
}

/// What becomes of a dispatch that could not be delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is given up.
    Dead,
    /// It waits for the contact.
    Held,
    /// It waits for the operator.
    TriedAgain,
}

/// Whether it will go out as it is, once somebody has mended the configuration or the account. What a nudge tells is old
/// by then.
pub(super) fn waits_for_operator(dispatch: &Dispatch, error: &ChannelError) -> bool {
    error.kind == ChannelErrorKind::Configuration
        && matches!(error.remedy, Remedy::Retry { .. })
        && !is_nudge(dispatch)
        && !is_word_to_platform(dispatch)
}

/// The thread a dispatch belongs to: at a desk the stand-in's, else the contact's own.
fn stand_in_or_contact(dispatch: &Dispatch) -> PeerId {
    if is_nudge(dispatch) {
        return dispatch.to.clone();
    }
    dispatch
        .sender
        .as_ref()
        .map_or_else(|| dispatch.to.clone(), |persona| persona.id.clone())
}

/// 1 s, 2 s, 4 s, … and never the same for two dispatches that failed together.
fn backoff(attempt: u32) -> Duration {
    let base = Duration::from_secs(1).saturating_mul(1 << attempt.saturating_sub(1).min(8));
    // The clock's last digits are as good as dice here.
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let spread = u64::from(nanos % 250);
    base + Duration::from_millis(spread)
}
