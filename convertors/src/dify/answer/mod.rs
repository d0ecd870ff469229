//! From events to the one answer that a customer gets.
//!
//! [`Accumulator::fold`] takes events in any of the orders that Dify's apps and versions have (Dify: SSE, 4.2);
//! [`Accumulator::finish`] decides what they amounted to. The text stays Markdown, without the model's reasoning and
//! without its pictures, which become files with addresses that can be fetched.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;

use super::error_table::Failure;
use super::events::{Event, FileRef, Finished, Ids, Kind, Source, Status, Usage};
use super::reasoning;
use super::records::Message;
use crate::markdown::{self, Reference};

/// What Dify answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Markdown, without reasoning and pictures; may be empty.
    pub text: String,
    /// Pictures and files of the answer, with absolute addresses, each once.
    pub files: Vec<FileRef>,
    /// The ids to keep: conversation for the next question, message for feedback.
    pub ids: Ids,
    /// What it cost.
    pub usage: Usage,
    /// What it rests on.
    pub sources: Vec<Source>,
    /// Whether it is an answer at all.
    pub outcome: Outcome,
}

impl Answer {
    /// An answer from Dify's records, cleaned as one that was heard.
    pub fn of_record(message: Message, base: &str) -> Self {
        let mut answer = Accumulator::with_base(base);
        answer.learn(Ids {
            task: None,
            conversation: message.conversation,
            message: Some(message.id),
        });
        answer.append(&message.answer);
        message
            .files
            .into_iter()
            .for_each(|file| answer.add_file(file));
        answer.message_ended = true;
        answer.finish()
    }

    /// Neither words nor files.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.files.is_empty()
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Whole.
    Complete,
    /// The stream ended, or lost a piece, before Dify said that it was done.
    Incomplete,
    /// Stopped by us or by the operator; the text is what there was.
    Stopped,
    /// The flow waits for a person's input: no answer will come.
    Paused,
    /// It failed; the text is what there was.
    Failed(Failure),
}

/// The longest answer that is kept, in bytes.
const LONGEST: usize = 256 << 10;
/// The most files that are kept of one answer.
const MOST_FILES: usize = 20;

/// Folds events into an [`Answer`].
#[derive(Debug, Default)]
pub struct Accumulator {
    text: String,
    files: Vec<FileRef>,
    ids: Ids,
    usage: Usage,
    sources: Vec<Source>,
    spoken_by_agent: bool,
    lost_a_piece: bool,
    message_ended: bool,
    workflow: Option<Finished>,
    paused: bool,
    failure: Option<Failure>,
    base: Option<Url>,
}

impl Accumulator {
    /// An accumulator that completes relative addresses with `base`, the app's API address or the server's own for
    /// files. Without a usable base relative addresses are dropped.
    pub fn with_base(base: &str) -> Self {
        Self {
            base: Url::parse(base).ok().filter(|url| url.has_host()),
            ..Self::default()
        }
    }

    /// The ids seen so far; the stop call needs the task long before the end.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Whether some event said that the run is over. Its twin may still come: figures in `message_end`, the status in
    /// `workflow_finished`.
    pub fn is_over(&self) -> bool {
        self.message_ended || self.workflow.is_some() || self.paused || self.failure.is_some()
    }

    /// Takes the next event.
    pub fn fold(&mut self, event: Event) {
        self.learn(event.ids);
        match event.kind {
            Kind::Message(piece) => self.message(&piece),
            Kind::AgentMessage(piece) => {
                self.spoken_by_agent |= !piece.is_empty();
                self.append(&piece);
            }
            Kind::TextChunk(piece) => self.append(&piece),
            Kind::MessageReplace(text) | Kind::TextReplace(text) => self.replace(&text),
            Kind::MessageFile(file) => self.add_file(file),
            Kind::MessageEnd(end) => {
                self.message_ended = true;
                self.usage = end.usage;
                self.sources = end.sources;
                end.files.into_iter().for_each(|file| self.add_file(file));
            }
            Kind::WorkflowFinished(mut finished) => {
                let files = std::mem::take(&mut finished.files);
                files.into_iter().for_each(|file| self.add_file(file));
                self.workflow = Some(finished);
            }
            Kind::WorkflowPaused => self.paused = true,
            Kind::Error(failure) => self.failure = Some(failure),
            Kind::Oversized(name) => self.lost_a_piece |= carried_text(name.as_deref()),
            _ => {}
        }
    }

