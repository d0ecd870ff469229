//! Playing the agent.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::json;

use super::said::{accepted, media, words};
use super::{Answered, Refused, Stage, Window, body};
use crate::settings::AgentSettings;
use crate::tim::{Client, Element};

pub(super) fn configure(config: &mut ServiceConfig) {
    let messages = "/agents/{user_id}/chats/{peer}/messages";
    config
        .route("/agents", web::get().to(list))
        .route("/agents", web::post().to(add))
        .route("/agents/{user_id}/presence", web::put().to(presence))
        .route("/agents/{user_id}/chats", web::get().to(chats))
        .route("/agents/{user_id}/chats/{peer}/read", web::post().to(read))
        .route(
            "/agents/{user_id}/chats/{peer}/typing",
            web::post().to(types),
        )
        .route(messages, web::get().to(chat))
        .route(messages, web::post().to(say))
        .route(
            "/agents/{user_id}/chats/{peer}/messages/{key}",
            web::delete().to(recall),
        )
        .route(
            "/agents/{user_id}/chats/{peer}/messages/{key}",
            web::put().to(edit),
        );
}

fn client(stage: &Stage, user_id: &str) -> Result<Client, Refused> {
    let client = stage.tim.client(user_id);
    client.ok_or_else(|| Refused::missing("客服", "agent"))
}

async fn list(stage: web::Data<Stage>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"agents": stage.tim.agents()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    user_id: String,
    #[serde(default)]
    nick: String,
    #[serde(default)]
    avatar: String,
}

async fn add(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    let new: New = body(payload).await?;
    if !(1..=32).contains(&new.user_id.len()) || new.user_id.contains(char::is_whitespace) {
        return Err(Refused::bad(
            "user_id 为 1 到 32 字节，不含空格",
            "user_id has 1 to 32 bytes and no spaces",
        ));
    }
    if stage.tim.client(&new.user_id).is_some() {
        return Err(Refused::conflict(
            "这个客服已存在",
            "the agent exists already",
        ));
    }
    let client = stage.tim.add_agent(&AgentSettings {
        user_id: new.user_id,
        nick: new.nick,
        online: false,
    });
    if !new.avatar.is_empty() {
        client.shows_face(&new.avatar);
    }
    Ok(HttpResponse::Created().json(client.agent()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    presence: Word,
    platform: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Online,
    PushOnline,
    Offline,
}

async fn presence(
    stage: web::Data<Stage>,
    user_id: Path<String>,
    payload: web::Payload,
) -> Answered {
    let wanted: Wanted = body(payload).await?;
    let client = client(&stage, &user_id)?;
    let platform = wanted.platform.unwrap_or_else(|| "Web".into());
    if !platform.bytes().all(|byte| byte.is_ascii_alphanumeric()) || platform.len() > 16 {
        return Err(Refused::bad("platform 不合适", "platform does not fit"));
    }
    drop(match wanted.presence {
        Word::Online => client.logs_in(&platform),
        Word::PushOnline => client.disconnects(true),
        Word::Offline => client.logs_out(),
    });
    Ok(HttpResponse::Ok().json(client.agent()))
}

async fn chats(stage: web::Data<Stage>, user_id: Path<String>) -> Answered {
    let chats = client(&stage, &user_id)?.chats();
    Ok(HttpResponse::Ok().json(json!({"chats": chats})))
}

type Pair = Path<(String, String)>;

async fn chat(stage: web::Data<Stage>, pair: Pair, window: Query<Window>) -> Answered {
    let (user_id, peer) = pair.into_inner();
    let chat = client(&stage, &user_id)?.messages(&peer);
    Ok(HttpResponse::Ok().json(window.of(chat)))
}

async fn read(stage: web::Data<Stage>, pair: Pair) -> Answered {
    let (user_id, peer) = pair.into_inner();
    let client = client(&stage, &user_id)?;
    let missing = || Refused::missing("会话", "chat");
    client.chat(&peer).ok_or_else(missing)?;
    drop(client.reads(&peer));
    Ok(HttpResponse::Ok().json(client.chat(&peer).ok_or_else(missing)?))
}

/// A message as the pages send it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    Text {
        text: String,
    },
    Image {
        media: String,
    },
    Voice {
        media: String,
        seconds: Option<u32>,
    },
    Video {
        media: String,
        seconds: Option<u32>,
        thumb: Option<String>,
    },
    File {
        media: String,
    },
    Location {
        latitude: f64,
        longitude: f64,
        label: String,
    },
    Face {
        index: i64,
        #[serde(default)]
        data: String,
    },
    Custom {
        data: String,
        #[serde(default)]
        description: String,
        #[serde(default)]
        extension: String,
    },
}

