//! Turns: a worker claims one conversation, walks its waiting arrivals through the chain in order, and commits what
//! they came to, all or nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, histogram};
use tracing::Instrument as _;

use super::{
    Engine,
    clerk::Clerk,
    context::{Words, is_over},
};
use crate::{
    bot::Effect,
    broker::Notice,
    chain::{Case, ChainError, Outcome},
    conversation::{Conversation, Phase},
    message::{AgentName, Author, Content, ConversationId, What},
    store::{Accepted, Changes, Claim, Committed, StoreError, Verdict},
    texts::Text,
};

/// How often a claim is worked through again because an agent's seat was taken meanwhile.
const SEAT_TRIES: u32 = 4;

/// The part of a lease after which no further arrival of the claim is begun.
const ENOUGH: u32 = 4;

/// Whose a conversation was before a turn and is after it.
struct Hands {
    from: Option<AgentName>,
    to: Option<AgentName>,
    /// It comes into the queue, or out of it.
    queue: bool,
}

impl Hands {
    /// `None` where nothing has moved.
    fn of(before: &Conversation, after: &Conversation) -> Option<Self> {
        let waits = |one: &Conversation| matches!(one.phase, Phase::Queued(_));
        (before.episode != after.episode).then(|| Self {
            from: before.agent().cloned(),
            to: after.agent().cloned(),
            queue: waits(before) || waits(after),
        })
    }
}

