//! The `[media]` section.

use std::path::PathBuf;

use bridge_core::settings::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fetch::{Allowed, BadPattern};

/// 媒体文件：图片、语音、视频和文件 / Pictures, voices, videos and files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// 存放目录 / The folder they are kept in.
    pub dir: PathBuf,
    /// 超过此大小的不下载也不接收 / What is larger is neither fetched nor accepted.
    pub max_size: Size,
    /// 允许从哪些主机下载；各收件箱 api_base 的主机总是允许 /
    /// Hosts that media may be fetched from; `*.example.com` means every name below it. They must have public
    /// addresses. The hosts of every inbox's `api_base` and of `server.public_url` are always allowed, private
    /// address or not.
    pub fetch_hosts: Vec<String>,
    /// 一次下载的最长时间 / How long one download may take.
    pub fetch_timeout: Span,
    /// 媒体链接至少多久有效 / How long a link to a medium works at least.
    pub link_lifetime: Span,
    /// 最后一次收发之后保留多久 / How long a medium is kept after it was last received or sent.
    pub retention: Span,
    /// ffmpeg 程序，把 AMR 语音转为 MP3；没有则原样保留 /
    /// The ffmpeg program, which turns AMR voices into MP3; where it is not installed they stay as they are.
    pub ffmpeg: PathBuf,
}

impl Settings {
    /// The first of `fetch_hosts` that can match nothing or would match everything.
    pub fn bad_host(&self) -> Option<String> {
        let bad = Allowed::new(&self.fetch_hosts, &[]).err();
        bad.map(|BadPattern(pattern)| pattern)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dir: "data/media".into(),
            max_size: Size(10_000_000),
            fetch_hosts: ["*.qpic.cn", "*.qlogo.cn", "*.myqcloud.com", "*.qq.com"]
                .map(String::from)
                .to_vec(),
            fetch_timeout: Span::secs(30),
            link_lifetime: Span::secs(7 * 86_400),
            retention: Span::secs(180 * 86_400),
            ffmpeg: "ffmpeg".into(),
        }
    }
}
