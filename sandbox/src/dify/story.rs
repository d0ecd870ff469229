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
                let started = self.workflow_event("workflow_started", self.workflow_inputs());
                let nodes = [
                    self.node("node_started", "start", 1, None),
                    self.node("node_started", "llm", 2, None),
                ];
                let ping = (self.app.shape == Shape::V1_13).then_some(Value::Null);
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
        match (self.app.mode, self.app.shape, error) {
            (AppMode::Chatflow, Shape::V1_13, Some(_)) => {
                vec![
                    self.node("node_finished", "llm", 2, Some("failed")),
                    self.finished(end),
                ]
            }
            (AppMode::Chatflow, Shape::V0_15, Some(error)) => {
                vec![
                    self.node("node_finished", "llm", 2, Some("failed")),
                    self.finished(end),
                    error,
                ]
            }
            (_, _, Some(error)) => vec![error],
            (AppMode::Chatflow, shape, None) => self.chatflow_ending(shape, end),
            (AppMode::Agent, _, None) => {
                vec![self.thought(1, self.said, "", ""), self.message_end()]
            }
            // The last piece of a chat is an empty one.
            (AppMode::Chat, _, None) => vec![self.piece(""), self.message_end()],
        }
    }

    fn chatflow_ending(&self, shape: Shape, end: &End) -> Vec<Value> {
        let node = self.node("node_finished", "llm", 2, Some("succeeded"));
        match (shape, end) {
            (Shape::V1_13, End::Stopped) => vec![self.finished(end)],
            (Shape::V1_13, _) => vec![node, self.message_end(), self.finished(end)],
            (Shape::V0_15, _) => vec![node, self.finished(end), self.message_end()],
        }
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

    fn node(&self, event: &str, kind: &str, index: u32, status: Option<&str>) -> Value {
        let mut data = json!({
            "id": format!("{}-{index}", self.ids.workflow_run), "node_id": kind, "node_type": kind, "title": kind,
            "index": index, "predecessor_node_id": null, "inputs": null, "created_at": self.ids.created, "extras": {}
        });
        if let Some(status) = status {
            data["status"] = status.into();
            data["outputs"] = json!({"text": self.said});
            data["elapsed_time"] = 0.2.into();
        }
        self.workflow_event(event, data)
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

const WORKFLOW: &str = "16a65c2a-a7ce-4b11-9423-bd61db2fd1b0";
