//! One visitor's socket. It opens with who they are, then shows the transcript from where they left off, and what they
//! say is acknowledged once it is durable. Who is too slow, too loud or silent for too long is shown out; their page
//! comes back.

use std::{pin::pin, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use bridge_core::{
    chain::Addressed,
    channel::{ChannelErrorKind, Delivery, Heard, News, Refusal, Verb, Visit},
    conversation::{Conversation, Phase},
    engine::IngressError,
    message::{AgentName, ConversationId, EntryId, ThreadKey},
    store::{Entry, Part, StoreError},
};
use bytes::Bytes;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{
    House,
    house::Site,
    nothing, origin,
    rooms::Place,
    seats::{Row, Seat},
};

/// Whoever connects says who they are within this.
const HELLO: Duration = Duration::from_secs(10);
/// A frame that is not taken within this is a reader that is gone or too slow.
const SLOW: Duration = Duration::from_secs(15);
/// Between two pings of ours.
const PING: Duration = Duration::from_secs(25);
/// Nothing heard for so long, not even a pong: nobody is there.
const SILENCE: Duration = Duration::from_secs(70);
/// Between two looks without a bell: a lost notice costs no more than this.
const LOOK: Duration = Duration::from_secs(20);
/// Lines a page begins with, and gets more of at a time.
const SCREEN: usize = 30;
/// Lines in one frame.
const BATCH: usize = 50;
/// What cannot be made durable now may be so after this.
const AGAIN: Duration = Duration::from_secs(2);

/// Why a visit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// They left.
    Left,
    /// They did not read.
    Slow,
    /// Nothing was said for long.
    Idle,
    /// Their token is not ours, or its time is over.
    Token,
    /// They sent what no page of ours sends.
    Noise,
    /// They sent too much at once.
    TooLarge,
    /// There are too many of them.
    Full,
    /// We are going down.
    Away,
}

impl Over {
    /// What the page is told (RFC 6455, section 7.4; from 4000 on they are our own).
    fn code(self) -> CloseCode {
        match self {
            Self::Left | Self::Slow => CloseCode::Normal,
            Self::Idle => CloseCode::Other(4000),
            Self::Token => CloseCode::Other(4401),
            Self::Noise => CloseCode::Policy,
            Self::TooLarge => CloseCode::Size,
            Self::Full => CloseCode::Other(4429),
            Self::Away => CloseCode::Away,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Slow => "slow",
            Self::Idle => "idle",
            Self::Token => "token",
            Self::Noise => "noise",
            Self::TooLarge => "too_large",
            Self::Full => "full",
            Self::Away => "away",
        }
    }
}

pub(super) async fn open(
    request: HttpRequest,
    body: web::Payload,
    inbox: web::Path<String>,
    house: web::Data<House>,
) -> actix_web::Result<HttpResponse> {
    let Some(site) = house.site(&inbox) else {
        return Ok(nothing());
    };
    if !origin::is_admitted(&request, site.live(), &house.app.settings.server.public_url) {
        return Ok(HttpResponse::new(StatusCode::FORBIDDEN));
    }
    let bounds = site.live().bounds();
    let place = origin::place(&request, bounds.address_header.as_deref());
    let rows = [
        (Row::Inbox(site.inbox.clone()), bounds.sockets),
        (
            Row::Place(site.inbox.clone(), place.clone()),
            bounds.sockets_per_address,
        ),
    ];
    let mut seats = Vec::with_capacity(3);
    for (row, most) in rows {
        match house.seats.take(row, most) {
            Some(seat) => seats.push(seat),
            None => return Ok(HttpResponse::new(StatusCode::SERVICE_UNAVAILABLE)),
        }
    }
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let stream = stream
        .max_frame_size(bounds.frame_bytes)
        .aggregate_continuations()
        .max_continuation_size(bounds.frame_bytes);
    let door = Door {
        house: house.into_inner(),
        site,
        place,
        seats,
        line: Wire(session),
    };
    actix_web::rt::spawn(door.answer(stream));
    Ok(response)
}

