//! Playing a member of the corp in WeCom, and reading its groups.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::said::{accepted, check_names, media, words};
use super::{Answered, Refused, Stage, Window, body};
use crate::settings::{MenuAction, MenuEntry, WecomApp, WecomSettings};
use crate::wecom::{Act, Event, Member};

pub(super) fn configure(config: &mut ServiceConfig) {
    let app = "/members/{user_id}/apps/{agent_id}";
    let of = |what: &str| format!("{app}/{what}");
    config
        .route("/members", web::get().to(list))
        .route("/members/{user_id}/apps", web::get().to(apps))
        .route(&of("messages"), web::get().to(chat))
        .route(&of("messages"), web::post().to(say))
        .route(&of("events"), web::post().to(event))
        .route(&of("press"), web::post().to(press))
        .route(&of("read"), web::post().to(read))
        .route("/groups/{name}/messages", web::get().to(group));
}

/// The corp as a page needs it.
pub(super) fn corp(settings: &WecomSettings) -> Value {
    let groups = settings.robots.iter().map(|robot| &robot.name);
    json!({
        "corp_id": settings.corp_id,
        "apps": settings.apps.iter().map(app).collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
    })
}

fn app(app: &WecomApp) -> Value {
    let entry = |entry: &MenuEntry| match &entry.action {
        MenuAction::Click(key) => json!({"name": entry.name, "key": key}),
        MenuAction::View(url) => json!({"name": entry.name, "url": url}),
    };
    json!({
        "inbox": app.inbox, "name": app.name, "agent_id": app.agent_id,
        "menu": app.menu.iter().map(entry).collect::<Vec<_>>()
    })
}

fn member(stage: &Stage, user_id: &str) -> Result<Member, Refused> {
    let member = stage.wecom.member(user_id);
    member.ok_or_else(|| Refused::missing("成员", "member"))
}

type Place = Path<(String, u64)>;

/// A member in front of an app.
fn at(stage: &Stage, place: &Place) -> Result<Member, Refused> {
    let member = member(stage, &place.0)?;
    let at = member.at(place.1);
    at.ok_or_else(|| Refused::missing("应用", "app"))
}

async fn list(stage: web::Data<Stage>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"members": stage.wecom.members()}))
}

async fn apps(stage: web::Data<Stage>, user_id: Path<String>) -> Answered {
    let chats = member(&stage, &user_id)?.chats();
    Ok(HttpResponse::Ok().json(json!({"apps": chats})))
}

async fn chat(stage: web::Data<Stage>, place: Place, window: Query<Window>) -> Answered {
    let chat = at(&stage, &place)?.chat();
    Ok(HttpResponse::Ok().json(window.of(chat)))
}

async fn group(stage: web::Data<Stage>, name: Path<String>, window: Query<Window>) -> Answered {
    let group = stage.wecom.group(&name);
    let group = group.ok_or_else(|| Refused::missing("群", "group"))?;
    Ok(HttpResponse::Ok().json(window.of(group.chat())))
}

async fn read(stage: web::Data<Stage>, place: Place) -> Answered {
    let member = at(&stage, &place)?;
    member.reads();
    Ok(HttpResponse::Ok().json(member.view()))
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
    },
    Video {
        media: String,
        thumb: Option<String>,
    },
    Location {
        latitude: f64,
        longitude: f64,
        label: String,
        scale: Option<u32>,
    },
    Link {
        title: String,
        #[serde(default)]
        description: String,
        url: String,
    },
}

async fn say(stage: web::Data<Stage>, place: Place, payload: web::Payload) -> Answered {
    let said: Said = body(payload).await?;
    let member = at(&stage, &place)?;
    let act = act(&stage, said)?;
    Ok(accepted(member.does(act)))
}

fn act(stage: &Stage, said: Said) -> Result<Act, Refused> {
    Ok(match said {
        Said::Text { text } => Act::Text(words(text)?),
        Said::Image { media: id } => Act::Image(media(stage, &id)?),
        Said::Voice { media: id } => Act::Voice(media(stage, &id)?),
        Said::Video { media: id, thumb } => Act::Video {
            media: media(stage, &id)?,
            thumb: thumb.map(|id| media(stage, &id)).transpose()?,
        },
        Said::Location {
            latitude,
            longitude,
            label,
            scale,
        } => Act::Location {
            latitude,
            longitude,
            scale: scale.unwrap_or(16),
            label,
            from_wecom: true,
        },
        Said::Link {
            title,
            description,
            url,
        } => Act::Link {
            title,
            description,
            url,
        },
    })
}

/// An event as the pages send it.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Done {
    Subscribe,
    Unsubscribe,
    Enter,
    Click {
        key: String,
    },
    View {
        url: String,
    },
    Location {
        latitude: f64,
        longitude: f64,
        precision: Option<f64>,
    },
    Raw {
        name: String,
        #[serde(default)]
        fields: Map<String, Value>,
    },
}

async fn event(stage: web::Data<Stage>, place: Place, payload: web::Payload) -> Answered {
    let done: Done = body(payload).await?;
    let member = at(&stage, &place)?;
    let event = match done {
        Done::Subscribe => Event::Subscribe,
        Done::Unsubscribe => Event::Unsubscribe,
        Done::Enter => Event::Enter,
        Done::Click { key } => Event::Click { key },
        Done::View { url } => Event::View { url },
        Done::Location {
            latitude,
            longitude,
            precision,
        } => Event::Location {
            latitude,
            longitude,
            precision: precision.unwrap_or(65.0),
        },
        Done::Raw { name, fields } => {
            check_names(&name, &fields)?;
            Event::Raw { name, fields }
        }
    };
    Ok(accepted(member.does(Act::Event(event))))
}

/// A pressed button of a card.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed {
    message: u64,
    key: String,
    /// Question and options.
    #[serde(default)]
    chosen: BTreeMap<String, Vec<String>>,
}

async fn press(stage: web::Data<Stage>, place: Place, payload: web::Payload) -> Answered {
    let pressed: Pressed = body(payload).await?;
    let member = at(&stage, &place)?;
    let mut chat = member.chat().into_iter();
    let card = chat.find(|message| message.id == pressed.message);
    let card = card.ok_or_else(|| Refused::missing("消息", "message"))?;
    let chosen: Vec<(&str, Vec<&str>)> = pressed
        .chosen
        .iter()
        .map(|(key, options)| (key.as_str(), options.iter().map(String::as_str).collect()))
        .collect();
    let chosen: Vec<(&str, &[&str])> = chosen.iter().map(|(key, it)| (*key, &it[..])).collect();
    let pressed = member.submits(&card, &pressed.key, &chosen);
    let pressed = pressed.map_err(|why| Refused::conflict(format!("按不了：{why}"), why))?;
    Ok(accepted(pressed))
}
