//! The `[inboxes.NAME]` section of a site, and what can be wrong with it.

use bridge_core::{
    channel::Bounds,
    plugin::BuildError,
    settings::{Size, Span},
    texts::Locale,
};
use url::Url;

/// 网页访客 / the visitors of a company's own site.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// 可以嵌入对话窗口的网站，写完整来源 / the sites that may embed the chat, each as its origin: `https://www.example.com`
    pub origins: Vec<String>,
    /// 窗口标题 / the chat's title.
    pub title: String,
    /// 打开窗口时显示的问候语 / what a visitor reads first.
    pub greeting: String,
    /// 主题颜色 / the colour of buttons and the visitor's own words: #1f6feb
    pub color: String,
    /// 访客多久不来即视为新访客 / a visitor who stays away for so long is somebody new.
    pub token_lifetime: Span,
    /// 一条消息最多多少字节 / the longest message in bytes.
    pub text_bytes: usize,
    /// 上传文件的最大尺寸，不超过 media.max_size / the largest upload; `media.max_size` bounds it too.
    pub upload_size: Size,
    /// 允许上传的类型，按内容识别 / what may be uploaded, by what it really is.
    pub upload_types: Vec<String>,
    /// 录音最长秒数 / the longest recording in seconds.
    pub voice_seconds: u32,
    /// 每分钟最多发多少条消息 / messages of one visitor in a minute.
    pub messages_per_minute: u32,
    /// 每分钟最多上传多少个文件 / uploads of one visitor in a minute.
    pub uploads_per_minute: u32,
    /// 同一地址每分钟最多多少个新访客 / new visitors from one address in a minute.
    pub new_visitors_per_minute: u32,
    /// 每个节点的连接数上限 / connections on one node.
    pub sockets: usize,
    /// 每位访客的连接数上限 / connections of one visitor on one node.
    pub sockets_per_visitor: usize,
    /// 每个地址的连接数上限 / connections from one address on one node.
    pub sockets_per_address: usize,
    /// 无人说话多久后断开，访客回来时自动重连 / silence after which a connection is closed; it comes back by itself.
    pub idle_timeout: Span,
    /// 反向代理写明访客地址的请求头，例如 X-Real-IP；没有代理则不填 / the header in which a proxy in front says where a
    /// visitor comes from; none: nobody is in front.
    pub address_header: Option<String>,
}

/// Chinese, English.
const TITLE: (&str, &str) = ("在线客服", "Customer service");
const GREETING: (&str, &str) = (
    "您好，请直接描述您的问题；回复“转人工”可联系人工客服。",
    "Hello! Just write what we can do for you; reply \"agent\" to reach a person.",
);

impl Config {
    /// What nobody has put into words of their own is said in the bridge's language.
    pub(super) fn spoken(mut self, locale: Locale) -> Self {
        for (words, (zh, en)) in [(&mut self.title, TITLE), (&mut self.greeting, GREETING)] {
            if words == zh {
                *words = locale.pick(zh, en).to_owned();
            }
        }
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            title: TITLE.0.to_owned(),
            greeting: GREETING.0.to_owned(),
            color: "#1f6feb".to_owned(),
            token_lifetime: Span::secs(30 * 86_400),
            text_bytes: 6000,
            upload_size: Size(10_000_000),
            upload_types: upload_types(),
            voice_seconds: 60,
            messages_per_minute: 30,
            uploads_per_minute: 10,
            new_visitors_per_minute: 60,
            sockets: 10_000,
            sockets_per_visitor: 8,
            sockets_per_address: 200,
            idle_timeout: Span::secs(30 * 60),
            address_header: None,
        }
    }
}

/// What people send, and nothing that runs.
fn upload_types() -> Vec<String> {
    [
        "image/*",
        "audio/*",
        "video/*",
        "text/plain",
        "application/pdf",
        "application/zip",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ]
    .map(str::to_owned)
    .to_vec()
}

impl Config {
    /// What is wrong with it; or its origins as browsers write them.
    pub(super) fn validate(&self) -> Result<Vec<String>, BuildError> {
        let is_hex =
            |digits: &str| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !self.color.strip_prefix('#').is_some_and(is_hex) {
            let fault = BuildError::new("color", "must be # and six hexadecimal digits", "#1f6feb");
            return Err(fault.zh("应为 # 加六位十六进制数字"));
        }
        self.at_least("text_bytes", self.text_bytes, 64, 64 * 1024)?;
        self.at_least("voice_seconds", self.voice_seconds as usize, 1, 600)?;
        self.at_least(
            "messages_per_minute",
            self.messages_per_minute as usize,
            1,
            6000,
        )?;
        self.at_least(
            "uploads_per_minute",
            self.uploads_per_minute as usize,
            1,
            6000,
        )?;
        self.at_least(
            "new_visitors_per_minute",
            self.new_visitors_per_minute as usize,
            1,
            60_000,
        )?;
        self.at_least("sockets", self.sockets, 1, 1_000_000)?;
        self.at_least("sockets_per_visitor", self.sockets_per_visitor, 1, 1000)?;
        self.at_least(
            "sockets_per_address",
            self.sockets_per_address,
            1,
            1_000_000,
        )?;
        self.at_least(
            "token_lifetime",
            self.token_lifetime.0.as_secs() as usize,
            60,
            400 * 86_400,
        )?;
        self.at_least(
            "idle_timeout",
            self.idle_timeout.0.as_secs() as usize,
            1,
            7 * 86_400,
        )?;
        let origins = self.origins.iter().enumerate();
        origins.map(|(index, text)| origin(index, text)).collect()
    }

    fn at_least(
        &self,
        key: &str,
        value: usize,
        least: usize,
        most: usize,
    ) -> Result<(), BuildError> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        let fault = BuildError::new(key, format!("must be {least} to {most}"), least.to_string());
        Err(fault.zh(format!("应在 {least} 到 {most} 之间")))
    }

    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            sockets: self.sockets,
            sockets_per_visitor: self.sockets_per_visitor,
            sockets_per_address: self.sockets_per_address,
            new_visitors_per_minute: self.new_visitors_per_minute,
            messages_per_minute: self.messages_per_minute,
            uploads_per_minute: self.uploads_per_minute,
            upload_bytes: self.upload_size.0,
            // JSON writes a byte as six at most; beside the words there are an id, a name, a ticket.
            frame_bytes: self.text_bytes * 6 + 8192,
            idle: self.idle_timeout.0,
            address_header: self.address_header.clone(),
        }
    }

    /// Whether what is sniffed as this may be sent.
    pub(super) fn takes(&self, mime: &str) -> bool {
        // An SVG is a page with scripts, whatever family it is of.
        let is_page = mime.contains("svg") || mime.contains("xml") && mime.starts_with("image/");
        let fits = |pattern: &String| match pattern.strip_suffix("/*") {
            Some(family) => mime.split('/').next() == Some(family),
            None => mime == pattern,
        };
        !is_page && self.upload_types.iter().any(fits)
    }
}

/// An origin as browsers write it: scheme, host, and the port where it is not the usual one.
fn origin(index: usize, text: &str) -> Result<String, BuildError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    url.map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            let key = format!("origins[{index}]");
            BuildError::new(
                key,
                "is not an origin: scheme and host, nothing behind",
                "https://www.example.com",
            )
            .zh("应只写协议和域名，后面不带路径")
        })
}
