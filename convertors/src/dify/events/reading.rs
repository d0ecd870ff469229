//! From JSON to events. What is missing or of another kind reads as absent; what is no event at all says so.

use serde_json::Value;

use super::{End, Event, FileRef, Finished, Ids, Kind, Node, Source, Status, Thought, Usage};
use crate::dify::{
    error_table::Failure,
    fields::Fields,
    ids::{ConversationId, MessageId, TaskId},
};

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

    pub(in crate::dify) fn list(fields: Fields<'_>, key: &str) -> Vec<Self> {
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
