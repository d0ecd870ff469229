//! The events of a run, in the order and form of each kind of app and version (Dify notes, 4.2 to 4.5).

use serde_json::{Value, json};

use super::run::{End, Ids, error_event};
use super::state::Asked;
use crate::chance::Chance;
use crate::settings::{AppMode, DifyApp, Shape};

/// An event without data.
pub(super) const PING: &str = "event: ping\n\n";

/// Writes a run's events; `Value::Null` stands for a ping.
pub(super) struct Story<'a> {
    pub app: &'a DifyApp,
    pub asked: &'a Asked,
    pub ids: &'a Ids,
    pub said: &'a str,
    pub chance: &'a Chance,
}

impl Story<'_> {
    /// What comes before the first words.
    pub fn beginning(&self) -> Vec<Value> {
        match self.app.mode {
            AppMode::Chat => Vec::new(),
            AppMode::Agent => vec![self.thought(1, "", "", "")],
            AppMode::Chatflow => {
                let ping = (self.app.shape == Shape::V1_13).then_some(Value::Null);
                let started = self.workflow_event("workflow_started", self.workflow_inputs());
                let nodes = [
                    self.node_started(START),
                    self.node_finished(START, "succeeded"),
                    self.node_started(LLM),
                ];
                ping.into_iter().chain([started]).chain(nodes).collect()
            }
        }
    }

    /// A piece of the answer.
    pub fn piece(&self, text: &str) -> Value {
        let event = match self.app.mode {
            AppMode::Agent => "agent_message",
            AppMode::Chat | AppMode::Chatflow => "message",
        };
        let mut piece = self.event(event, json!({"id": self.ids.message, "answer": text}));
        match self.app.mode {
            AppMode::Agent => {}
            AppMode::Chat => piece["from_variable_selector"] = Value::Null,
            AppMode::Chatflow => piece["from_variable_selector"] = json!(["llm", "text"]),
        }
        piece
    }

    /// The moderation's replacement.
    pub fn replaced(&self) -> Value {
        self.event(
            "message_replace",
            json!({"answer": self.said, "reason": "output_moderation"}),
        )
    }

    /// A tool's use, told three times with one id as it fills.
    pub fn tool(&self, name: &str, found: &str) -> Vec<Value> {
        let observed = json!({name: found}).to_string();
        let mut called = self.thought(1, "", name, "");
        called["tool_labels"] = json!({name: {"zh_Hans": name, "en_US": name}});
        called["tool_input"] = json!({name: {}}).to_string().into();
        let mut answered = called.clone();
        answered["observation"] = observed.into();
        vec![called, answered.clone(), answered]
    }

    /// A file made by a tool.
    pub fn file(&self, url: &str) -> Value {
        self.event(
            "message_file",
            json!({"id": self.chance.uuid(), "type": "image", "belongs_to": "assistant", "url": url}),
        )
    }

    /// What comes after the last words.
    pub fn ending(&self, end: &End) -> Vec<Value> {
        let error = error_event(self.asked, self.ids, end);
        match (self.app.mode, error) {
            (AppMode::Chatflow, error) => self.chatflow_ending(end, error),
            (_, Some(error)) => vec![error],
            (AppMode::Agent, None) => vec![self.thought(1, self.said, "", ""), self.message_end()],
            // The last piece of a chat is an empty one.
            (AppMode::Chat, None) => vec![self.piece(""), self.message_end()],
        }
    }

    fn chatflow_ending(&self, end: &End, error: Option<Value>) -> Vec<Value> {
        let finished = self.finished(end);
        let nodes = [
            self.node_finished(LLM, "succeeded"),
            self.node_started(ANSWER),
            self.node_finished(ANSWER, "succeeded"),
        ];
        let closing = match (self.app.shape, end, error) {
            (shape, End::Failed { .. }, error) => {
                let failed = self.node_finished(LLM, "failed");
                // From 1.13 the reader quits before the error comes (Dify notes, 4.2).
                let error = error.filter(|_| shape == Shape::V0_15);
                return [failed, finished].into_iter().chain(error).collect();
            }
            (Shape::V1_13, End::Stopped, _) => return vec![finished],
            (Shape::V1_13, _, _) => [self.message_end(), finished],
            (Shape::V0_15, _, _) => [finished, self.message_end()],
        };
        nodes.into_iter().chain(closing).collect()
    }

    /// The whole answer at once.
    pub fn whole(&self) -> Value {
        json!({
            "event": "message", "task_id": self.asked.task_id, "id": self.ids.message, "message_id": self.ids.message,
            "conversation_id": self.asked.conversation_id, "mode": self.app.mode.word(), "answer": self.said,
            "metadata": self.metadata(), "created_at": self.ids.created
        })
    }

    fn message_end(&self) -> Value {
        self.event(
            "message_end",
            json!({"id": self.ids.message, "metadata": self.metadata(), "files": null}),
        )
    }

    /// Tokens counted as characters.
    fn metadata(&self) -> Value {
        let (asked, said) = (self.asked.query.chars().count(), self.said.chars().count());
        json!({"usage": {
            "prompt_tokens": asked, "prompt_unit_price": "0", "prompt_price_unit": "0", "prompt_price": "0E-7",
            "completion_tokens": said, "completion_unit_price": "0", "completion_price_unit": "0",
            "completion_price": "0E-7", "total_tokens": asked + said, "total_price": "0E-7", "currency": "USD",
            "latency": 0.25
        }})
    }

    fn thought(&self, position: u32, thought: &str, tool: &str, observation: &str) -> Value {
        self.event(
            "agent_thought",
            json!({
                // One thought, one id, however often it is told.
                "id": self.ids.workflow_run, "position": position, "thought": thought, "observation": observation,
                "tool": tool, "tool_labels": {}, "tool_input": "", "message_files": []
            }),
        )
    }

    fn finished(&self, end: &End) -> Value {
        let (status, error) = match end {
            End::Done | End::Gone => ("succeeded", Value::Null),
            End::Stopped => ("stopped", Value::Null),
            End::Failed { message, .. } => ("failed", message.as_str().into()),
        };
        self.workflow_event(
            "workflow_finished",
            json!({
                "id": self.ids.workflow_run, "workflow_id": WORKFLOW, "status": status,
                "outputs": {"answer": self.said}, "error": error, "elapsed_time": 0.25, "total_tokens": 0,
                "total_steps": 3, "created_by": {"id": self.asked.user, "user": self.asked.user},
                "created_at": self.ids.created, "finished_at": self.ids.created, "exceptions_count": 0, "files": []
            }),
        )
    }

    fn workflow_inputs(&self) -> Value {
        json!({
            "id": self.ids.workflow_run, "workflow_id": WORKFLOW, "created_at": self.ids.created, "reason": "initial",
            "inputs": {"sys.query": self.asked.query, "sys.user_id": self.asked.user,
                "sys.conversation_id": self.asked.conversation_id, "sys.files": []}
        })
    }

    fn node_started(&self, node: Node) -> Value {
        self.workflow_event("node_started", self.node(node))
    }

    fn node_finished(&self, node: Node, status: &str) -> Value {
        let mut data = self.node(node);
        let further = json!({
            // The words stand here too; a reader that adds them to the answer says everything twice.
            "process_data": null, "outputs": {"text": self.said}, "status": status, "error": null,
            "elapsed_time": 0.2, "execution_metadata": null, "finished_at": self.ids.created, "files": []
        });
        if let (Some(data), Value::Object(further)) = (data.as_object_mut(), further) {
            data.extend(further);
        }
        self.workflow_event("node_finished", data)
    }

    fn node(&self, (kind, index, before): Node) -> Value {
        json!({
            "id": format!("{}-{index}", self.ids.workflow_run), "node_id": kind, "node_type": kind, "title": kind,
            "index": index, "predecessor_node_id": before, "inputs": null, "created_at": self.ids.created,
            "extras": {}, "iteration_id": null
        })
    }

    fn workflow_event(&self, event: &str, data: Value) -> Value {
        self.event(
            event,
            json!({"workflow_run_id": self.ids.workflow_run, "data": data}),
        )
    }

    /// The keys that all events share, and these.
    fn event(&self, event: &str, fields: Value) -> Value {
        let mut value = json!({
            "event": event, "conversation_id": self.asked.conversation_id, "message_id": self.ids.message,
            "created_at": self.ids.created, "task_id": self.asked.task_id
        });
        if let (Some(value), Value::Object(fields)) = (value.as_object_mut(), fields) {
            value.extend(fields);
        }
        value
    }
}

/// The words of a streamed answer, put together; none where there are none.
pub(super) fn said_in(stream: &str) -> Option<String> {
    let events = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let mut said = String::new();
    for event in events.filter_map(|json| serde_json::from_str::<Value>(json).ok()) {
        let answer = event["answer"].as_str().unwrap_or_default();
        match event["event"].as_str() {
            Some("message_replace") => said = answer.to_owned(),
            _ => said.push_str(answer),
        }
    }
    (!said.is_empty()).then_some(said)
}

/// A node's kind, its place, and the one before it.
type Node = (&'static str, u32, Option<&'static str>);

const START: Node = ("start", 1, None);
const LLM: Node = ("llm", 2, Some("start"));
const ANSWER: Node = ("answer", 3, Some("llm"));
const WORKFLOW: &str = "16a65c2a-a7ce-4b11-9423-bd61db2fd1b0";