impl Engine {
    pub(super) async fn take_turns(self: Arc<Self>, number: usize) {
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = self.pressure.stand_back(number) => {}
                () = self.stop.cancelled() => return,
            }
            let hand = tokio::select! {
                hand = self.hands.turn() => hand,
                () = self.stop.cancelled() => return,
            };
            let heard = self.wake.arrivals.notified();
            match self
                .parts
                .store
                .claim(&self.worker, self.parts.settings.lease)
                .await
            {
                Ok(Some(claim)) => self.work(claim).await,
                Ok(None) => {
                    drop(hand);
                    self.wait_for(heard, self.parts.settings.poll).await;
                }
                Err(error) => {
                    drop(hand);
                    tracing::error!(%error, "cannot claim");
                    self.wait_for(std::future::pending(), Duration::from_secs(1))
                        .await;
                }
            }
        }
    }

    /// Waits for a bell, for the poll interval, or for the end.
    pub(super) async fn wait_for(&self, heard: impl Future<Output = ()>, poll: Duration) {
        tokio::select! {
            () = heard => {}
            () = self.parts.clock.sleep(poll) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Works a claim through. Whatever fails, the claim ends: committed, abandoned, or left to its lease.
    pub(super) async fn work(&self, claim: Claim) {
        let _turn = self.desk.turn(claim.conversation.id);
        self.attempt(claim).await;
    }

    async fn attempt(&self, claim: Claim) {
        let trace = claim.arrivals.first().map_or(0, |first| first.id.0);
        for _ in 0..SEAT_TRIES {
            let started = self.parts.clock.now();
            let (mut changes, took) = match self.turn(&claim).await {
                Ok(turned) => turned,
                Err(error) => {
                    tracing::error!(trace, %error, "the turn failed");
                    return self.give_back(claim, Some(&error)).await;
                }
            };
            let others: Vec<_> = changes.tie.iter().flat_map(|tied| &tied.notes).collect();
            let others: Vec<_> = others.iter().map(|noted| noted.conversation).collect();
            let words = Words::of(&mut changes);
            let over = is_over(&changes.conversation);
            let hands = Hands::of(&claim.conversation, &changes.conversation);
            let deadline = changes.deadlines.iter().filter_map(|(_, at)| *at).min();
            let released = changes.release > 0;
            let asks = !changes.asks.is_empty();
            match self.commit(claim.clone(), changes).await {
                Ok((committed, sending)) => {
                    histogram!("kefu_turn_seconds", "inbox" => claim.conversation.thread.inbox.to_string()).record(self.parts.clock.now().since(started));
                    if let Some(ring) = &self.ring {
                        ring.committed(claim.conversation.id, words.as_ref(), over);
                    }
                    for other in others {
                        self.announce(Notice::Changed(other));
                    }
                    let waiting = released || !(sending || committed.dispatches.is_empty());
                    if asks {
                        // Not before: who looks then sees nothing yet, and looks again when the poll is due.
                        self.wake.errands.notify_one();
                    }
                    if let Some(hands) = hands {
                        self.changed_hands(claim.conversation.id, hands);
                    }
                    if deadline.is_some_and(|at| self.wake.is_early(at)) {
                        self.notify(Notice::Deadlines);
                    }
                    return self.after(&claim, &committed, waiting);
                }
                Err(StoreError::SeatTaken(agent)) => {
                    tracing::info!(trace, %agent, "the seat was taken meanwhile; looking again");
                    self.desk.stale();
                }
                Err(StoreError::Moved) => {
                    tracing::info!(trace, "who is whom has changed meanwhile; looking again");
                }
                // What bots and guards did was too long for the lease: that counts. What the store took is not theirs.
                Err(StoreError::Lost) if took >= self.parts.settings.lease => {
                    counter!("kefu_turn_errors_total").increment(1);
                    tracing::warn!(trace, ?took, "the turn took longer than its lease");
                    return;
                }
                Err(error) => {
                    counter!("kefu_turn_errors_total").increment(1);
                    tracing::warn!(trace, %error, "the turn was not committed");
                    return self.give_back(claim, Some(&error)).await;
                }
            }
        }
        self.give_back(claim, None).await;
    }

    /// Commits, and goes on to send what comes of it where there is room. Whether that is so.
    async fn commit(
        &self,
        claim: Claim,
        changes: Changes,
    ) -> Result<(Committed, bool), StoreError> {
        let store = &self.parts.store;
        let sends = changes.dispatches.iter().filter(|new| !new.held).count();
        let Some(places) = self.places(sends) else {
            return Ok((store.commit(claim, changes).await?, false));
        };
        let (began, lease) = (Instant::now(), self.parts.settings.lease);
        let (committed, taken) = store
            .commit_and_take(claim, changes, &self.worker, lease)
            .await?;
        let sending = !taken.is_empty();
        self.send_at_once(taken, began, places);
        Ok((committed, sending))
    }

    /// Hands a claim back after an error that is not the message's own; what cannot be read may be its own, so that one's
    /// lease ends without a word, which counts.
    async fn give_back(&self, claim: Claim, error: Option<&StoreError>) {
        if matches!(error, Some(StoreError::Damaged(_))) {
            return;
        }
        // However long the store is away: a lease that ends without a word blames the arrivals, and a store that hangs, or
        // a node that has more in hand than it can do, would have them given up one after the other.
        while let Err(error) = self.parts.store.abandon(claim.clone()).await {
            tracing::debug!(%error, "could not hand the claim back");
            if !matches!(error, StoreError::Unavailable(_)) || self.stop.is_cancelled() {
                break;
            }
            self.wait_for(std::future::pending(), Duration::from_millis(500))
                .await;
        }
        // Not at once: what failed now fails again at once.
        self.wait_for(std::future::pending(), Duration::from_millis(200))
            .await;
        self.notify(Notice::Arrivals);
    }

    /// Wakes whoever has something to do now.
    fn after(&self, claim: &Claim, committed: &Committed, waiting: bool) {
        let last = claim.arrivals.last().map_or(0, |last| last.id.0);
        tracing::debug!(
            trace = last,
            dispatches = committed.dispatches.len(),
            "turned"
        );
        counter!("kefu_turns_total", "inbox" => claim.conversation.thread.inbox.to_string())
            .increment(claim.arrivals.len() as u64);
        if committed.more {
            self.notify(Notice::Arrivals);
        }
        if waiting {
            self.notify(Notice::Dispatches);
        }
        for errand in &committed.cancelled {
            self.cancel_errand(*errand);
            self.parts.broker.publish(Notice::Cancelled(*errand));
        }
        self.announce(Notice::Changed(claim.conversation.id));
    }

    /// A seat was given or is free, or the queue has moved.
    fn changed_hands(&self, id: ConversationId, hands: Hands) {
        let (from, to) = (hands.from.as_ref(), hands.to.as_ref());
        let changed = from != to;
        if changed {
            self.desk.shifted(id, from, to);
        }
        if hands.queue {
            self.desk.stale();
        }
        if hands.queue || (changed && from.is_some()) {
            self.notify(Notice::Desk);
        } else if changed {
            self.parts.broker.publish(Notice::Seats);
        }
    }

    /// What the waiting arrivals of a claim come to, and how long bots and guards were at it.
    async fn turn(&self, claim: &Claim) -> Result<(Changes, Duration), StoreError> {
        let mut clerk = Clerk::new(self, claim);
        let (began, mut took) = (Instant::now(), Duration::ZERO);
        for accepted in &claim.arrivals {
            clerk.desk = self.desk.current(&self.parts).await?;
            clerk.take(accepted);
            clerk.replace_gone().await?;
            clerk.follow_desk().await?;
            if accepted.failures >= self.parts.settings.arrival_failures {
                clerk.bury(accepted).await?;
                continue;
            }
            clerk.receive();
            if let Some(verdict) = clerk.not_silent() {
                clerk.done(accepted.id, verdict);
                continue;
            }
            clerk.recognise().await?;
            let walking = Instant::now();
            let outcome = self.walk(&clerk, accepted).await;
            took += walking.elapsed();
            let verdict = Verdict::Turned {
                by: outcome.by.clone(),
                note: outcome.note.clone(),
            };
            for effect in outcome.effects {
                clerk.apply(effect, outcome.by.as_ref()).await?;
            }
            clerk.done(accepted.id, verdict);
            if clerk.ties() {
                // What follows is decided by who is whom now: it stays waiting.
                break;
            }
            if began.elapsed() > self.parts.settings.lease / ENOUGH {
                // Slow bots and guards: what is done is kept before the lease is over, the rest stays waiting.
                break;
            }
        }
        Ok((clerk.finish(), took))
    }

    async fn walk(&self, clerk: &Clerk<'_>, accepted: &Accepted) -> Outcome {
        // Whatever anybody logs of it, a stranger's guard or bot too, names the message.
        let span = tracing::info_span!("turn", trace = accepted.id.0);
        let case = Case {
            id: accepted.id,
            arrival: accepted.arrival.clone(),
            conversation: clerk.conversation().clone(),
            contact: clerk.contact().clone(),
            desk: clerk.desk.clone(),
            now: self.parts.clock.now(),
        };
        match self.chain.walk(case).instrument(span).await {
            Ok(outcome) => outcome,
            Err(error) => {
                counter!("kefu_chain_errors_total").increment(1);
                tracing::warn!(trace = accepted.id.0, %error, "the chain could not go on");
                self.instead(clerk, accepted, &error)
            }
        }
    }

    /// What happens when a bot or a guard failed: the message still reaches a person.
    fn instead(&self, clerk: &Clerk<'_>, accepted: &Accepted, error: &ChainError) -> Outcome {
        let texts = &self.parts.texts;
        let note = Effect::note(error.to_string());
        let effects = match (&accepted.arrival.author, &clerk.conversation().phase) {
            (Author::Agent(_), _) => vec![Effect::reply(texts.say(Text::BotFailed, &[])), note],
            (Author::Contact, Phase::Assisted | Phase::Resolved { .. }) => {
                let sorry =
                    Effect::TellContact(Content::text(texts.say(Text::AssistantFailed, &[])));
                let mut effects = vec![
                    sorry,
                    Effect::Route {
                        skill: None,
                        note: Some(error.to_string()),
                    },
                ];
                if matches!(clerk.conversation().phase, Phase::Resolved { .. }) {
                    effects.insert(0, Effect::Reopen);
                }
                effects
            }
            (Author::Contact, Phase::Assigned { .. }) => match &accepted.arrival.what {
                What::Content(content) => vec![Effect::Relay(content.clone()), note],
                What::Cue(_) => vec![note],
            },
            _ => vec![note],
        };
        Outcome {
            effects,
            by: None,
            note: Some(error.to_string()),
        }
    }
}
