//! What Dify says while it answers: every event of its streams (Dify: SSE, 4.3 and 4.4), read tolerantly.
//!
//! An unknown event, an unknown field and a field of another kind than documented are no errors: servers from 0.15 to
//! today differ, and a chat must not break because one of them added a word. Reasoning and speech are recognised but
//! their content is not kept: neither may reach a customer.

use serde_json::Value;

use super::error_table::Failure;
use super::fields::Fields;
use super::ids::{ConversationId, MessageId, TaskId};

/// The ids that most events carry. Any may be missing: `error` lacks the task, a run that died before its start lacks
/// conversation and message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ids {
    /// The run, for the stop call.
    pub task: Option<TaskId>,
    /// The conversation on Dify's side, to be kept for the next question.
    pub conversation: Option<ConversationId>,
    /// The question-and-answer pair, to be kept for feedback.
    pub message: Option<MessageId>,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Whose it is.
    pub ids: Ids,
    /// What it says.
    pub kind: Kind,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Keep-alive, about every ten seconds; carries no data.
    Ping,
    /// `message`: a piece of the answer; from a new-Agent app the whole answer once more.
    Message(String),
    /// `agent_message`: a piece of an agent's answer.
    AgentMessage(String),
    /// `agent_thought`: sent again with the same id as it fills.
    AgentThought(Thought),
    /// `message_file`: a file that a tool made.
    MessageFile(FileRef),
    /// `message_end`: figures, sources and files; not always last.
    MessageEnd(End),
    /// `message_replace`: moderation; this text instead of everything so far.
    MessageReplace(String),
    /// `reasoning_chunk`: never shown, so not kept.
    Reasoning,
    /// `tts_message` and `tts_message_end`: spoken answer, not used here.
    Speech,
    /// `error`: the run failed after HTTP 200 had been sent.
    Error(Failure),
    /// `text_chunk`: a piece of a workflow's text.
    TextChunk(String),
    /// `text_replace`: this text instead of the workflow's text so far.
    TextReplace(String),
    /// `workflow_started`.
    WorkflowStarted,
    /// `workflow_finished`: with the run's status.
    WorkflowFinished(Finished),
    /// `workflow_paused`: it waits for a person's input.
    WorkflowPaused,
    /// `node_started`, `node_finished`, `node_retry`.
    Node(Node),
    /// `iteration_*` and `loop_*`.
    Round,
    /// `parallel_branch_*` (0.15 only).
    Branch,
    /// `agent_log`.
    AgentLog,
    /// `human_input_*`.
    HumanInput,
    /// A name that this version does not know.
    Unknown(String),
    /// Data that is not a JSON object: a gateway's `[DONE]`, a cut line.
    Unreadable,
    /// Dropped because it was larger than the reader's limit; the name as far as it could be seen.
    Oversized(Option<String>),
}

/// One step of an agent's work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thought {
    /// The step; later events with the same id replace earlier ones.
    pub id: String,
    /// 1, 2, 3 …
    pub position: u64,
    /// What the model said to itself.
    pub thought: String,
    /// The tools' names, joined by `;`.
    pub tool: String,
}

/// A file that Dify names in an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileRef {
    /// `image`, `document`, `audio`, `video`, `custom`, or empty.
    pub kind: String,
    /// Where it lies: often relative, sometimes inside the server's own network, and signed for minutes only.
    pub url: String,
    /// Its name for people, where given.
    pub name: String,
    /// Its MIME type, where given.
    pub mime: String,
    /// The visitor's own file, repeated; not part of the answer.
    pub is_visitors: bool,
}

/// What `message_end` adds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct End {
    /// What it cost.
    pub usage: Usage,
    /// The passages that the answer rests on.
    pub sources: Vec<Source>,
    /// Files of the answer.
    pub files: Vec<FileRef>,
}

/// What an answer cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// All tokens, question and answer.
    pub total_tokens: u64,
    /// Decimal text, as Dify writes money; empty when not given.
    pub total_price: String,
    /// `USD`, `RMB`, …
    pub currency: String,
    /// Seconds, as Dify measured it.
    pub latency: Option<f64>,
}

/// One retrieved passage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Source {
    /// 1 for the best.
    pub position: u64,
    /// The document's name.
    pub document: String,
    /// The knowledge base's name.
    pub dataset: String,
    /// As Dify scored it; not bounded by 1.
    pub score: Option<f64>,
}

/// How a workflow ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Finished {
    /// Its status.
    pub status: Status,
    /// The reason of a failure, as the server tells it.
    pub error: String,
    /// The output named `answer`, or the only text among the outputs.
    pub text: String,
    /// Files among the outputs.
    pub files: Vec<FileRef>,
}

/// A run's status (Dify: 4.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// `succeeded` and `partial-succeeded`; also an empty or new word, because the text speaks for itself.
    #[default]
    Succeeded,
    /// `failed`.
    Failed,
    /// `stopped`, by us or by the operator.
    Stopped,
    /// `paused`, for a person's input.
    Paused,
}

