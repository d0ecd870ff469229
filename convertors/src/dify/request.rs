//! What is asked of Dify: bodies and paths (Dify: 3.1, 6, 7, 8).

use serde::Serialize;
use serde_json::{Map, Value};

use super::ids::{ConversationId, MessageId, TaskId, UploadId};

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseMode {
    /// Piece by piece; every kind of app takes it.
    Streaming,
    /// Whole; agents refuse it, and proxies cut it.
    Blocking,
}

/// `POST /chat-messages`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatRequest<'a> {
    /// The question; never empty (Dify refuses it), see [`query`].
    pub query: &'a str,
    /// The app's variables: needed on every turn since 1.9.
    pub inputs: &'a Map<String, Value>,
    /// Who asks: one string per contact for ever, because conversations and files belong to it.
    pub user: &'a str,
    /// Stream or whole.
    pub response_mode: ResponseMode,
    /// The conversation to go on with; left out, a new one begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<&'a ConversationId>,
    /// Files uploaded before, by the same `user`.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub files: &'a [InputFile],
    /// A title for the conversation costs a model call that nobody reads here.
    pub auto_generate_name: bool,
}

/// A file of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputFile {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: FileKind,
    /// Always an upload: Dify's server could not fetch a channel's address.
    pub transfer_method: &'static str,
    /// The upload's id.
    pub upload_file_id: UploadId,
}

impl InputFile {
    /// A file that was uploaded.
    pub fn uploaded(kind: FileKind, id: UploadId) -> Self {
        Self {
            kind,
            transfer_method: "local_file",
            upload_file_id: id,
        }
    }
}

/// What a file is to an app (Dify: files, 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A picture.
    Image,
    /// Text of some kind.
    Document,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

impl FileKind {
    /// The largest file that a server takes unless its operator says otherwise, in bytes (Dify: 7.1).
    pub fn default_limit(self) -> u64 {
        const MB: u64 = 1 << 20;
        match self {
            Self::Image => 10 * MB,
            Self::Document => 15 * MB,
            Self::Audio => 50 * MB,
            Self::Video => 100 * MB,
        }
    }
}

/// The body of calls that name the user alone: stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByUser<'a> {
    /// The user whose run it is.
    pub user: &'a str,
}

/// `POST /messages/{id}/feedbacks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feedback<'a> {
    /// Like, dislike; `null` takes it back.
    pub rating: Option<Rating>,
    /// The user who was answered.
    pub user: &'a str,
    /// Words beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<&'a str>,
}

/// A customer's judgement of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rating {
    /// Helpful.
    Like,
    /// Not helpful.
    Dislike,
}

/// Asks a question.
pub const CHAT: &str = "chat-messages";
/// Uploads a file: multipart `file` and `user`.
pub const UPLOAD: &str = "files/upload";
/// A conversation's messages, newest first.
pub const MESSAGES: &str = "messages";
/// A user's conversations, newest first.
pub const CONVERSATIONS: &str = "conversations";
/// The app's name and mode: cheap, and refused with a wrong key.
pub const INFO: &str = "info";
/// The app's variables and limits.
pub const PARAMETERS: &str = "parameters";

/// Stops a run. The answer is always "success", also for a run that nobody knows.
pub fn stop(task: &TaskId) -> String {
    format!("{CHAT}/{task}/stop")
}

/// Takes a judgement of an answer.
pub fn feedbacks(message: &MessageId) -> String {
    format!("{MESSAGES}/{message}/feedbacks")
}

/// A question that Dify takes: NULs gone, as Dify drops them itself, and never empty.
pub fn query(said: &str, placeholder: &str) -> String {
    let said = said.replace('\0', "");
    match said.trim() {
        "" => placeholder.to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_first_question_names_no_conversation_and_no_files() {
        let asked = ChatRequest {
            query: "退货运费谁出?",
            inputs: &Map::new(),
            user: "mall:oABC123",
            response_mode: ResponseMode::Streaming,
            conversation_id: None,
            files: &[],
            auto_generate_name: false,
        };
        let wanted = json!({
            "query": "退货运费谁出?", "inputs": {}, "user": "mall:oABC123",
            "response_mode": "streaming", "auto_generate_name": false,
        });
        assert_eq!(serde_json::to_value(asked).unwrap(), wanted);
    }

    #[test]
    fn a_picture_goes_as_the_upload_that_it_is() {
        let id = UploadId::read("948ff8ec-73e3-46ad-95b7-1b9202a79bd2").unwrap();
        let file = serde_json::to_value(InputFile::uploaded(FileKind::Image, id)).unwrap();
        let wanted = json!({
            "type": "image", "transfer_method": "local_file",
            "upload_file_id": "948ff8ec-73e3-46ad-95b7-1b9202a79bd2",
        });
        assert_eq!(file, wanted);
    }

    #[test]
    fn a_question_is_never_empty() {
        assert_eq!(query(" \0\n", "[图片]"), "[图片]");
        assert_eq!(query(" 在吗\0 ", "[图片]"), "在吗");
    }

    #[test]
    fn feedback_taken_back_says_null() {
        let back = Feedback {
            rating: None,
            user: "u",
            content: None,
        };
        assert_eq!(
            serde_json::to_value(back).unwrap(),
            json!({"rating": null, "user": "u"})
        );
    }
}
