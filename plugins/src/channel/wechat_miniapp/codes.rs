//! Mini-program codes (WeChat: 4.7). The page is given the scene and hands it on as `session-from`, so `agent:NAME` makes
//! that agent the dedicated one of whoever scans it.

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Code, Codes, Fetched},
    error::Remedy,
};
use serde_json::{Value, json};

use super::{MiniApp, config::is_page};

/// The longest scene.
const SCENE: usize = 32;
/// Pictures of codes are some 30 to 200 kB.
const LARGEST: u64 = 2 << 20;

#[async_trait]
impl Codes for MiniApp {
    async fn code(&self, scene: &str, page: Option<&str>) -> Result<Code, ChannelError> {
        let page = page.unwrap_or(&self.config.page);
        if !is_scene(scene) {
            return Err(unfit(
                format!("{scene} is not a scene"),
                "小程序码的参数最长 32 个字符，只能是数字、英文和部分符号；客服名含中文时请改用英文名",
                "a code's scene is at most 32 digits, letters and a few symbols: agents need a name in letters",
            ));
        }
        if !is_page(page) {
            return Err(unfit(
                format!("{page} is not a page"),
                "页面路径不能以斜杠开头，也不能带参数",
                "a page has neither a leading slash nor a query",
            ));
        }
        self.picture(scene, page, false).await
    }
}

impl MiniApp {
    /// Asks for a code; with `check_page` the platform looks whether the page is published.
    pub(super) async fn picture(
        &self,
        scene: &str,
        page: &str,
        check_page: bool,
    ) -> Result<Code, ChannelError> {
        let body = json!({
            "scene": scene,
            "page": page,
            "check_path": check_page,
            "env_version": self.config.edition.env_version(),
            "width": 430,
        });
        let fetched = self
            .account
            .api
            .post_for_bytes("/wxa/getwxacodeunlimit", &body, LARGEST)
            .await?;
        let Fetched::Bytes { bytes, .. } = fetched else {
            return Err(no_picture());
        };
        let mime = match bytes.get(..4) {
            Some([0xff, 0xd8, 0xff, _]) => "image/jpeg",
            Some([0x89, b'P', b'N', b'G']) => "image/png",
            _ => return Err(no_picture()),
        };
        Ok(Code {
            picture: bytes,
            mime,
        })
    }

    /// The templates the mini program has: id and content.
    pub(super) async fn templates(&self) -> Result<Vec<(String, String)>, ChannelError> {
        let api = &self.account.api;
        let url = format!("{}/wxaapi/newtmpl/gettemplate", api.base);
        let answer = api
            .call(|token| api.http.get(&url).query(&[("access_token", token)]))
            .await?;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let rows = answer["data"].as_array().cloned().unwrap_or_default();
        Ok(rows
            .iter()
            .map(|row| (text(row, "priTmplId"), text(row, "content")))
            .collect())
    }
}

/// Digits, letters and some symbols (WeChat: 4.7).
fn is_scene(scene: &str) -> bool {
    (1..=SCENE).contains(&scene.len())
        && scene
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&byte))
}

fn unfit(detail: String, zh: &str, en: &str) -> ChannelError {
    ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, detail).advise(zh, en)
}

fn no_picture() -> ChannelError {
    ChannelError::network(Remedy::retry_secs(2), "the answer is no picture")
}
