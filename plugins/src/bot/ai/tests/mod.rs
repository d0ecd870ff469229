//! The assistant against a Dify that answers as recorded, slowly, brokenly or not at all.

mod answers;
mod config;
mod failures;
mod kit;
mod listening;
mod peer;
mod sandbox;

/// A piece of an answer, as a chatbot streams it.
fn piece(text: &str) -> String {
    serde_json::json!({
        "event": "message", "task_id": "task-1", "conversation_id": "conv-1", "message_id": "msg-1", "answer": text,
    })
    .to_string()
}

const END: &str = r#"{"event":"message_end","task_id":"task-1","conversation_id":"conv-1","message_id":"msg-1","metadata":{"usage":{"total_tokens":31}}}"#;