    /// Takes a blocking answer's body, which says in one object what a stream says in many (Dify: 3.2).
    pub fn fold_blocking(&mut self, body: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return;
        };
        let event = Event::of(&value, None);
        if matches!(event.kind, Kind::Message(_)) {
            self.fold(Event::of(&value, None));
            self.fold(Event::of(&as_end(value), None));
        } else {
            self.fold(event);
        }
    }

    fn learn(&mut self, ids: Ids) {
        self.ids.task = self.ids.task.take().or(ids.task);
        // The newest counts: a server that renewed the conversation says so in its events.
        self.ids.conversation = ids.conversation.or(self.ids.conversation.take());
        self.ids.message = ids.message.or(self.ids.message.take());
    }

    /// A new-Agent app closes with the whole text once more, as one `message` (Dify: traps 29).
    fn message(&mut self, piece: &str) {
        if std::mem::take(&mut self.spoken_by_agent) && !piece.is_empty() {
            self.replace(piece);
        } else {
            self.append(piece);
        }
    }

    fn replace(&mut self, text: &str) {
        self.text.clear();
        self.lost_a_piece = false;
        self.append(text);
    }

    fn append(&mut self, piece: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        self.lost_a_piece |= piece.len() > room;
        self.text
            .push_str(&piece[..piece.floor_char_boundary(room)]);
    }

    fn add_file(&mut self, file: FileRef) {
        if !file.is_visitors && !file.url.is_empty() && self.files.len() < MOST_FILES {
            self.files.push(file);
        }
    }

    /// The stream is closed: what it amounted to.
    pub fn finish(mut self) -> Answer {
        let outcome = self.outcome();
        let output = self.workflow.take().map(|finished| finished.text);
        if self.text.trim().is_empty() {
            self.text = output.unwrap_or_default();
        }
        let spoken = reasoning::strip(&self.text);
        let (text, pictures) = self.without_pictures(&spoken);
        Answer {
            text: reasoning::strip(text.trim()),
            files: self.fetchable(pictures),
            outcome,
            ids: self.ids,
            usage: self.usage,
            sources: self.sources,
        }
    }

    fn outcome(&mut self) -> Outcome {
        let workflow = self.workflow.as_ref();
        match (self.failure.take(), workflow.map(|w| w.status)) {
            (Some(failure), _) => Outcome::Failed(failure),
            (None, Some(Status::Failed)) => {
                let error = workflow.map_or("", |w| &w.error);
                Outcome::Failed(Failure::of_workflow(error))
            }
            (None, Some(Status::Stopped)) => Outcome::Stopped,
            (None, Some(Status::Paused)) => Outcome::Paused,
            (None, _) if self.paused => Outcome::Paused,
            (None, _) if self.lost_a_piece || !self.is_over() => Outcome::Incomplete,
            (None, _) => Outcome::Complete,
        }
    }

    /// The text without its pictures and file links; those as files (Dify: traps 28).
    fn without_pictures(&self, text: &str) -> (String, Vec<FileRef>) {
        let mut files = Vec::new();
        let text = markdown::rewrite(text, |found| {
            let file = file_of(found)?;
            if self.absolute(&file.url).is_none() || files.len() == MOST_FILES {
                return None;
            }
            files.push(file);
            Some(String::new())
        });
        (text, files)
    }

    /// All files with absolute addresses, each once, those of the text first, where the reader met them.
    fn fetchable(&mut self, pictures: Vec<FileRef>) -> Vec<FileRef> {
        let events = std::mem::take(&mut self.files);
        let mut seen = HashSet::new();
        pictures
            .into_iter()
            .chain(events)
            .filter_map(|file| {
                let url = self.absolute(&file.url)?;
                Some(FileRef { url, ..file })
            })
            .filter(|file| seen.insert(unsigned(&file.url).to_owned()))
            .take(MOST_FILES)
            .collect()
    }

    /// An address that can be fetched from here: relative ones completed, those inside Dify's own network moved to the
    /// server's known address (Dify: traps 20). Only `http` and `https`.
    fn absolute(&self, url: &str) -> Option<String> {
        let found = match (Url::parse(url), &self.base) {
            (Ok(found), _) => found,
            (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => base.join(url).ok()?,
            (Err(_), _) => return None,
        };
        if !matches!(found.scheme(), "http" | "https") {
            return None;
        }
        match &self.base {
            Some(base) if is_internal(&found, base) => moved(&found, base),
            _ => Some(found.into()),
        }
    }
}

/// The blocking object once more, read as the end of its own stream.
fn as_end(mut value: Value) -> Value {
    value["event"] = "message_end".into();
    value
}

/// Whether an event that was dropped for its size belonged to the answer's text.
fn carried_text(name: Option<&str>) -> bool {
    matches!(
        name,
        None | Some(
            "message" | "agent_message" | "message_replace" | "text_chunk" | "text_replace"
        )
    )
}

/// Pictures, and links to files on Dify's own server, whose signature would expire in the customer's hands.
fn file_of(found: Reference<'_>) -> Option<FileRef> {
    let kind = match (found.is_image, found.url.starts_with("/files/")) {
        (true, _) => "image",
        (false, true) => "custom",
        (false, false) => return None,
    };
    Some(FileRef {
        kind: kind.into(),
        url: found.url.into(),
        name: found.text.into(),
        ..FileRef::default()
    })
}

/// Without the signature, by which two mentions of one file differ.
fn unsigned(url: &str) -> &str {
    url.split_once('?').map_or(url, |(path, _)| path)
}

/// A host name without a dot, such as the container's `api:5001`, means something to Dify only.
fn is_internal(found: &Url, base: &Url) -> bool {
    let same = found.host_str() == base.host_str();
    let bare = matches!(found.host(), Some(url::Host::Domain(name)) if !name.contains('.') && name != "localhost");
    bare && !same
}

fn moved(found: &Url, base: &Url) -> Option<String> {
    let path = &found[url::Position::BeforePath..];
    base.join(path).ok().map(String::from)
}

#[cfg(test)]
mod tests;