/// A node's step, for the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// `llm`, `answer`, `code`, …
    pub node_type: String,
    /// The operator's name for it.
    pub title: String,
    /// `succeeded`, `failed`, `exception`; empty at the start.
    pub status: String,
    /// The reason of a failure.
    pub error: String,
}

impl Event {
    /// A keep-alive.
    pub fn ping() -> Self {
        Self::bare(Kind::Ping)
    }

    pub(crate) fn bare(kind: Kind) -> Self {
        Self {
            ids: Ids::default(),
            kind,
        }
    }

    /// Reads one event's data. `named` is the SSE `event:` line, which Dify itself uses for pings only; the name inside
    /// the JSON comes first.
    pub fn read(data: &str, named: Option<&str>) -> Self {
        match parse(data) {
            Some(value) if value.is_object() => Self::of(&value, named),
            _ => Self::bare(Kind::Unreadable),
        }
    }

    /// Reads an event from its JSON.
    pub fn of(value: &Value, named: Option<&str>) -> Self {
        let fields = Fields::of(value);
        let name = fields.text("event").or(named).unwrap_or_default();
        Self {
            ids: Ids::of(fields),
            kind: Kind::of(name, fields),
        }
    }
}

impl Ids {
    fn of(fields: Fields<'_>) -> Self {
        Self {
            task: fields.text("task_id").and_then(TaskId::read),
            conversation: fields
                .text("conversation_id")
                .and_then(ConversationId::read),
            message: fields.text("message_id").and_then(MessageId::read),
        }
    }
}

impl Kind {
    fn of(name: &str, fields: Fields<'_>) -> Self {
        let data = fields.object("data");
        match name {
            "ping" => Self::Ping,
            "message" => Self::Message(fields.string("answer")),
            "agent_message" => Self::AgentMessage(fields.string("answer")),
            "agent_thought" => Self::AgentThought(Thought::of(fields)),
            "message_file" => Self::MessageFile(FileRef::of(fields)),
            "message_end" => Self::MessageEnd(End::of(fields)),
            "message_replace" => Self::MessageReplace(fields.string("answer")),
            "reasoning_chunk" => Self::Reasoning,
            "tts_message" | "tts_message_end" => Self::Speech,
            "error" => Self::Error(Failure::of_event(fields)),
            "text_chunk" => Self::TextChunk(data.string("text")),
            "text_replace" => Self::TextReplace(data.string("text")),
            "workflow_started" => Self::WorkflowStarted,
            "workflow_finished" => Self::WorkflowFinished(Finished::of(data)),
            "workflow_paused" => Self::WorkflowPaused,
            "node_started" | "node_finished" | "node_retry" => Self::Node(Node::of(data)),
            "agent_log" => Self::AgentLog,
            _ => Self::family(name),
        }
    }

    /// Events of which only the family matters here.
    fn family(name: &str) -> Self {
        if name.starts_with("iteration_") || name.starts_with("loop_") {
            Self::Round
        } else if name.starts_with("parallel_branch_") {
            Self::Branch
        } else if name.starts_with("human_input_") {
            Self::HumanInput
        } else {
            Self::Unknown(name.chars().take(64).collect())
        }
    }
}

impl Thought {
    fn of(fields: Fields<'_>) -> Self {
        Self {
            id: fields.string("id"),
            position: fields.whole("position").unwrap_or_default(),
            thought: fields.string("thought"),
            tool: fields.string("tool"),
        }
    }
}

impl FileRef {
    fn of(fields: Fields<'_>) -> Self {
        Self {
            kind: fields.string("type"),
            url: ["url", "remote_url"]
                .into_iter()
                .find_map(|key| fields.text(key))
                .unwrap_or_default()
                .to_owned(),
            name: fields.string("filename"),
            mime: fields.string("mime_type"),
            is_visitors: fields.text("belongs_to") == Some("user"),
        }
    }

    pub(super) fn list(fields: Fields<'_>, key: &str) -> Vec<Self> {
        fields
            .list(key)
            .map(|file| Self::of(Fields::of(file)))
            .filter(|file| !file.url.is_empty())
            .collect()
    }
}

impl End {
    fn of(fields: Fields<'_>) -> Self {
        let metadata = fields.object("metadata");
        let usage = metadata.object("usage");
        Self {
            usage: Usage {
                total_tokens: usage.whole("total_tokens").unwrap_or_default(),
                total_price: usage.string("total_price"),
                currency: usage.string("currency"),
                latency: usage.real("latency"),
            },
            sources: metadata
                .list("retriever_resources")
                .map(|source| Source::of(Fields::of(source)))
                .collect(),
            files: FileRef::list(fields, "files"),
        }
    }
}

impl Source {
    fn of(fields: Fields<'_>) -> Self {
        Self {
            position: fields.whole("position").unwrap_or_default(),
            document: fields.string("document_name"),
            dataset: fields.string("dataset_name"),
            score: fields.real("score"),
        }
    }
}

