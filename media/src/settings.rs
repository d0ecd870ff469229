//! The `[media]` section.

use std::path::PathBuf;

use bridge_core::settings::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pictures, voices, videos and files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder they are kept in.
    pub dir: PathBuf,
    /// What is larger is neither fetched nor accepted.
    pub max_size: Size,
    /// Hosts that media may be fetched from; `*.example.com` means every name below it. They must have public
    /// addresses. The hosts of every inbox's `api_base` and of `server.public_url` are always allowed, private
    /// address or not.
    pub fetch_hosts: Vec<String>,
    /// How long one download may take.
    pub fetch_timeout: Span,
    /// How long a link to a medium works at least.
    pub link_lifetime: Span,
    /// How long a medium is kept after it was last received or sent.
    pub retention: Span,
    /// The ffmpeg program, which turns AMR voices into MP3; where it is not installed they stay as they are.
    pub ffmpeg: PathBuf,
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
