//! `chat-messages`: what a question must be, and the run it starts (Dify notes, 3 and 5).

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Dify;
use super::errors::{Refusal, invalid, ordered};
use super::run::{Ids, Run};
use super::script::{Script, Step};
use super::state::{Asked, Conversation, Task};
use crate::call::{Answer, Body, Call};
use crate::faults::Twist;
use crate::settings::{AppMode, DifyApp, Shape};

/// How many pieces may wait for a slow reader.
const PIECES: usize = 64;

impl Dify {
    pub(super) fn chat(
        &self,
        index: usize,
        app: &DifyApp,
        call: &Call,
        twist: Option<Twist>,
    ) -> Result<Answer, Refusal> {
        let body = call.json().filter(Value::is_object);
        let body = body.ok_or_else(|| invalid("The request body is no JSON object."))?;
        let asked = match self.check(index, app, &body) {
            Ok(asked) => asked,
            Err(Refused::Told(refusal)) => return Err(refusal),
            Err(Refused::Bare(answer)) => return Ok(answer),
        };
        let run = self.begin(index, app, asked, twist);
        match run.asked.streaming {
            true => Ok(streamed(run)),
            false => Ok(Answer::later(run.block())),
        }
    }

    fn check(&self, index: usize, app: &DifyApp, body: &Value) -> Result<Asked, Refused> {
        if !body["inputs"].is_object() {
            return Err(invalid("inputs is required in input form").into());
        }
        let user = body["user"].as_str().filter(|user| !user.is_empty());
        let user = user.ok_or_else(|| invalid("Arg user must be provided."))?;
        let query = body["query"].as_str().unwrap_or_default().replace('\0', "");
        if query.is_empty() {
            return Err(invalid("query is required").into());
        }
        let streaming = match body["response_mode"].as_str() {
            Some("streaming") => true,
            Some("blocking") | None => false,
            Some(_) => return Err(invalid("response_mode must be streaming or blocking").into()),
        };
        if app.mode == AppMode::Agent && !streaming {
            return Err(invalid("Agent Chat App does not support blocking mode").into());
        }
        let files = self.check_files(index, user, &body["files"])?;
        let id = body["conversation_id"].as_str().unwrap_or_default().trim();
        if !id.is_empty() {
            self.check_conversation(index, app, id, user)?;
        }
        let world = &self.0.world;
        Ok(Asked {
            key: app.key.clone(),
            user: user.to_owned(),
            is_new: id.is_empty(),
            conversation_id: match id {
                "" => world.chance.uuid(),
                id => id.to_owned(),
            },
            query,
            inputs: body["inputs"].clone(),
            files,
            streaming,
            task_id: world.chance.uuid(),
        })
    }

    fn check_conversation(
        &self,
        index: usize,
        app: &DifyApp,
        id: &str,
        user: &str,
    ) -> Result<(), Refused> {
        if !is_uuid(id) {
            return Err(match app.shape {
                Shape::V1_13 => invalid("conversation_id must be a valid UUID").into(),
                // The old parser's envelope lacks `status`.
                Shape::V0_15 => {
                    let message = format!("{id} is not a valid uuid.");
                    let body = json!({"code": "invalid_param", "message": message, "params": "conversation_id"});
                    Refused::Bare(Answer::json(400, &body))
                }
            });
        }
        let known = self.0.state.lock().conversation(id, index, user).is_some();
        match known {
            true => Ok(()),
            false => Err(ordered(404).into()),
        }
    }

    /// Notes the question and chooses the answer.
    fn begin(&self, index: usize, app: &DifyApp, asked: Asked, twist: Option<Twist>) -> Run {
        let world = &self.0.world;
        let created = world.clock.seconds();
        let stop = CancellationToken::new();
        let mut state = self.0.state.lock();
        if asked.is_new {
            let conversation = Conversation {
                app: index,
                user: asked.user.clone(),
                created,
                turns: Default::default(),
                memory: Default::default(),
            };
            state.begin(asked.conversation_id.clone(), conversation);
        }
        let task = Task {
            app: index,
            user: asked.user.clone(),
            stop: stop.clone(),
        };
        state.tasks.insert(asked.task_id.clone(), task);
        let script = self.script_for(&mut state, &asked);
        let script = twist.into_iter().fold(script, twisted);
        state.note(asked.clone());
        drop(state);
        world.hub.wake();
        let ids = Ids {
            message: world.chance.uuid(),
            workflow_run: world.chance.uuid(),
            created,
        };
        Run::new(self.clone(), app.clone(), asked, ids, script, stop)
    }

    fn script_for(&self, state: &mut super::state::State, asked: &Asked) -> Script {
        if let Some(script) = state.script(&asked.user, &asked.query) {
            return script;
        }
        let mark = &self.0.settings.hand_off_mark;
        let pictures = asked.files.len();
        let conversation = state.conversations.get_mut(&asked.conversation_id);
        let answer = conversation.map(|c| c.memory.answer(&asked.query, pictures, mark));
        let answer = answer.unwrap_or_default();
        Script::marked(&asked.query, &answer).unwrap_or_else(|| Script::answer(&answer))
    }
}

/// A refusal in the usual envelope, or in an odd one.
enum Refused {
    Told(Refusal),
    Bare(Answer),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Told(refusal)
    }
}

fn streamed(run: Run) -> Answer {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let runtime = run.runtime();
    runtime.spawn(run.stream(pieces));
    Answer {
        status: 200,
        headers: vec![
            (
                "content-type".into(),
                "text/event-stream; charset=utf-8".into(),
            ),
            ("cache-control".into(), "no-cache".into()),
        ],
        body: Body::Pieces(receiver),
        code: None,
    }
}

/// Goes wrong after half of what was to be said.
fn twisted(script: Script, twist: Twist) -> Script {
    let end = match twist {
        Twist::Mute => return Script::new().step(Step::Mute),
        Twist::CutMid => Step::Cut,
        Twist::Error(code) => Step::Fail {
            code: code.unwrap_or_else(|| "completion_request_error".into()),
            status: 400,
            message: "[sandbox] Error: the model failed by order".into(),
        },
        // No stream suffers what pages and messages of WeChat KF do.
        Twist::Empty | Twist::PageOf(_) | Twist::Replay(_) | Twist::SendFail(_) => return script,
    };
    let said = script.steps.iter().find_map(|step| match step {
        Step::Say(text) => Some(text.clone()),
        _ => None,
    });
    let said = said.unwrap_or_default();
    let half: String = said
        .chars()
        .take(said.chars().count().div_ceil(2))
        .collect();
    Script::new().says(&half).step(end)
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
