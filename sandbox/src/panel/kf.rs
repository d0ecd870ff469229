//! Playing the customer of the KF account: the same words as for the official account's, below `/kf`.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::json;

use super::customers::Said;
use super::said::{accepted, media, words};
use super::{Answered, Refused, Stage, Window, body};
use crate::content::Content;
use crate::kf::KfPhone;
use crate::play::Pushed;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/kf/customers", web::get().to(list))
        .route("/kf/customers", web::post().to(add))
        .route("/kf/customers/{openid}/messages", web::get().to(chat))
        .route("/kf/customers/{openid}/messages", web::post().to(say))
        .route("/kf/customers/{openid}/events", web::post().to(event));
}

async fn list(stage: web::Data<Stage>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"customers": stage.kf.customers()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    #[serde(default)]
    nickname: String,
}

async fn add(stage: web::Data<Stage>, payload: web::Payload) -> Answered {
    let new: New = body(payload).await?;
    if new.nickname.chars().count() > 64 {
        return Err(Refused::bad("昵称太长", "the nickname is too long"));
    }
    let customers = stage.kf.customers();
    let nickname = match new.nickname.trim() {
        "" => format!("顾客{}", customers.len() + 1),
        nickname => nickname.to_owned(),
    };
    let phone = stage.kf.phone(&nickname);
    drop(phone.enters(""));
    let customers = stage.kf.customers();
    let made = customers.into_iter().find(|one| one.openid == phone.id());
    Ok(HttpResponse::Created().json(made))
}

fn phone(stage: &Stage, openid: &str) -> Result<KfPhone, Refused> {
    let phone = stage.kf.phone_of(openid);
    phone.ok_or_else(|| Refused::missing("顾客", "customer"))
}

async fn chat(stage: web::Data<Stage>, openid: Path<String>, window: Query<Window>) -> Answered {
    let chat = phone(&stage, &openid)?.chat();
    Ok(HttpResponse::Ok().json(window.of(chat)))
}

async fn say(stage: web::Data<Stage>, openid: Path<String>, payload: web::Payload) -> Answered {
    let said: Said = body(payload).await?;
    let phone = phone(&stage, &openid)?;
    Ok(accepted(does(&stage, &phone, said)?))
}

fn does(stage: &Stage, phone: &KfPhone, said: Said) -> Result<Pushed, Refused> {
    Ok(match said {
        Said::Text { text } => phone.says(&words(text)?),
        Said::MenuTap { id, text } => phone.taps(&id, &text),
        Said::Image { media: id } => phone.sends_media("image", &media(stage, &id)?),
        Said::Voice { media: id, .. } => phone.sends_media("voice", &media(stage, &id)?),
        Said::Video { media: id, .. } => phone.sends_media("video", &media(stage, &id)?),
        Said::File { media: id } => phone.sends_media("file", &media(stage, &id)?),
        Said::Location {
            latitude,
            longitude,
            label,
            scale,
        } => phone.sends(
            "location",
            json!({ "latitude": latitude, "longitude": longitude, "name": label, "address": "" }),
            Content::Location {
                latitude,
                longitude,
                label,
                scale,
            },
        ),
        Said::Link {
            title,
            description,
            url,
        } => phone.sends(
            "link",
            json!({ "title": title, "desc": description, "url": url, "pic_url": "" }),
            Content::Link {
                title,
                description,
                url,
                picture_url: None,
            },
        ),
        Said::MiniProgram {
            title,
            app_id,
            page_path,
        } => phone.sends(
            "miniprogram",
            json!({ "title": title, "appid": app_id, "pagepath": page_path, "thumb_media_id": "" }),
            Content::MiniProgram {
                title,
                app_id,
                page_path,
                thumb_url: None,
            },
        ),
    })
}

/// What a KF customer does that is not speech: opens the chat by a link.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Done {
    Enter {
        #[serde(default)]
        scene_param: String,
    },
}

async fn event(stage: web::Data<Stage>, openid: Path<String>, payload: web::Payload) -> Answered {
    let Done::Enter { scene_param } = body(payload).await?;
    let phone = phone(&stage, &openid)?;
    Ok(accepted(phone.enters(&scene_param)))
}
