//! Dify's event stream: bytes in, events out (Dify: SSE, 4.1).
//!
//! The reader is a plain value: it knows no runtime and no clock. It keeps bytes, not text, until a block is whole, so
//! a character that the network cut in two is no matter; it takes LF, CR and CRLF, a leading BOM, several `data:` lines
//! per event, and keep-alives that carry no data at all. Both an event and the stream have a largest size.

use super::events::{Event, Kind};

/// What is believed of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one event's data. Node outputs and whole inputs travel in events, so it is measured in megabytes; a
    /// larger event is dropped and reported as [`Kind::Oversized`].
    pub event: usize,
    /// Bytes of the whole stream; beyond it the stream is given up.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event: 8 << 20,
            total: 64 << 20,
        }
    }
}

/// The stream went on beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event stream is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Reads one stream.
#[derive(Debug)]
pub struct StreamReader {
    limits: Limits,
    taken: usize,
    line: Vec<u8>,
    line_is_empty: bool,
    block: Block,
    at_start: bool,
    after_cr: bool,
}

/// The block that is being read: what stands between two empty lines.
#[derive(Debug, Default)]
struct Block {
    data: Vec<u8>,
    has_data: bool,
    name: Option<String>,
    size: Size,
}

/// Whether the block is still within its limit. Of one that is not, only the beginning of the line that broke it is
/// kept, because the event's name stands there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Size {
    #[default]
    Within,
    Breaking,
    Beyond,
}

impl Default for StreamReader {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl StreamReader {
    /// A reader at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            taken: 0,
            line: Vec::new(),
            line_is_empty: true,
            block: Block::default(),
            at_start: true,
            after_cr: false,
        }
    }

    /// Takes the next bytes, however they were cut, and hands out the events that they completed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.taken > self.limits.total {
            return Err(TooLong(self.limits.total));
        }
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            match rest.iter().position(|&b| b == b'\n' || b == b'\r') {
                None => {
                    self.gather(rest);
                    break;
                }
                Some(end) => {
                    self.gather(&rest[..end]);
                    self.after_cr = rest[end] == b'\r';
                    events.extend(self.end_line());
                    rest = &rest[end + 1..];
                }
            }
        }
        Ok(events)
    }

    /// The stream was closed. A last block without its empty line counts if it can be read: some proxies trim the end.
    pub fn finish(mut self) -> Option<Event> {
        let completed = self.end_line();
        completed
            .or_else(|| self.block.take())
            .filter(|event| event.kind != Kind::Unreadable)
    }

    fn gather(&mut self, piece: &[u8]) {
        self.line_is_empty &= piece.is_empty();
        let size = self.line.len() + self.block.data.len() + piece.len();
        if self.block.size == Size::Within && size > self.limits.event {
            self.block.size = Size::Breaking;
            self.line.truncate(NAME_WITHIN);
        }
        let room = match self.block.size {
            Size::Within => piece.len(),
            Size::Breaking => NAME_WITHIN - self.line.len(),
            Size::Beyond => 0,
        };
        self.line.extend_from_slice(&piece[..room.min(piece.len())]);
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = match std::mem::take(&mut self.at_start) {
            true => line.strip_prefix(BOM).unwrap_or(&line),
            false => &line,
        };
        if std::mem::replace(&mut self.line_is_empty, true)
            || line.is_empty() && self.block.size == Size::Within
        {
            return self.block.take();
        }
        self.block.add(line);
        None
    }
}

const BOM: &[u8] = "\u{FEFF}".as_bytes();

/// How much of an oversized event is looked at for its name.
const NAME_WITHIN: usize = 1024;

impl Block {
    fn add(&mut self, line: &[u8]) {
        match self.size {
            Size::Within => {}
            Size::Breaking => self.size = Size::Beyond,
            Size::Beyond => return,
        }
        let (field, value) = match line.iter().position(|&b| b == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
            // Comments, ids and reconnection times mean nothing here.
            _ => {}
        }
    }

    /// The block's event, if it holds one, and an empty block after it.
    fn take(&mut self) -> Option<Event> {
        let block = std::mem::take(self);
        let text = String::from_utf8_lossy(&block.data);
        if block.size != Size::Within {
            let name = block.name.or_else(|| name_in(&text));
            return Some(Event::bare(Kind::Oversized(name)));
        }
        if block.has_data {
            return Some(Event::read(&text, block.name.as_deref()));
        }
        (block.name.as_deref() == Some("ping")).then(Event::ping)
    }
}

/// The value of `"event"` in the beginning of an object that was not kept whole.
fn name_in(text: &str) -> Option<String> {
    let (_, after) = text.split_once("\"event\"")?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let name = value.strip_prefix('"')?.split('"').next()?;
    (name.len() <= 64).then(|| name.to_owned())
}

/// For fuzzing and its property-test twin: reads foreign bytes whole and cut into pieces, and panics if the two differ
/// or if folding them does. The first byte chooses the size of the pieces.
pub fn exercise(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else {
        return;
    };
    let limits = Limits {
        event: 512,
        total: 1 << 20,
    };
    let whole = read_all(bytes, bytes.len().max(1), limits);
    let pieces = read_all(bytes, usize::from(first).max(1), limits);
    assert_eq!(whole, pieces, "cutting the stream changed its meaning");
    let mut answer = super::Accumulator::default();
    for event in whole {
        answer.fold(event);
    }
    let answer = answer.finish();
    crate::markdown::plain(&answer.text);
}

/// Every event of `bytes`, pushed in pieces of `size`.
pub fn read_all(bytes: &[u8], size: usize, limits: Limits) -> Vec<Event> {
    let mut reader = StreamReader::new(limits);
    let mut events = Vec::new();
    for piece in bytes.chunks(size) {
        match reader.push(piece) {
            Ok(more) => events.extend(more),
            Err(TooLong(_)) => return events,
        }
    }
    events.extend(reader.finish());
    events
}

#[cfg(test)]
mod tests;
