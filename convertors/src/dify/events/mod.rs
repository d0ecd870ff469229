//! What Dify says while it answers: every event of its streams (Dify: SSE, 4.3 and 4.4), read tolerantly.
//!
//! An unknown event, an unknown field and a field of another kind than documented are no errors: servers from 0.15 to
//! today differ, and a chat must not break because one of them added a word. Reasoning and speech are recognised but
//! their content is not kept: neither may reach a customer.

mod reading;

use super::error_table::Failure;
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