fn element(stage: &Stage, said: Said) -> Result<Element, Refused> {
    Ok(match said {
        Said::Text { text } => Element::Text(words(text)?),
        Said::Image { media: id } => Element::Image(media(stage, &id)?),
        Said::File { media: id } => Element::File(media(stage, &id)?),
        Said::Voice { media: id, seconds } => Element::Sound {
            media: media(stage, &id)?,
            seconds: seconds.unwrap_or(1),
        },
        Said::Video {
            media: id,
            seconds,
            thumb,
        } => Element::Video {
            media: media(stage, &id)?,
            thumb: thumb.map(|id| media(stage, &id)).transpose()?,
            seconds: seconds.unwrap_or(0),
        },
        Said::Location {
            latitude,
            longitude,
            label,
        } => Element::Location {
            latitude,
            longitude,
            label,
        },
        Said::Face { index, data } => Element::Face { index, data },
        Said::Custom {
            data,
            description,
            extension,
        } => Element::Custom {
            data,
            description,
            extension,
        },
    })
}

async fn say(stage: web::Data<Stage>, pair: Pair, payload: web::Payload) -> Answered {
    let (user_id, peer) = pair.into_inner();
    let said: Said = body(payload).await?;
    let client = client(&stage, &user_id)?;
    let element = element(&stage, said)?;
    let sent = client.sends(&peer, &[element]);
    let sent = sent.map_err(|why| Refused::conflict(format!("无法发送：{why}"), why))?;
    Ok(accepted(sent))
}

async fn types(stage: web::Data<Stage>, pair: Pair) -> Answered {
    let (user_id, peer) = pair.into_inner();
    drop(client(&stage, &user_id)?.types(&peer));
    Ok(HttpResponse::Accepted().finish())
}

async fn recall(stage: web::Data<Stage>, path: Path<(String, String, String)>) -> Answered {
    let (user_id, peer, key) = path.into_inner();
    let client = client(&stage, &user_id)?;
    client.recalls(&peer, &key).map_err(|code| match code {
        20022 => Refused::missing("消息", "message"),
        20016 => Refused::conflict(
            "超过两分钟的消息不能撤回",
            "messages older than two minutes stay",
        ),
        _ => Refused::conflict("消息已经撤回", "the message was recalled already"),
    })?;
    of_key(&client, &peer, &key)
}

fn of_key(client: &Client, peer: &str, key: &str) -> Answered {
    let mut messages = client.messages(peer).into_iter();
    let found = messages.find(|message| message.key.as_deref() == Some(key));
    let found = found.ok_or_else(|| Refused::missing("消息", "message"))?;
    Ok(HttpResponse::Ok().json(found))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    text: String,
}

async fn edit(
    stage: web::Data<Stage>,
    path: Path<(String, String, String)>,
    payload: web::Payload,
) -> Answered {
    let (user_id, peer, key) = path.into_inner();
    let edited: Edited = body(payload).await?;
    let client = client(&stage, &user_id)?;
    let changed = client.edits(&peer, &key, &edited.text);
    changed.map_err(|code| match code {
        20022 => Refused::missing("消息", "message"),
        code => Refused::conflict(format!("无法修改（{code}）"), format!("refused: {code}")),
    })?;
    of_key(&client, &peer, &key)
}
