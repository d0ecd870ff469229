//! Routes, keys, and the smaller endpoints (Dify notes, 1, 6, 8, 10).

use serde_json::{Value, json};

use super::Dify;
use super::errors::{Refusal, invalid, ordered, refuse};
use super::state::Feedback;
use super::story;
use crate::call::{Answer, Call, Peer};
use crate::faults::Twist;
use crate::settings::{DifyApp, Shape};
use crate::wire::PeerName;

impl Peer for Dify {
    fn name(&self) -> PeerName {
        PeerName::Dify
    }

    fn operation(&self, call: &Call) -> &'static str {
        match Route::of(call) {
            Route::Chat => "dify.chat",
            Route::Stop(_) => "dify.stop",
            Route::Upload => "dify.upload",
            Route::Info | Route::Parameters | Route::Meta => "dify.info",
            Route::Messages | Route::Conversations | Route::Delete(_) => "dify.history",
            Route::Feedback(_) => "dify.feedback",
            Route::Unknown => "dify.other",
        }
    }

    fn who(&self, call: &Call) -> Vec<String> {
        let body = call.json().unwrap_or_default();
        let users = [body["user"].as_str(), call.param("user")];
        users.into_iter().flatten().map(str::to_owned).collect()
    }

    fn answer(&self, call: &Call, twist: Option<Twist>) -> Answer {
        let answer = self
            .route(call, twist)
            .unwrap_or_else(|refusal| refusal.answer());
        let version = match self.app_of(call) {
            Ok((_, app)) if app.shape == Shape::V0_15 => "0.15.3",
            _ => "1.13.3",
        };
        answer
            .with_header("x-version", version)
            .with_header("x-env", "PRODUCTION")
    }

    fn explain(&self, body: &[u8]) -> Option<String> {
        story::said_in(std::str::from_utf8(body).ok()?)
    }

    fn failure(&self, code: i64) -> Answer {
        ordered(u16::try_from(code).unwrap_or(500)).answer()
    }

    fn expire(&self, _call: &Call) -> Answer {
        ordered(401).answer()
    }
}