/// The way out.
struct Wire(Session);

impl Wire {
    async fn tell(&mut self, site: &Site, news: &News<'_>) -> Result<(), Over> {
        self.within(site.live().tell(news)).await
    }

    async fn within(&mut self, frame: String) -> Result<(), Over> {
        match timeout(SLOW, self.0.text(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over::Left),
            Err(_) => Err(Over::Slow),
        }
    }

    async fn ping(&mut self) -> Result<(), Over> {
        match timeout(SLOW, self.0.ping(b"")).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over::Left),
            Err(_) => Err(Over::Slow),
        }
    }
}

/// What came in.
enum Came {
    /// A frame of words.
    Words(String),
    /// A ping or a pong: somebody is there.
    Life,
}

/// The next frame.
async fn next(stream: &mut AggregatedMessageStream) -> Result<Came, Over> {
    match stream.recv().await {
        Some(Ok(AggregatedMessage::Text(words))) => Ok(Came::Words(words.to_string())),
        Some(Ok(AggregatedMessage::Ping(_) | AggregatedMessage::Pong(_))) => Ok(Came::Life),
        Some(Ok(AggregatedMessage::Binary(_))) => Err(Over::Noise),
        Some(Ok(AggregatedMessage::Close(_))) | None => Err(Over::Left),
        Some(Err(actix_ws::ProtocolError::Overflow)) => Err(Over::TooLarge),
        // Too many continuations come as an I/O error, a socket that broke does not come at all.
        Some(Err(actix_ws::ProtocolError::Io(_))) => Err(Over::TooLarge),
        Some(Err(_)) => Err(Over::Noise),
    }
}

/// Somebody at the door: who it is, is not known yet.
struct Door {
    house: std::sync::Arc<House>,
    site: Site,
    place: String,
    seats: Vec<Seat>,
    line: Wire,
}

impl Door {
    async fn answer(mut self, mut stream: AggregatedMessageStream) {
        let open = metrics::gauge!("kefu_live_sockets", "inbox" => self.site.inbox.to_string());
        open.increment(1);
        let session = self.line.0.clone();
        let over = match self.greet(&mut stream).await {
            Ok(visit) => Stay::new(self, visit).until_over(&mut stream).await,
            Err(over) => over,
        };
        open.decrement(1);
        metrics::counter!("kefu_live_closed_total", "why" => over.name()).increment(1);
        tracing::debug!(why = over.name(), "a visitor's socket is closed");
        let reason = CloseReason {
            code: over.code(),
            description: None,
        };
        // Who does not read does not read this either.
        let _ = timeout(Duration::from_secs(1), session.close(Some(reason))).await;
    }

    async fn greet(&mut self, stream: &mut AggregatedMessageStream) -> Result<Visit, Over> {
        let first = async {
            loop {
                if let Came::Words(words) = next(stream).await? {
                    return Ok(words);
                }
            }
        };
        let first = timeout(HELLO, first).await.map_err(|_| Over::Idle)??;
        let (live, parts) = (self.site.live(), self.house.app.engine.parts());
        let visit = live
            .greet(&first, parts.clock.now())
            .map_err(|error| match error.kind {
                ChannelErrorKind::Forged => Over::Token,
                _ => Over::Noise,
            })?;
        let bounds = live.bounds();
        if visit.is_new {
            let who = format!("{}/{}", self.site.inbox, self.place);
            let few = bounds.new_visitors_per_minute;
            if self.house.too_fast("new", &who, few).await.is_some() {
                return Err(Over::Full);
            }
        }
        let row = Row::Visitor(ThreadKey {
            inbox: self.site.inbox.clone(),
            peer: visit.peer.clone(),
        });
        let seat = self.house.seats.take(row, bounds.sockets_per_visitor);
        self.seats.push(seat.ok_or(Over::Full)?);
        Ok(visit)
    }
}

/// A visit.
struct Stay {
    house: std::sync::Arc<House>,
    site: Site,
    line: Wire,
    visit: Visit,
    thread: ThreadKey,
    place: Place,
    conversation: Option<ConversationId>,
    /// The last line that was looked at.
    seen: EntryId,
    told: Option<State>,
    spoken_at: Instant,
    _seats: Vec<Seat>,
}

