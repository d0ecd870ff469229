//! Dispatches: takes what is due, sends it, settles it. One recipient's dispatches leave in order; a slow platform
//! delays nobody but those who wait for it.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, gauge, histogram};
use tracing::Instrument as _;

use super::{
    Engine, OnUnknown, Side,
    contained::{Mishap, contained},
    holds::Hold,
};
use crate::{
    broker::Notice,
    channel::{ChannelError, ChannelErrorKind, Dispatch, Receipt},
    clock::Timestamp,
    error::Remedy,
    message::{Arrival, ArrivalId, BotName, Content, Cue, Event, PeerId, Rated, ThreadKey},
    store::{Due, DueKind, DueWhat, Settlement, StoreError},
    texts::Locale,
};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Tries while somebody must mend the account first: about a day of the longest pauses.
const TRIES_UNTIL_MENDED: u32 = 288;
/// The pause before a dispatch of an inbox that is not configured is looked at again.
const UNKNOWN: Duration = Duration::from_secs(10);
/// How many are taken from the store at once.
const BATCH: usize = 64;

impl Engine {
    pub(super) async fn send_dispatches(self: Arc<Self>) {
        let mut side = Side::new(self.parts.settings.dispatch_workers);
        while !self.stop.is_cancelled() {
            let heard = self.wake.dispatches.notified();
            let room = side.room();
            let beside = self.hands.taken(side.running.len());
            let room = room.saturating_sub(beside).min(BATCH);
            gauge!("kefu_dispatches_in_flight").set((side.running.len() + beside) as f64);
            if room == 0 {
                tokio::select! {
                    () = side.one_done() => {}
                    () = self.wait_for(heard, self.parts.settings.poll) => {}
                }
                continue;
            }
            let (full, began) = (side.full(), Instant::now());
            let lease = self.parts.settings.lease;
            let store = &self.parts.store;
            match store
                .due(DueKind::Dispatch, &self.worker, room, lease, &full)
                .await
            {
                Ok(due) if due.is_empty() => {
                    self.until_due(DueKind::Dispatch, heard, &full, &mut side)
                        .await;
                }
                Ok(due) => {
                    for Due { id, what } in due {
                        if let DueWhat::Dispatch(dispatch) = what
                            && let Some(hold) = self.hold(id, began)
                        {
                            let (engine, inbox) = (self.clone(), dispatch.inbox.clone());
                            let work = async move { engine.deliver(hold, *dispatch).await };
                            side.start(inbox.as_str(), work);
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot take dispatches");
                    self.store_is_back().await;
                }
            }
        }
        side.finish().await;
    }

    /// Waits for the bell, or until the next of that kind is due, or until a group that was full may have room.
    pub(super) async fn until_due(
        &self,
        kind: DueKind,
        heard: impl Future<Output = ()>,
        full: &[String],
        side: &mut Side,
    ) {
        let poll = self.parts.settings.poll;
        let now = self.parts.clock.now();
        let wait = match self.parts.store.next_due(kind, full).await {
            Ok(Some(next)) => next.since(now).min(poll),
            _ => poll,
        };
        if full.is_empty() {
            return self.wait_for(heard, wait).await;
        }
        tokio::select! {
            () = self.wait_for(heard, wait) => {}
            () = side.one_done() => {}
        }
    }

    pub(super) async fn deliver(&self, hold: Hold, dispatch: Dispatch) {
        let started = self.parts.clock.now();
        let result = match hold.is_sure() {
            true => self.send(&dispatch).await,
            false => Err(too_late()),
        };
        histogram!("kefu_send_seconds", "inbox" => dispatch.inbox.to_string())
            .record(self.parts.clock.now().since(started));
        let settlement = match result {
            Ok(receipt) => {
                self.tell_of_the_end(&dispatch).await;
                counter!("kefu_sent_total", "inbox" => dispatch.inbox.to_string()).increment(1);
                tracing::debug!(trace = dispatch.trace.0, dispatch = dispatch.id.0, inbox = %dispatch.inbox, "sent");
                Settlement::Done {
                    external_id: receipt.external_id.filter(|id| is_kept(id)),
                    lost: receipt.lost,
                }
            }
            Err(error) => {
                if waits_for_operator(&dispatch, &error) {
                    self.tell_of_the_wait(&dispatch, &error, started).await;
                }
                self.failed(&dispatch, &error, started)
            }
        };
        let moved_on = !matches!(settlement, Settlement::Retry { .. });
        let told = matches!(
            &settlement,
            Settlement::Held { cue: Some(_), .. } | Settlement::Dead { cue: Some(_), .. }
        );
        let others = self.settle_and_tell(&hold, settlement).await;
        if moved_on && others {
            self.notify(Notice::Dispatches);
        }
        if told {
            self.notify(Notice::Arrivals);
        }
    }

    /// Settles, however long the store is away: what was sent must not be sent again for want of a note.
    pub(super) async fn settle(&self, hold: &Hold, settlement: Settlement) {
        self.settle_and_tell(hold, settlement).await;
    }

    /// The same. Whether others may be due now that waited behind it.
    async fn settle_and_tell(&self, hold: &Hold, settlement: Settlement) -> bool {
        let id = hold.settling();
        loop {
            let settled = self.parts.store.settle_and_tell(&id, settlement.clone());
            match settled.await {
                Ok(others) => return others,
                Err(StoreError::Unavailable(reason)) if !self.stop.is_cancelled() => {
                    tracing::warn!(reason, "cannot settle; trying again");
                    self.wait_for(std::future::pending(), Duration::from_millis(500))
                        .await;
                }
                Err(error) => {
                    tracing::warn!(%error, id = id.id, "not settled");
                    return true;
                }
            }
        }
    }

    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError> {
        if let Some(rated) = rating(dispatch) {
            return self.tell_bot(rated).await;
        }
        let Some(channel) = self.parts.channels.get(&dispatch.inbox) else {
            // Another node may know it, or this one again tomorrow: a mistake in the configuration loses nothing.
            let detail = format!("inbox {} is not configured here", dispatch.inbox);
            let again = Remedy::Retry { after: UNKNOWN };
            return Err(ChannelError::new(
                ChannelErrorKind::Configuration,
                again,
                detail,
            ));
        };
        if let Some(passed) = self.pass_on(dispatch, &**channel).await {
            return passed;
        }
        let named = match self.named(dispatch).await {
            Ok(Some(named)) => named,
            // It was never shown, or that is forgotten.
            Ok(None) => return Ok(Receipt::default()),
            Err(error) => {
                let remedy = Remedy::retry_secs(1);
                return Err(ChannelError::network(remedy, error.to_string()));
            }
        };
        let limit = self.parts.settings.send_timeout;
        // Whatever became of it, it may have been sent.
        let mishap = |mishap: Mishap| ChannelError::network(Remedy::Unknown, mishap.to_string());
        let span = tracing::info_span!("send", trace = dispatch.trace.0, dispatch = dispatch.id.0);
        contained(channel.send(&named).instrument(span), limit)
            .await
            .unwrap_or_else(|error| Err(mishap(error)))
    }

    /// The dispatch as it is to be sent: a word about a card names it as the platform does. By now the card has been sent,
    /// for what goes to one recipient goes in order. `None`: there is no such card.
    async fn named<'d>(
        &self,
        dispatch: &'d Dispatch,
    ) -> Result<Option<Cow<'d, Dispatch>>, StoreError> {
        let Content::Event(Event::CardOver {
            shown_by, words, ..
        }) = &dispatch.content
        else {
            return Ok(Some(Cow::Borrowed(dispatch)));
        };
        let card = self.card(*shown_by, &dispatch.to).await?;
        Ok(card.map(|card| {
            let (shown_by, words) = (*shown_by, words.clone());
            let event = Event::CardOver {
                shown_by,
                card,
                words,
            };
            Cow::Owned(Dispatch {
                content: Content::Event(event),
                ..dispatch.clone()
            })
        }))
    }

