//! `wxa/getwxacodeunlimit`: codes with a scene, and the check of the page (WeChat notes, 4.7).

use serde_json::Value;

use super::super::Wechat;
use super::super::errors::{Refusal, refuse, refuse_with};
use crate::call::Answer;

/// Codes remembered.
const REMEMBERED: usize = 1000;
/// A picture of one pixel: who scans is told the scene by [`Wechat::mini_codes`].
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99\x3d\x1d\0\0\0\0IEND\xaeB`\x82";

impl Wechat {
    /// `POST /wxa/getwxacodeunlimit`
    pub(in super::super) fn mini_code(
        &self,
        account: usize,
        body: &[u8],
    ) -> Result<Answer, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|_| refuse(47001))?;
        let mut state = self.0.state.lock();
        let mini = state.mini(account).ok_or_else(|| refuse(48001))?;
        let scene = value["scene"].as_str().unwrap_or_default();
        let legal =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&byte);
        if scene.is_empty() || scene.len() > 32 || !scene.bytes().all(legal) {
            return Err(refuse_with(40169, "scene"));
        }
        let page = value["page"].as_str().unwrap_or_default();
        if page.starts_with('/') || page.contains('?') {
            return Err(refuse(41030));
        }
        let unpublished = !page.is_empty() && !mini.pages.iter().any(|known| known == page);
        if unpublished && value["check_path"].as_bool().unwrap_or(true) {
            return Err(refuse(41030));
        }
        match value["env_version"].as_str().unwrap_or("release") {
            "release" | "trial" | "develop" => {}
            _ => return Err(refuse_with(40097, "env_version")),
        }
        let width = value["width"].as_i64().unwrap_or(430);
        if !(280..=1280).contains(&width) {
            return Err(refuse_with(40097, "width"));
        }
        let code = (scene.to_owned(), page.to_owned());
        if state.codes.len() >= REMEMBERED {
            state.codes.remove(0);
        }
        state.codes.push(code);
        Ok(Answer::new(200, "image/png", PNG))
    }

    /// Scene and page of the codes that were made, oldest first.
    pub fn mini_codes(&self) -> Vec<(String, String)> {
        self.0.state.lock().codes.clone()
    }
}
