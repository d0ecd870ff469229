//! What Dify has on file: uploads, messages, conversations and the app itself (Dify: 7.1, 8, 10).

use serde_json::Value;

use super::events::FileRef;
use super::fields::Fields;
use super::ids::{ConversationId, MessageId, UploadId};

/// The id of an upload, from its answer.
pub fn upload(body: &[u8]) -> Option<UploadId> {
    let value: Value = serde_json::from_slice(body).ok()?;
    UploadId::read(Fields::of(&value).text("id")?)
}

/// A question and its answer, as `GET /messages` lists them.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it stands in.
    pub conversation: Option<ConversationId>,
    /// What was asked.
    pub query: String,
    /// The answer so far; empty while the run goes on.
    pub answer: String,
    /// Files, the visitor's own included.
    pub files: Vec<FileRef>,
    /// The run failed.
    pub failed: bool,
    /// Unix seconds, by Dify's clock.
    pub created_at: u64,
}

/// The messages of a `GET /messages` answer, newest first; `None` when it is none.
pub fn messages(body: &[u8]) -> Option<Vec<Message>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let fields = Fields::of(&value);
    fields.get("data")?.as_array()?;
    let mut messages: Vec<Message> = fields.list("data").filter_map(message).collect();
    // Old servers list them oldest first.
    messages.sort_by_key(|message| std::cmp::Reverse(message.created_at));
    Some(messages)
}

fn message(value: &Value) -> Option<Message> {
    let fields = Fields::of(value);
    Some(Message {
        id: MessageId::read(fields.text("id")?)?,
        conversation: fields
            .text("conversation_id")
            .and_then(ConversationId::read),
        query: fields.string("query"),
        answer: fields.string("answer"),
        files: FileRef::list(fields, "message_files"),
        failed: fields.text("status") == Some("error"),
        created_at: fields.whole("created_at").unwrap_or_default(),
    })
}

/// The newest conversation of a `GET /conversations` answer.
pub fn newest_conversation(body: &[u8]) -> Option<ConversationId> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let fields = Fields::of(&value);
    let newest = fields.list("data").next()?;
    ConversationId::read(Fields::of(newest).text("id")?)
}

/// An app, as `GET /info` describes it; old servers name no mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Info {
    /// The operator's name for it.
    pub name: String,
    /// `chat`, `agent-chat`, `agent`, `advanced-chat`, `workflow`, `completion`; empty on old servers.
    pub mode: String,
}

/// Reads a `GET /info` answer.
pub fn info(body: &[u8]) -> Option<Info> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.as_object()?;
    let fields = Fields::of(&value);
    Some(Info {
        name: fields.string("name"),
        mode: fields.string("mode"),
    })
}

/// The names of variables that an app cannot do without, from `GET /parameters`.
pub fn required_inputs(body: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    Fields::of(&value)
        .list("user_input_form")
        .filter_map(Value::as_object)
        .flat_map(|item| item.values())
        .map(Fields::of)
        .filter(|field| field.get("required").and_then(Value::as_bool) == Some(true))
        .filter_map(|field| field.text("variable"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_list_reads_newest_first() {
        let body = r#"{"limit":20,"has_more":false,"data":[
            {"id":"m1","conversation_id":"c1","query":"早","answer":"早","status":"normal","created_at":10},
            {"id":"m2","conversation_id":"c1","query":"在吗","answer":"","status":"error","created_at":20},
            {"id":"../m3"}]}"#;
        let list = messages(body.as_bytes()).unwrap();
        let ids: Vec<&str> = list.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids, ["m2", "m1"]);
        assert!(list[0].failed);
        assert_eq!(messages(b"<html>"), None);
        assert_eq!(messages(b"{}"), None);
    }

    #[test]
    fn an_app_says_what_it_needs() {
        let body = r#"{"user_input_form":[{"text-input":{"label":"渠道","variable":"channel","required":true}},
            {"select":{"variable":"lang","required":false}}, 3]}"#;
        assert_eq!(required_inputs(body.as_bytes()), ["channel"]);
        assert!(required_inputs(b"nope").is_empty());
    }
}
