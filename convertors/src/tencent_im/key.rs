//! What makes a message the same when it is told twice: by a repeated callback, or by a callback
//! and the history.
//!
//! The service names a one-to-one message by three numbers, together its `MsgKey`, unique between
//! two accounts (Tencent IM, 9.9). Ours begins with the time, so that a sorted index of ids grows
//! at its end instead of all over.

use std::fmt;

/// The longest key that is taken for one; the service promises 50 characters.
const MAX_BYTES: usize = 96;

/// A message's identity between two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKey<'a> {
    /// The three numbers of an ordinary key.
    Numbers {
        /// Unix seconds.
        time: u64,
        /// `MsgSeq`
        seq: u32,
        /// `MsgRandom`
        random: u32,
    },
    /// A key of another shape, with the time the message was sent (0: not told).
    Other {
        /// Unix seconds.
        time: u64,
        /// `MsgKey`
        key: &'a str,
    },
}

impl<'a> MessageKey<'a> {
    /// Reads a `MsgKey` alone, as recalls and receipts give it.
    pub fn parse(key: &'a str) -> Self {
        let mut parts = key.split('_').map(str::parse::<u64>);
        let numbers = (parts.next(), parts.next(), parts.next(), parts.next());
        if let (Some(Ok(seq)), Some(Ok(random)), Some(Ok(time)), None) = numbers
            && let (Ok(seq), Ok(random)) = (u32::try_from(seq), u32::try_from(random))
        {
            return Self::Numbers { time, seq, random };
        }
        Self::Other {
            time: 0,
            key: clipped(key),
        }
    }

    /// The key of a message that carries the numbers, and mostly the key, too.
    pub fn of(key: &'a str, seq: u32, random: u32, time: u64) -> Self {
        match Self::parse(key) {
            Self::Other { key: "", .. } => Self::Numbers { time, seq, random },
            Self::Other { key, .. } => Self::Other { time, key },
            numbers @ Self::Numbers { .. } => numbers,
        }
    }

    /// Unix seconds; 0 where the key does not tell.
    pub fn time(&self) -> u64 {
        match self {
            Self::Numbers { time, .. } | Self::Other { time, .. } => *time,
        }
    }

    /// The identity within a whole application, sorted by time: `time:seq:random:from:to`.
    pub fn between(&self, from: &str, to: &str) -> String {
        format!("{self}:{from}:{to}")
    }
}

/// The time first: `1700000010:4100000007:2216677889`.
impl fmt::Display for MessageKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers { time, seq, random } => write!(f, "{time:010}:{seq}:{random}"),
            Self::Other { time, key } => write!(f, "{time:010}:{key}"),
        }
    }
}

fn clipped(key: &str) -> &str {
    let end = key
        .char_indices()
        .map(|(at, _)| at)
        .chain([key.len()])
        .take_while(|at| *at <= MAX_BYTES)
        .last();
    &key[..end.unwrap_or(0)]
}