/// Who answers, as far as the page shows it.
#[derive(PartialEq, Eq)]
struct State {
    phase: std::mem::Discriminant<Phase>,
    agent: Option<AgentName>,
    position: Option<u32>,
}

impl Stay {
    fn new(door: Door, visit: Visit) -> Self {
        let thread = ThreadKey {
            inbox: door.site.inbox.clone(),
            peer: visit.peer.clone(),
        };
        Self {
            place: door.house.rooms.enter(thread.clone()),
            house: door.house,
            site: door.site,
            line: door.line,
            visit,
            thread,
            conversation: None,
            seen: EntryId(0),
            told: None,
            spoken_at: Instant::now(),
            _seats: door.seats,
        }
    }

    async fn until_over(mut self, stream: &mut AggregatedMessageStream) -> Over {
        match self.stay(stream).await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }

    async fn stay(
        &mut self,
        stream: &mut AggregatedMessageStream,
    ) -> Result<std::convert::Infallible, Over> {
        self.welcome().await?;
        let bell = self.place.bell();
        let (mut pings, mut looks) = (interval(PING), interval(LOOK));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let closing = self.house.closing.clone();
        let mut closing = pin!(closing.cancelled());
        loop {
            let idle = self.spoken_at + self.site.live().bounds().idle;
            tokio::select! {
                came = next(stream) => {
                    heard_at = Instant::now();
                    if let Came::Words(words) = came? {
                        self.hear(&words).await?;
                    }
                }
                rung = bell.heard() => {
                    if rung.changed {
                        self.look().await?;
                    } else if rung.typing {
                        self.line.tell(&self.site, &News::Typing).await?;
                    }
                }
                _ = looks.tick() => {
                    if self.house.app.engine.parts().clock.now() >= self.visit.until {
                        return Err(Over::Token);
                    }
                    self.look().await?;
                }
                _ = pings.tick() => {
                    if heard_at.elapsed() > SILENCE {
                        return Err(Over::Left);
                    }
                    self.line.ping().await?;
                }
                () = tokio::time::sleep_until(idle) => return Err(Over::Idle),
                () = &mut closing => return Err(Over::Away),
            }
        }
    }

    /// Who they are, and what there is: all they missed, or else the last screen.
    async fn welcome(&mut self) -> Result<(), Over> {
        let now = self.house.app.engine.parts().clock.now();
        let welcome = News::Welcome {
            visit: &self.visit,
            now,
        };
        self.line.tell(&self.site, &welcome).await?;
        match self.visit.seen {
            Some(seen) => self.seen = seen,
            None => self.screen(Part::Last).await?,
        }
        Ok(())
    }

    async fn hear(&mut self, frame: &str) -> Result<(), Over> {
        let now = self.house.app.engine.parts().clock.now();
        match self.site.live().hear(&self.visit, frame, now) {
            Heard::Said { id, delivery } => {
                self.spoken_at = Instant::now();
                self.said(&id, delivery).await
            }
            Heard::Earlier(before) => self.screen(Part::Before(before)).await,
            Heard::Ping => self.line.tell(&self.site, &News::Pong).await,
            Heard::Refused { id, why } => self.refuse(&id, why).await,
            Heard::Noise => Err(Over::Noise),
        }
    }