enum Route<'a> {
    Chat,
    Stop(&'a str),
    Upload,
    Info,
    Parameters,
    Meta,
    Messages,
    Conversations,
    Delete(&'a str),
    Feedback(&'a str),
    Unknown,
}

impl<'a> Route<'a> {
    fn of(call: &'a Call) -> Self {
        let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        match (call.method.as_str(), path.as_slice()) {
            ("POST", ["v1", "chat-messages"]) => Self::Chat,
            ("POST", ["v1", "chat-messages", task, "stop"]) => Self::Stop(task),
            ("POST", ["v1", "files", "upload"]) => Self::Upload,
            ("GET", ["v1", "info"]) => Self::Info,
            ("GET", ["v1", "parameters"]) => Self::Parameters,
            ("GET", ["v1", "meta"]) => Self::Meta,
            ("GET", ["v1", "messages"]) => Self::Messages,
            ("GET", ["v1", "conversations"]) => Self::Conversations,
            ("DELETE", ["v1", "conversations", id]) => Self::Delete(id),
            ("POST", ["v1", "messages", id, "feedbacks"]) => Self::Feedback(id),
            _ => Self::Unknown,
        }
    }
}

impl Dify {
    fn route(&self, call: &Call, twist: Option<Twist>) -> Result<Answer, Refusal> {
        let route = Route::of(call);
        if matches!(route, Route::Unknown) {
            return Ok(not_found());
        }
        let (index, app) = self.app_of(call)?;
        match route {
            Route::Chat => self.chat(index, &app, call, twist),
            Route::Stop(task) => self.stop(index, task, call),
            Route::Upload => self.upload(index, call),
            Route::Info => Ok(Answer::json(200, &info(&app))),
            Route::Parameters => Ok(Answer::json(200, &parameters())),
            Route::Meta => Ok(Answer::json(200, &json!({"tool_icons": {}}))),
            Route::Messages => self.messages(index, call),
            Route::Conversations => self.conversations(index, call),
            Route::Delete(id) => self.delete(index, &app, id, call),
            Route::Feedback(id) => self.feedback(index, id, call),
            Route::Unknown => Ok(not_found()),
        }
    }

    /// The app that the key chooses.
    pub(super) fn app_of(&self, call: &Call) -> Result<(usize, DifyApp), Refusal> {
        let header = call.header("authorization").unwrap_or_default();
        let key = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, key) = key.ok_or_else(|| {
            refuse(
                401,
                "unauthorized",
                "Authorization header must be provided and start with 'Bearer'",
            )
        })?;
        let found = self
            .apps()
            .iter()
            .enumerate()
            .find(|(_, app)| app.key == key);
        let (index, app) = found.ok_or_else(|| ordered(401))?;
        Ok((index, app.clone()))
    }

    /// Always a success; only the run's own user stops it (Dify notes, 6).
    fn stop(&self, app: usize, task: &str, call: &Call) -> Result<Answer, Refusal> {
        let user = body_user(call)?;
        let mut state = self.0.state.lock();
        let own = state
            .tasks
            .get(task)
            .filter(|t| t.app == app && t.user == user);
        if let Some(stop) = own.map(|task| task.stop.clone()) {
            stop.cancel();
            state.stopped.push(task.to_owned());
            self.0.world.hub.wake();
        }
        Ok(Answer::json(200, &json!({"result": "success"})))
    }

    fn messages(&self, app: usize, call: &Call) -> Result<Answer, Refusal> {
        let id = call.param("conversation_id").unwrap_or_default();
        let user = call.param("user").unwrap_or("DEFAULT-USER");
        let mut state = self.0.state.lock();
        let conversation = state
            .conversation(id, app, user)
            .ok_or_else(|| ordered(404))?;
        let limit = limit(call)?;
        let newest = conversation.turns.iter().rev();
        let mut older: Vec<_> = match call.param("first_id").filter(|first| !first.is_empty()) {
            None => newest.collect(),
            Some(first) => newest
                .skip_while(|turn| turn.message_id != first)
                .skip(1)
                .collect(),
        };
        let more = older.len() > limit;
        older.truncate(limit);
        let data: Vec<Value> = older.iter().map(|turn| turn.line(id)).collect();
        Ok(Answer::json(
            200,
            &json!({"limit": limit, "has_more": more, "data": data}),
        ))
    }

    fn conversations(&self, app: usize, call: &Call) -> Result<Answer, Refusal> {
        let user = call.param("user").unwrap_or("DEFAULT-USER");
        let limit = limit(call)?;
        let state = self.0.state.lock();
        let own = state
            .conversations
            .iter()
            .filter(|(_, c)| c.app == app && c.user == user);
        let mut own: Vec<_> = own.collect();
        own.sort_by_key(|(_, conversation)| std::cmp::Reverse(conversation.created));
        let data = own.iter().take(limit).map(|(id, conversation)| {
            json!({"id": id, "name": "New conversation", "inputs": {}, "status": "normal", "introduction": "",
                "created_at": conversation.created, "updated_at": conversation.created})
        });
        let data: Vec<Value> = data.collect();
        Ok(Answer::json(
            200,
            &json!({"limit": limit, "has_more": own.len() > limit, "data": data}),
        ))
    }

    fn delete(&self, app: usize, own: &DifyApp, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let user = body_user(call)?;
        let mut state = self.0.state.lock();
        state
            .conversation(id, app, &user)
            .ok_or_else(|| ordered(404))?;
        state.conversations.remove(id);
        Ok(match own.shape {
            Shape::V0_15 => Answer::json(200, &json!({"result": "success"})),
            Shape::V1_13 => Answer::new(204, "application/json", ""),
        })
    }

    fn feedback(&self, app: usize, id: &str, call: &Call) -> Result<Answer, Refusal> {
        let user = body_user(call)?;
        let body = call.json().unwrap_or_default();
        let rating = match &body["rating"] {
            Value::Null => None,
            Value::String(word) if matches!(word.as_str(), "like" | "dislike") => {
                Some(word.clone())
            }
            _ => return Err(invalid("rating must be like, dislike or null")),
        };
        let content = body["content"].as_str().map(str::to_owned);
        let mut state = self.0.state.lock();
        let mut turns = state
            .conversations
            .values_mut()
            .filter(|c| c.app == app && c.user == user)
            .flat_map(|c| &mut c.turns);
        let Some(turn) = turns.find(|turn| turn.message_id == id) else {
            return Err(refuse(404, "not_found", "Message Not Exists."));
        };
        turn.rating = rating.clone();
        let feedback = Feedback {
            user,
            query: turn.query.clone(),
            message_id: id.to_owned(),
            rating,
            content,
        };
        state.judged(feedback);
        self.0.world.hub.wake();
        Ok(Answer::json(200, &json!({"result": "success"})))
    }
}

/// The `user` of a JSON body, which most endpoints want.
pub(super) fn body_user(call: &Call) -> Result<String, Refusal> {
    let body = call.json().unwrap_or_default();
    let user = body["user"].as_str().filter(|user| !user.is_empty());
    user.map(str::to_owned)
        .ok_or_else(|| invalid("Arg user must be provided."))
}

fn limit(call: &Call) -> Result<usize, Refusal> {
    let limit = call.param("limit").unwrap_or("20").parse::<usize>().ok();
    let limit = limit.filter(|limit| (1..=100).contains(limit));
    limit.ok_or_else(|| invalid("limit must be between 1 and 100"))
}

/// Older builds lack `mode` and `author_name` (Dify notes, 10).
fn info(app: &DifyApp) -> Value {
    let mut info = json!({"name": "云杉商城客服", "description": "", "tags": []});
    if app.shape == Shape::V1_13 {
        info["mode"] = app.mode.word().into();
        info["author_name"] = "sandbox".into();
    }
    info
}

fn parameters() -> Value {
    let off = json!({"enabled": false});
    json!({
        "opening_statement": "", "suggested_questions": [], "suggested_questions_after_answer": off,
        "speech_to_text": off, "text_to_speech": {"enabled": false, "voice": "", "language": "", "autoPlay": "disabled"},
        "retriever_resource": off, "annotation_reply": off, "more_like_this": off, "sensitive_word_avoidance": off,
        "user_input_form": [],
        "file_upload": {"enabled": true, "allowed_file_types": ["image"], "number_limits": 3,
            "allowed_file_upload_methods": ["remote_url", "local_file"],
            "image": {"enabled": true, "number_limits": 3, "detail": "high", "transfer_methods": ["remote_url", "local_file"]}},
        "system_parameters": {"file_size_limit": 15, "image_file_size_limit": 10, "audio_file_size_limit": 50,
            "video_file_size_limit": 100, "workflow_file_upload_limit": 10}
    })
}

/// Unknown paths answer with the framework's page, not with JSON.
fn not_found() -> Answer {
    let page = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n";
    Answer::new(404, "text/html; charset=utf-8", page)
}
