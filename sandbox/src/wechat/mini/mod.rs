//! What makes an account a mini program (小程序): other kinds of message, subscription messages that cost a grant each
//! ([`subscribe`]), codes with a scene ([`code`]). Written from the notes, as everything here.

mod code;
mod fit;
mod subscribe;

use serde_json::Value;

use super::Wechat;
use super::errors::{Refusal, refuse};
use super::state::State;
use crate::content::Content;
use crate::settings::MiniProgram;

/// The message kinds a mini program's service chat takes (WeChat notes, 4.3).
const KINDS: &[&str] = &["text", "image", "link", "miniprogrampage"];

impl State {
    /// The mini program an account is, if it is one.
    pub(super) fn mini(&self, account: usize) -> Option<&MiniProgram> {
        self.accounts[account].settings.mini.as_ref()
    }
}

impl Wechat {
    /// Whether this account may send such a message.
    pub(super) fn check_kind(state: &State, account: usize, body: &Value) -> Result<(), Refusal> {
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let fits = match state.mini(account) {
            Some(_) => KINDS.contains(&kind),
            None => kind != "link",
        };
        match fits {
            true => Ok(()),
            false => Err(refuse(40008)),
        }
    }

    /// Calls that only official accounts have.
    pub(super) fn only_official(&self, account: usize) -> Result<(), Refusal> {
        match self.0.state.lock().mini(account) {
            Some(_) => Err(refuse(48001)),
            None => Ok(()),
        }
    }
}

/// The bubble of a link.
pub(super) fn link(inner: &Value) -> Result<Content, Refusal> {
    let text = |key: &str| inner[key].as_str().unwrap_or_default().to_owned();
    if text("title").is_empty() || !text("url").starts_with("http") {
        return Err(refuse(40035));
    }
    Ok(Content::Link {
        title: text("title"),
        description: text("description"),
        url: text("url"),
        picture_url: Some(text("thumb_url")).filter(|url| !url.is_empty()),
    })
}
