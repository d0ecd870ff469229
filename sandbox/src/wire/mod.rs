//! The wire log: what went over the network between the bridge and a platform, raw and as it is meant.
//!
//! A bounded ring; switched off it costs one atomic read per exchange. What is recorded has its secrets masked already.

mod mask;
mod ring;

use serde::Serialize;

pub(crate) use ring::{Log, Page};

/// How much of a body is kept.
pub(crate) const BODY_KEPT: usize = 64 * 1024;

/// Which platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerName {
    /// WeChat official accounts.
    Wechat,
    /// Tencent IM.
    Tim,
    /// Dify.
    Dify,
    /// WeChat KF.
    Kf,
    /// WeCom.
    Wecom,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The bridge called the platform.
    In,
    /// The platform called the bridge.
    Out,
}

/// One exchange in short: a line of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Grows by one.
    pub id: u64,
    /// When it began, Unix milliseconds.
    pub at: i64,
    /// The platform.
    pub peer: PeerName,
    /// Who called.
    pub direction: Direction,
    /// Which operation, as faults name it.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// Path and query, secrets masked; for callbacks the whole URL.
    pub url: String,
    /// HTTP status, or none when no answer came.
    pub status: Option<u16>,
    /// How long it took.
    pub ms: f64,
    /// The platform's own code where the answer carries one.
    pub code: Option<i64>,
    /// The ordered fault that was applied.
    pub fault: Option<String>,
}

/// One exchange in full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    /// The short form.
    #[serde(flatten)]
    pub line: Line,
    /// What was asked.
    pub request: Side,
    /// What was answered.
    pub answer: Side,
    /// Which attempt of a callback this was, from 1.
    pub attempt: Option<u32>,
    /// Why no answer came.
    pub error: Option<String>,
}

/// One half of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// The headers that matter, secrets masked.
    pub headers: Vec<(String, String)>,
    /// The body as it went over the wire, secrets masked.
    pub body: String,
    /// The body decrypted or decoded, where that differs.
    pub plain: Option<String>,
    /// Its full length.
    pub bytes: usize,
    /// Whether `body` is only its beginning.
    pub truncated: bool,
}

impl Side {
    /// Keeps the beginning of a body, masked; what is no text becomes `<binary, N bytes>`.
    pub(crate) fn of(headers: &[(String, String)], body: &[u8]) -> Self {
        let truncated = body.len() > BODY_KEPT;
        let kept = &body[..body.len().min(BODY_KEPT)];
        Self {
            headers: headers.iter().filter_map(mask::header).collect(),
            body: mask::body(&readable(kept, truncated, body.len())),
            plain: None,
            bytes: body.len(),
            truncated,
        }
    }

    pub(crate) fn with_plain(mut self, plain: Option<String>) -> Self {
        self.plain = plain.map(|text| mask::body(&shorten(text)));
        self
    }
}

/// Masks the secrets of a URL's query.
pub(crate) fn masked_url(url: &str) -> String {
    mask::url(url)
}

fn readable(kept: &[u8], truncated: bool, length: usize) -> String {
    match std::str::from_utf8(kept) {
        Ok(text) => text.to_owned(),
        // The cut may have gone through a character.
        Err(error) if truncated && error.valid_up_to() + 4 > kept.len() => {
            String::from_utf8_lossy(&kept[..error.valid_up_to()]).into_owned()
        }
        Err(_) => format!("<binary, {length} bytes>"),
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > BODY_KEPT {
        let end = (0..=BODY_KEPT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_kept_as_text_where_they_are_text() {
        let side = Side::of(&[], "你好".as_bytes());
        assert_eq!((side.body.as_str(), side.bytes), ("你好", 6));
        assert_eq!(Side::of(&[], &[0xff, 0xd8, 0]).body, "<binary, 3 bytes>");
    }

    #[test]
    fn a_long_body_is_cut_on_a_character() {
        let long = "好".repeat(BODY_KEPT);
        let side = Side::of(&[], long.as_bytes());
        assert!(side.truncated && side.body.len() <= BODY_KEPT);
        assert!(side.body.chars().all(|c| c == '好'));
    }
}
