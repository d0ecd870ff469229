//! Playing the customer.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::said::{accepted, check_names, media, words};
use super::{Answered, Refused, Stage, Window, body};
use crate::wechat::{Act, Event, NewCustomer, Phone};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/customers", web::get().to(list))
        .route("/customers", web::post().to(add))
        .route("/customers/{openid}", web::get().to(one))
        .route("/customers/{openid}/messages", web::get().to(chat))
        .route("/customers/{openid}/messages", web::post().to(say))
        .route("/customers/{openid}/events", web::post().to(event));
}

async fn list(stage: web::Data<Stage>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"customers": stage.wechat.customers()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    #[serde(default)]
    nickname: String,
    #[serde(default)]
    avatar: String,
    inbox: Option<String>,
    openid: Option<String>,
    follow: Option<bool>,
}

async fn add(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    let new: New = body(payload).await?;
    let sound = |id: &String| (1..=64).contains(&id.len()) && id.is_ascii();
    if new.openid.as_ref().is_some_and(|id| !sound(id)) || new.nickname.chars().count() > 64 {
        return Err(Refused::bad(
            "openid 或昵称不合适",
            "openid or nickname does not fit",
        ));
    }
    let number = stage.wechat.customers().len() + 1;
    let customer = NewCustomer {
        nickname: match new.nickname.trim() {
            "" => format!("顾客{number}"),
            nickname => nickname.to_owned(),
        },
        avatar: new.avatar,
        openid: new.openid,
        inbox: new.inbox,
        following: false,
        unionid: None,
    };
    let phone = stage.wechat.add_customer(customer);
    let phone = phone.map_err(|why| Refused::conflict(format!("无法新建顾客：{why}"), why))?;
    if new.follow.unwrap_or(true) {
        drop(phone.follows(None));
    }
    Ok(HttpResponse::Created().json(phone.customer()))
}

fn phone(stage: &Stage, openid: &str) -> Result<Phone, Refused> {
    let phone = stage.wechat.phone_of(openid);
    phone.ok_or_else(|| Refused::missing("顾客", "customer"))
}

async fn one(stage: web::Data<Stage>, openid: Path<String>) -> Answered {
    Ok(HttpResponse::Ok().json(phone(&stage, &openid)?.customer()))
}

async fn chat(stage: web::Data<Stage>, openid: Path<String>, window: Query<Window>) -> Answered {
    let chat = phone(&stage, &openid)?.chat();
    Ok(HttpResponse::Ok().json(window.of(chat)))
}

/// A message as the pages send it.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Said {
    Text {
        text: String,
    },
    MenuTap {
        id: String,
        text: String,
    },
    Image {
        media: String,
    },
    Voice {
        media: String,
        words: Option<String>,
        format: Option<String>,
    },
    Video {
        media: String,
        thumb: Option<String>,
    },
    File {
        media: String,
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
    MiniProgram {
        title: String,
        app_id: String,
        page_path: String,
    },
}

async fn say(stage: web::Data<Stage>, openid: Path<String>, payload: web::Payload) -> Answered {
    let said: Said = body(payload).await?;
    let phone = phone(&stage, &openid)?;
    let act = act(&stage, said)?;
    Ok(accepted(phone.does(act)))
}

fn act(stage: &Stage, said: Said) -> Result<Act, Refused> {
    Ok(match said {
        Said::Text { text } => Act::Text(words(text)?),
        Said::MenuTap { id, text } => Act::MenuTap { id, text },
        Said::Image { media: id } => Act::Image(media(stage, &id)?),
        Said::Voice {
            media: id,
            words,
            format,
        } => Act::Voice {
            media: media(stage, &id)?,
            words,
            format: format.unwrap_or_else(|| "amr".into()),
        },
        Said::Video { media: id, thumb } => Act::Video {
            media: media(stage, &id)?,
            thumb: thumb.map(|id| media(stage, &id)).transpose()?,
            short: false,
        },
        Said::File { media: id } => Act::File(media(stage, &id)?),
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
        Said::MiniProgram {
            title,
            app_id,
            page_path,
        } => Act::MiniProgram {
            title,
            app_id,
            page_path,
        },
    })
}

/// An event as the pages send it.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Done {
    Subscribe {
        scene: Option<String>,
    },
    Unsubscribe,
    Scan {
        scene: String,
    },
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
    Enter {
        #[serde(default)]
        session_from: String,
    },
    Consent {
        template: String,
        accept: bool,
    },
    Raw {
        name: String,
        #[serde(default)]
        fields: Map<String, Value>,
    },
}

async fn event(stage: web::Data<Stage>, openid: Path<String>, payload: web::Payload) -> Answered {
    let done: Done = body(payload).await?;
    let phone = phone(&stage, &openid)?;
    let event = match done {
        Done::Scan { scene } => return Ok(accepted(phone.scans(&scene))),
        Done::Subscribe { scene } => Event::Subscribe { scene },
        Done::Unsubscribe => Event::Unsubscribe,
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
        Done::Enter { session_from } => Event::EnterSession { session_from },
        Done::Consent { template, accept } => {
            return Ok(accepted(phone.answers(&template, accept)));
        }
        Done::Raw { name, fields } => {
            check_names(&name, &fields)?;
            Event::Raw { name, fields }
        }
    };
    Ok(accepted(phone.does(Act::Event(event))))
}