    /// What the platform calls the card that a turn showed somebody.
    async fn card(&self, shown_by: ArrivalId, to: &PeerId) -> Result<Option<String>, StoreError> {
        let trace = self.parts.store.trace(shown_by).await?;
        let sent = trace.into_iter().flat_map(|trace| trace.dispatches);
        let mut cards =
            sent.filter(|one| one.to == *to && matches!(one.content, Content::Menu { .. }));
        Ok(cards.find_map(|card| card.external_id))
    }

    /// A bot hears how it was rated.
    async fn tell_bot(&self, rated: &Rated) -> Result<Receipt, ChannelError> {
        let refused = |remedy, detail| ChannelError::new(ChannelErrorKind::Refused, remedy, detail);
        let Some(known) = self.parts.catalogue.get(&rated.bot).cloned() else {
            let detail = format!("bot {} is not configured any more", rated.bot);
            return Err(refused(Remedy::Never, detail));
        };
        let limit = self.parts.settings.send_timeout;
        match contained(known.bot.rated(rated), limit).await {
            Ok(Ok(())) => Ok(Receipt::default()),
            Ok(Err(error)) => Err(refused(error.remedy, error.detail)),
            Err(mishap) => Err(refused(Remedy::retry_secs(1), mishap.to_string())),
        }
    }

