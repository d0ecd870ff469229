//! The way to one page and back. Frames go out no faster than they are read, so that whoever does not read costs little;
//! frames come in no faster than a page sends them.

use std::time::Duration;

use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session,
};
use tokio::time::{Instant, timeout};

/// A frame that is not taken, or not read, within this: nobody is there, or too slow a reader.
const SLOW: Duration = Duration::from_secs(20);
/// Bytes that may be on their way.
const WINDOW: usize = 128 * 1024;
/// Frames that a page may send within [`SPAN`].
const FRAMES: u32 = 300;
/// See [`FRAMES`].
const SPAN: Duration = Duration::from_secs(10);

/// Why a visit is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// They left.
    Left,
    /// They did not read.
    Slow,
    /// Nothing was said for long.
    Idle,
    /// Their token is not ours, or its time is over.
    Token,
    /// They sent what no page of ours sends, or too many of it.
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

    /// For metrics.
    pub(super) const fn name(self) -> &'static str {
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

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A frame of words.
    Words(String),
    /// A sign that somebody is there, and perhaps that they have read.
    Life,
}

/// The way to one page and back.
pub(super) struct Wire {
    session: Session,
    stream: AggregatedMessageStream,
    window: Window,
    meter: Meter,
}

impl Wire {
    pub(super) fn new(session: Session, stream: AggregatedMessageStream) -> Self {
        Self {
            session,
            stream,
            window: Window::default(),
            meter: Meter {
                since: Instant::now(),
                frames: 0,
            },
        }
    }

    /// Sends a frame. Now and then it is followed by a ping, whose answer says that all before it was read.
    pub(super) async fn tell(&mut self, frame: String) -> Result<(), Over> {
        let bytes = frame.len();
        taken(timeout(SLOW, self.session.text(frame)).await)?;
        match self.window.sent(bytes) {
            Some(mark) => {
                taken(timeout(SLOW, self.session.ping(&mark.to_be_bytes())).await)?;
                self.window.marked_at = Some(Instant::now());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether as much is on its way as may be: what is more waits until it is read.
    pub(super) fn is_full(&self) -> bool {
        self.window.ahead >= WINDOW
    }

    /// Until when what is on its way has to be read.
    pub(super) fn patience(&self) -> Option<Instant> {
        self.window.marked_at.map(|at| at + SLOW)
    }

    /// Whether anybody is there.
    pub(super) async fn ping(&mut self) -> Result<(), Over> {
        taken(timeout(SLOW, self.session.ping(b"")).await)
    }

    /// The next frame.
    pub(super) async fn next(&mut self) -> Result<Came, Over> {
        let came = self.stream.recv().await;
        self.meter.count(Instant::now())?;
        match came {
            Some(Ok(AggregatedMessage::Text(words))) => Ok(Came::Words(words.to_string())),
            Some(Ok(AggregatedMessage::Pong(mark))) => {
                self.window.read(&mark);
                Ok(Came::Life)
            }
            Some(Ok(AggregatedMessage::Ping(bytes))) => {
                taken(timeout(SLOW, self.session.pong(&bytes)).await)?;
                Ok(Came::Life)
            }
            Some(Ok(AggregatedMessage::Binary(_))) => Err(Over::Noise),
            Some(Ok(AggregatedMessage::Close(_))) | None => Err(Over::Left),
            // Too many continuations come as an I/O error; a socket that broke does not come at all.
            Some(Err(ProtocolError::Overflow | ProtocolError::Io(_))) => Err(Over::TooLarge),
            Some(Err(_)) => Err(Over::Noise),
        }
    }

    /// Says why it is over.
    pub(super) async fn close(self, over: Over) {
        let reason = CloseReason {
            code: over.code(),
            description: None,
        };
        // Who does not read does not read this either.
        let _ = timeout(Duration::from_secs(1), self.session.close(Some(reason))).await;
    }
}

fn taken(
    sent: Result<Result<(), actix_ws::Closed>, tokio::time::error::Elapsed>,
) -> Result<(), Over> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Over::Left),
        Err(_) => Err(Over::Slow),
    }
}

/// How much is on its way. One mark at a time goes along; when it is answered, all before it has been read.
#[derive(Debug, Default)]
struct Window {
    ahead: usize,
    marks: u64,
    marked: usize,
    marked_at: Option<Instant>,
}

impl Window {
    /// Counts what was sent; a mark to send after it where it is time for one.
    fn sent(&mut self, bytes: usize) -> Option<u64> {
        self.ahead += bytes;
        if self.marked > 0 || self.ahead < WINDOW / 2 {
            return None;
        }
        self.marks += 1;
        self.marked = self.ahead;
        Some(self.marks)
    }

    /// A mark came back.
    fn read(&mut self, mark: &[u8]) {
        if self.marked > 0 && mark == self.marks.to_be_bytes() {
            self.ahead -= self.marked;
            self.marked = 0;
            self.marked_at = None;
        }
    }
}

/// How many frames came in.
struct Meter {
    since: Instant,
    frames: u32,
}

impl Meter {
    fn count(&mut self, now: Instant) -> Result<(), Over> {
        if now.duration_since(self.since) > SPAN {
            (self.since, self.frames) = (now, 0);
        }
        self.frames += 1;
        match self.frames > FRAMES {
            true => Err(Over::Noise),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_fills_with_what_is_sent_and_empties_with_what_is_read() {
        let mut window = Window::default();
        assert_eq!(
            window.sent(WINDOW / 4),
            None,
            "too little to ask for a sign"
        );
        assert_eq!(window.sent(WINDOW / 4), Some(1));
        assert_eq!(window.sent(WINDOW), None, "one mark at a time");
        assert!(window.ahead >= WINDOW);
        window.read(&7_u64.to_be_bytes());
        window.read(b"");
        assert_eq!(
            window.ahead,
            WINDOW / 2 + WINDOW,
            "another's mark says nothing"
        );
        window.read(&1_u64.to_be_bytes());
        assert_eq!(
            window.ahead, WINDOW,
            "what came after the mark is still on its way"
        );
        window.read(&1_u64.to_be_bytes());
        assert_eq!(window.ahead, WINDOW, "a mark counts once");
        assert_eq!(window.sent(1), Some(2));
    }

    #[test]
    fn a_flood_is_noise_and_a_lively_page_is_none() {
        let since = Instant::now();
        let mut meter = Meter { since, frames: 0 };
        for _ in 0..FRAMES {
            meter.count(since).unwrap();
        }
        assert_eq!(meter.count(since), Err(Over::Noise));
        meter.count(since + SPAN + Duration::from_secs(1)).unwrap();
    }
}
