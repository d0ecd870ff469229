//! `POST /api/wechat/group-bot-notify`: a notice to a group by its robot. Nothing is kept and nothing is sent again: the caller
//! hears whether the platform took it.

use actix_web::{HttpRequest, HttpResponse, web};
use bridge_core::{
    channel::{Channel, ChannelError, ChannelErrorKind, GroupNotice},
    error::Remedy,
};
use serde_json::json;

use super::{Refusal, account, admitted, read, words};
use crate::{app::App, http::body::Body};

/// The most people whose attention one notice calls.
const MENTIONED: usize = 100;

/// A notice, as the older system has it or as the platform's robot does.
#[derive(serde::Deserialize)]
struct Notice {
    /// Which robot, by its name in the configuration; none: the only one.
    #[serde(alias = "bot", alias = "group")]
    robot: Option<String>,
    /// The words.
    content: Option<String>,
    /// `text` or `markdown`.
    #[serde(alias = "type")]
    msgtype: Option<String>,
    /// Members, or `@all`.
    #[serde(default)]
    mentioned_list: Vec<String>,
    /// Phone numbers.
    #[serde(default)]
    mentioned_mobile_list: Vec<String>,
    /// The platform's own form.
    text: Option<Words>,
    /// The platform's own form.
    markdown: Option<Words>,
}

#[derive(serde::Deserialize)]
struct Words {
    content: String,
    #[serde(default)]
    mentioned_list: Vec<String>,
    #[serde(default)]
    mentioned_mobile_list: Vec<String>,
}

pub(super) async fn post(
    request: HttpRequest,
    Body(body): Body,
    app: web::Data<App>,
) -> Result<HttpResponse, Refusal> {
    admitted(&request, &app)?;
    let notice: Notice = read(&body)?;
    let robot = notice.robot.clone();
    let notice = notice.read()?;
    let (channel, group) = robot_of(&app, robot.as_deref())?;
    let notify = channel.notify().ok_or(NONE)?;
    notify.notify(&group, &notice).await.map_err(refused)?;
    Ok(HttpResponse::Ok().json(json!({ "accepted": true })))
}

impl Notice {
    fn read(self) -> Result<GroupNotice, Refusal> {
        let kind = self.msgtype.as_deref().unwrap_or("text");
        let markdown = match kind {
            "text" => self.markdown.is_some() && self.text.is_none(),
            "markdown" => true,
            _ => return Err(Refusal::Malformed("msgtype is text or markdown".to_owned())),
        };
        let nested = if markdown { self.markdown } else { self.text };
        let (said, mut mentioned, mut phones) = (
            self.content,
            self.mentioned_list,
            self.mentioned_mobile_list,
        );
        let said = match nested {
            Some(nested) => {
                mentioned.extend(nested.mentioned_list);
                phones.extend(nested.mentioned_mobile_list);
                nested.content
            }
            None => said.unwrap_or_default(),
        };
        if mentioned.len() + phones.len() > MENTIONED {
            return Err(Refusal::TooLarge);
        }
        for name in &mentioned {
            account(name)?;
        }
        let phone = |phone: &String| {
            let digit = |byte: u8| byte.is_ascii_digit() || byte == b'+';
            phone == "@all" || ((1..=20).contains(&phone.len()) && phone.bytes().all(digit))
        };
        if !phones.iter().all(phone) {
            return Err(Refusal::Malformed(
                "mentioned_mobile_list has phone numbers".to_owned(),
            ));
        }
        Ok(GroupNotice {
            words: words(&said)?,
            markdown,
            mentioned,
            mentioned_phones: phones,
        })
    }
}

const NONE: Refusal = Refusal::NotFound("no group robot of this name is configured");

/// The robot that is meant, and whose it is.
fn robot_of<'a>(app: &'a App, named: Option<&str>) -> Result<(&'a dyn Channel, String), Refusal> {
    let channels = app.engine.parts().channels.values();
    let mut found = channels.flat_map(|channel| {
        let groups = channel.notify().map(|notify| notify.groups());
        let groups = groups.unwrap_or_default().into_iter();
        groups
            .filter(|group| named.is_none_or(|name| name == *group))
            .map(|group| (&**channel, group.to_owned()))
    });
    match (found.next(), found.next()) {
        (Some(robot), None) => Ok(robot),
        (None, _) => Err(NONE),
        (Some(_), Some(_)) => Err(Refusal::Malformed(
            "there are several robots; say which: robot".to_owned(),
        )),
    }
}

fn refused(error: ChannelError) -> Refusal {
    match (error.kind, error.remedy) {
        (ChannelErrorKind::Busy, _) | (_, Remedy::Retry { .. }) => {
            tracing::warn!(%error, "a notice to a group has to wait");
            Refusal::TryAgain
        }
        _ => error.into(),
    }
}