    fn failed(&self, dispatch: &Dispatch, error: &ChannelError, started: Timestamp) -> Settlement {
        let code = error
            .code
            .map_or_else(|| error.kind.to_string(), |code| code.to_string());
        counter!("kefu_send_errors_total", "inbox" => dispatch.inbox.to_string(), "code" => code)
            .increment(1);
        tracing::warn!(trace = dispatch.trace.0, dispatch = dispatch.id.0, inbox = %dispatch.inbox,
            attempt = dispatch.attempt, remedy = ?error.remedy, %error, "not sent");
        let settings = &self.parts.settings;
        let reason = reason(&error.detail);
        // What only waited its turn loses no try for it.
        let tried = error.kind != ChannelErrorKind::Busy;
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
        let patient = waits_for_operator(dispatch, error) || rating(dispatch).is_some();
        let tries = match patient {
            true => TRIES_UNTIL_MENDED.max(settings.dispatch_attempts),
            false => settings.dispatch_attempts,
        };
        let exhausted = tried && dispatch.attempt >= tries;
        let on_unknown = settings
            .on_unknown
            .get(&dispatch.inbox)
            .copied()
            .unwrap_or_default();
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
            Remedy::Unknown
                if !exhausted && on_unknown == OnUnknown::Resend && !is_nudge(dispatch) =>
            {
                again(Duration::ZERO)
            }
            _ => Settlement::Dead {
                cue: told(Fate::Dead),
                reason,
            },
        }
    }

    /// Whoever waits for the answer is told at once, not after the last try. The cue is the same at every try, and a
    /// store takes it once.
    async fn tell_of_the_wait(
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
    async fn tell_of_the_end(&self, dispatch: &Dispatch) {
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

/// This node stalled before it began: another may be sending it by now. If not, it goes out as if it had only waited its turn.
fn too_late() -> ChannelError {
    let again = Remedy::Retry {
        after: Duration::ZERO,
    };
    let detail = "its lease was over before it was begun";
    ChannelError::new(ChannelErrorKind::Busy, again, detail.to_owned())
}

/// The longest id of a receipt that is kept, and the longest reason of a failure: both are the platform's words.
const ID: usize = 512;
const REASON: usize = 1000;

fn is_kept(id: &str) -> bool {
    id.len() <= ID && !id.contains('\0')
}

/// Why it was not sent, as it is kept.
fn reason(detail: &str) -> String {
    let plain = detail.chars().map(|c| if c == '\0' { ' ' } else { c });
    plain.take(REASON).collect()
}

/// The "recipient" of what a bot is told: no account of any platform has a space in it.
pub(super) fn to_bot(bot: &BotName) -> PeerId {
    PeerId::new(format!("bot {bot}"))
}

/// The rating it tells a bot, if that is what it is.
fn rating(dispatch: &Dispatch) -> Option<&Rated> {
    match &dispatch.content {
        Content::Event(Event::Rated(rated)) => Some(rated),
        _ => None,
    }
}

/// Whether it tells the platform who has the conversation.
fn is_word_to_platform(dispatch: &Dispatch) -> bool {
    matches!(dispatch.content, Content::Event(_))
}

fn is_nudge(dispatch: &Dispatch) -> bool {
    matches!(dispatch.content, Content::Nudge { .. })
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
fn waits_for_operator(dispatch: &Dispatch, error: &ChannelError) -> bool {
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