impl Finished {
    fn of(data: Fields<'_>) -> Self {
        Self {
            status: match data.text("status") {
                Some("failed") => Status::Failed,
                Some("stopped") => Status::Stopped,
                Some("paused") => Status::Paused,
                _ => Status::Succeeded,
            },
            error: data.string("error"),
            text: only_text(data),
            files: FileRef::list(data, "files"),
        }
    }
}

/// A chatflow's output is `answer`; a workflow's author names it, and only a single text can be meant.
fn only_text(data: Fields<'_>) -> String {
    let outputs = data.object("outputs");
    if let Some(answer) = outputs.text("answer") {
        return answer.to_owned();
    }
    match data.get("outputs").and_then(Value::as_object) {
        Some(map) if map.len() == 1 => map.values().next().and_then(Value::as_str),
        _ => None,
    }
    .unwrap_or_default()
    .to_owned()
}

impl Node {
    fn of(data: Fields<'_>) -> Self {
        Self {
            node_type: data.string("node_type"),
            title: data.string("title"),
            status: data.string("status"),
            error: data.string("error"),
        }
    }
}

/// JSON, also with half a surrogate pair in it: Dify 0.15 escapes everything beyond ASCII, and a model that cuts an
/// emoji leaves half of it, which is no Unicode. The half becomes U+FFFD instead of costing the whole event.
fn parse(data: &str) -> Option<Value> {
    serde_json::from_str(data)
        .or_else(|_| serde_json::from_str(&whole_surrogates(data)))
        .ok()
}

fn whole_surrogates(data: &str) -> String {
    let mut out = String::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push('\u{FFFD}');
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            // An escaped character: both go, so that `\\u` is not taken for an escape.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out + rest
}

/// The UTF-16 unit that `text` begins with, if it begins with `\uXXXX`.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_another_kind_read_as_absent() {
        let event = Event::read(
            r#"{"event":"message","answer":null,"task_id":7,"conversation_id":"../x","message_id":"m1","new":{}}"#,
            None,
        );
        assert_eq!(event.kind, Kind::Message(String::new()));
        assert_eq!(event.ids.task, None);
        assert_eq!(event.ids.conversation, None);
        assert_eq!(event.ids.message, MessageId::read("m1"));
    }

    #[test]
    fn half_an_emoji_does_not_cost_the_event() {
        let event = Event::read(r#"{"event":"message","answer":"好\ud83d!"}"#, None);
        assert_eq!(event.kind, Kind::Message("好\u{FFFD}!".into()));
        let whole = Event::read(
            r#"{"event":"message","answer":"\ud83d\ude00 \ude00 \\ud83d"}"#,
            None,
        );
        assert_eq!(whole.kind, Kind::Message("😀 \u{FFFD} \\ud83d".into()));
    }

    #[test]
    fn what_is_no_object_is_unreadable_and_what_is_new_is_named() {
        assert_eq!(Event::read("[DONE]", None).kind, Kind::Unreadable);
        assert_eq!(Event::read("12", None).kind, Kind::Unreadable);
        let new = Event::read(r#"{"event":"sparkles"}"#, None).kind;
        assert_eq!(new, Kind::Unknown("sparkles".into()));
        assert_eq!(Event::read("{}", Some("ping")).kind, Kind::Ping);
    }

    #[test]
    fn every_documented_name_is_known() {
        let names = [
            "message",
            "agent_message",
            "agent_thought",
            "message_file",
            "message_end",
            "message_replace",
            "reasoning_chunk",
            "tts_message",
            "tts_message_end",
            "error",
            "text_chunk",
            "text_replace",
            "workflow_started",
            "workflow_finished",
            "workflow_paused",
            "node_started",
            "node_finished",
            "node_retry",
            "iteration_started",
            "iteration_next",
            "iteration_completed",
            "loop_started",
            "loop_next",
            "loop_completed",
            "parallel_branch_started",
            "parallel_branch_finished",
            "agent_log",
            "human_input_required",
            "human_input_form_filled",
            "human_input_form_timeout",
            "ping",
        ];
        for name in names {
            let kind = Event::read(&format!(r#"{{"event":"{name}"}}"#), None).kind;
            assert!(
                !matches!(kind, Kind::Unknown(_) | Kind::Unreadable),
                "{name}"
            );
        }
    }

    #[test]
    fn a_workflows_single_text_output_is_its_text() {
        let event = |outputs: &str| {
            let data = format!(
                r#"{{"event":"workflow_finished","data":{{"status":"failed","outputs":{outputs}}}}}"#
            );
            match Event::read(&data, None).kind {
                Kind::WorkflowFinished(finished) => finished,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(event(r#"{"answer":"好","x":"y"}"#).text, "好");
        assert_eq!(event(r#"{"summary":"好"}"#).text, "好");
        assert_eq!(event(r#"{"a":"1","b":"2"}"#).text, "");
        assert_eq!(event("null").status, Status::Failed);
    }
}
