//! Customers whom members of the corp have added (WeCom: 2.4, 4.5): the word of welcome, and who they are.

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, People, Receipt, Sidebar},
    error::Remedy,
    message::{Handle, PeerId, Profile, Welcome},
};
use serde_json::json;

use super::Wecom;

/// How the ids of external contacts begin.
const EXTERNAL: [&str; 2] = ["wm", "wo"];
/// The longest name, in characters.
const NAME: usize = 256;

/// Welcomes somebody: once, and only while the code is good.
pub(super) async fn welcome(
    app: &Wecom,
    dispatch: &Dispatch,
    welcome: &Welcome,
) -> Result<Receipt, ChannelError> {
    if app.clock.now() >= welcome.until {
        return Err(too_late("the code of the welcome has run out"));
    }
    let body = json!({ "welcome_code": welcome.code, "text": { "content": welcome.words } });
    let said = app
        .api
        .post("/cgi-bin/externalcontact/send_welcome_msg", &body)
        .await;
    match said {
        Ok(_) => Ok(Receipt::default()),
        // An earlier try went through, and only its answer was lost.
        Err(error) if dispatch.attempt > 1 && error.code == Some(41051) => Ok(Receipt::default()),
        Err(error) if error.code == Some(41051) => Err(error.advise(
            "该客户已收到其他应用或企业微信后台的欢迎语",
            "another app, or the console, has welcomed this customer already",
        )),
        Err(error) if error.code == Some(41050) => Err(ChannelError {
            remedy: Remedy::Never,
            ..too_late(&error.detail)
        }),
        // The code is good once: a second try is harmless, and has to be soon.
        Err(error) if error.remedy == Remedy::Unknown => Err(ChannelError {
            remedy: Remedy::retry_secs(1),
            ..error
        }),
        Err(error) => Err(error),
    }
}

fn too_late(detail: &str) -> ChannelError {
    ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, detail).advise(
        "欢迎语须在添加后 20 秒内发送，已超时",
        "a welcome has to be said within 20 seconds, and they are over",
    )
}

#[async_trait]
impl People for Wecom {
    /// A customer's name and unionid; a member's name.
    async fn person(&self, contact: &PeerId) -> Result<Profile, ChannelError> {
        let id = contact.as_str();
        if EXTERNAL.iter().any(|prefix| id.starts_with(prefix)) {
            match self.known(id).await {
                Ok(known) => {
                    let mut profile = known.profile;
                    let external = Handle::external_user(&self.config.corp_id, id);
                    profile.handles.extend(external);
                    return Ok(profile);
                }
                // Perhaps a member whose name begins like that.
                Err(error) if matches!(error.code, Some(40096 | 84061)) => {}
                Err(error) => return Err(error),
            }
        }
        let member = self.api.get("/cgi-bin/user/get", &[("userid", id)]).await?;
        let name = member["name"].as_str().filter(|name| !name.is_empty());
        Ok(Profile {
            name: name.map(|name| name.chars().take(NAME).collect()),
            ..Profile::default()
        })
    }
}