    /// Walks the way of every callback; the page hears of it when it is durable.
    async fn said(&mut self, id: &str, delivery: Bytes) -> Result<(), Over> {
        let few = self.site.live().bounds().messages_per_minute;
        let who = self.thread.to_string();
        if let Some(after) = self.house.too_fast("say", &who, few).await {
            return self.refuse(id, Refusal::TooFast { after }).await;
        }
        let engine = &self.house.app.engine;
        let addressed = Addressed {
            inbox: self.site.inbox.clone(),
            delivery: Delivery {
                verb: Verb::Post,
                query: String::new(),
                body: delivery,
                received_at: engine.parts().clock.now(),
            },
        };
        match engine.take(addressed).await {
            Ok((_, ids)) => {
                let trace = ids.last().copied().flatten();
                self.line
                    .tell(&self.site, &News::Taken { id, trace })
                    .await?;
                if self.conversation.is_none() {
                    self.house.rooms.begun(&self.thread);
                }
                Ok(())
            }
            Err(IngressError::Refused(error)) => {
                tracing::warn!(%error, inbox = %self.site.inbox, "a visitor's message was not taken");
                self.refuse(id, Refusal::Malformed).await
            }
            Err(error) => {
                tracing::warn!(%error, inbox = %self.site.inbox, "a visitor's message cannot be taken now");
                self.refuse(id, Refusal::Busy { after: AGAIN }).await
            }
        }
    }

    async fn refuse(&mut self, id: &str, why: Refusal) -> Result<(), Over> {
        self.line.tell(&self.site, &News::Refused { id, why }).await
    }

    /// The last lines, or the last before one.
    async fn screen(&mut self, part: Part) -> Result<(), Over> {
        let entries = self.read(part, SCREEN).await.unwrap_or_default();
        let more = entries.len() == SCREEN;
        if let (Part::Last, Some(last)) = (part, entries.last()) {
            self.seen = last.id;
        }
        let parts = self.house.app.engine.parts();
        let lines = self.house.shelf.lines(parts, entries).await;
        let earlier = News::Earlier {
            lines: &lines,
            more,
        };
        self.line.tell(&self.site, &earlier).await
    }

    /// Shows what there is beyond what they have seen, and who answers now.
    async fn look(&mut self) -> Result<(), Over> {
        while let Some(entries) = self.read(Part::After(self.seen), BATCH).await {
            let Some(last) = entries.last() else { break };
            self.seen = last.id;
            self.spoken_at = Instant::now();
            let is_all = entries.len() < BATCH;
            let parts = self.house.app.engine.parts();
            let lines = self.house.shelf.lines(parts, entries).await;
            if !lines.is_empty() {
                self.line.tell(&self.site, &News::Lines(&lines)).await?;
            }
            if is_all {
                break;
            }
        }
        self.tell_state().await
    }

    /// A part of their transcript; `None`: there is none yet, or it cannot be read now and is looked at again.
    async fn read(&mut self, part: Part, limit: usize) -> Option<Vec<Entry>> {
        let read = async {
            let store = &self.house.app.store;
            if self.conversation.is_none() {
                self.conversation = store.find(&self.thread).await?;
                if let Some(id) = self.conversation {
                    self.place.follow(id);
                }
            }
            match self.conversation {
                Some(id) => store.lines(id, part, limit).await.map(Some),
                None => Ok(None),
            }
        };
        read.await.unwrap_or_else(|error: StoreError| {
            tracing::debug!(%error, "a visitor's transcript cannot be read now");
            None
        })
    }

    async fn tell_state(&mut self) -> Result<(), Over> {
        let Some(id) = self.conversation else {
            return Ok(());
        };
        let Ok(Some((conversation, _))) = self.house.app.store.conversation(id).await else {
            return Ok(());
        };
        let state = State::of(&conversation);
        if self.told.as_ref() == Some(&state) {
            return Ok(());
        }
        let agents = &self.house.app.engine.parts().agents;
        let agent = conversation.agent().map(|name| {
            agents
                .get(name)
                .map_or(name.as_str(), |agent| agent.display_name.as_str())
        });
        let news = News::State {
            phase: &conversation.phase,
            agent,
            position: state.position,
        };
        self.line.tell(&self.site, &news).await?;
        self.told = Some(state);
        Ok(())
    }
}

impl State {
    fn of(conversation: &Conversation) -> Self {
        let position = match conversation.phase {
            Phase::Queued(_) => conversation.told_position.map(|told| told.position),
            _ => None,
        };
        Self {
            phase: std::mem::discriminant(&conversation.phase),
            agent: conversation.agent().cloned(),
            position,
        }
    }
}
