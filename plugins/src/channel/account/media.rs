//! Media of an account: uploads are remembered less long than they live; downloads tell an error by looking at the bytes,
//! because errors come with HTTP 200 (WeChat: 4.5, WeCom: 4.6).

use std::time::Duration;

use bridge_core::{
    channel::{ChannelError, Fetched},
    error::Remedy,
    media::{KeptMedia, MediaError, MediaLibrary},
};
use bytes::{Bytes, BytesMut};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{Api, network};

/// One medium to upload.
pub(in super::super) struct Upload<'a> {
    /// Its bytes.
    pub(in super::super) kept: &'a KeptMedia,
    /// The platform's word for it: `image`, `voice`, `video`, `file`, `thumb`.
    pub(in super::super) kind: &'a str,
    /// The name to show, with an extension the platform knows.
    pub(in super::super) name: String,
    /// How long the handle may be used again.
    pub(in super::super) lives: Duration,
    /// The platform no longer knows the handle that is remembered.
    pub(in super::super) afresh: bool,
}

impl Api {
    /// The platform's handle of a medium: the remembered one, or a fresh upload's.
    pub(in super::super) async fn upload(
        &self,
        library: &dyn MediaLibrary,
        upload: Upload<'_>,
    ) -> Result<String, ChannelError> {
        let Upload { kept, kind, .. } = upload;
        let key = format!("media:{}:{kind}:{}", self.tokens.name(), kept.hash);
        if !upload.afresh
            && let Ok(Some(handle)) = self.cache.get(&key).await
        {
            return Ok(handle);
        }
        let bytes = library.open(kept).await.map_err(unavailable)?;
        let part = || Part::stream(bytes.clone()).file_name(upload.name.clone());
        let request = |token: &str| {
            let url = format!(
                "{}/cgi-bin/media/upload?access_token={token}&type={kind}",
                self.base
            );
            let part = part().mime_str(&kept.mime).unwrap_or_else(|_| part());
            self.http
                .post(url)
                .multipart(Form::new().part("media", part))
        };
        // An upload that is repeated costs a few bytes and shows nobody anything.
        let value = self.call(request).await.map_err(harmless)?;
        let handle = value["media_id"]
            .as_str()
            .or_else(|| value["thumb_media_id"].as_str())
            .unwrap_or_default();
        if handle.is_empty() {
            let detail = "the upload's answer has no media_id";
            return Err(ChannelError::network(Remedy::retry_secs(5), detail));
        }
        let _ = self.cache.put(&key, handle, upload.lives).await;
        Ok(handle.to_owned())
    }

    /// Downloads what a handle names, at most `limit` bytes of it.
    pub(in super::super) async fn download(
        &self,
        handle: &str,
        limit: u64,
    ) -> Result<Fetched, ChannelError> {
        let url = format!("{}/cgi-bin/media/get", self.base);
        let request = |token: &str| {
            let query = [("access_token", token), ("media_id", handle)];
            self.http.get(&url).query(&query)
        };
        self.bytes(request, limit).await
    }

    /// Posts a JSON body that is answered with a picture, at most `limit` bytes of it.
    pub(in super::super) async fn post_for_bytes(
        &self,
        path: &str,
        body: &Value,
        limit: u64,
    ) -> Result<Fetched, ChannelError> {
        let url = format!("{}{path}", self.base);
        let request = |token: &str| {
            let request = self.http.post(&url).query(&[("access_token", token)]);
            request.json(body)
        };
        self.bytes(request, limit).await
    }

    async fn bytes(
        &self,
        request: impl Fn(&str) -> reqwest::RequestBuilder,
        limit: u64,
    ) -> Result<Fetched, ChannelError> {
        let mut token = self.tokens.get().await?;
        for again in [false, true] {
            match self.get_bytes(request(&token), limit).await {
                Err(error) if self.refused_token(&error) => {
                    token = self.tokens.another(&token, again).await?;
                }
                other => return other,
            }
        }
        self.get_bytes(request(&token), limit).await
    }

    async fn get_bytes(
        &self,
        request: reqwest::RequestBuilder,
        limit: u64,
    ) -> Result<Fetched, ChannelError> {
        // Asking twice is harmless.
        let again = |error: reqwest::Error| harmless(network(error));
        let mut response = request.send().await.map_err(again)?;
        if !response.status().is_success() {
            // A gateway's page, never the medium.
            let detail = format!("HTTP {}", response.status());
            return Err(ChannelError::network(Remedy::retry_secs(2), detail));
        }
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (mime, disposition) = (header("content-type"), header("content-disposition"));
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(again)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                let detail = format!("the file is larger than {limit} bytes");
                return Err(ChannelError::network(Remedy::Never, detail));
            }
        }
        self.judge(bytes.freeze(), mime, disposition.as_deref())
    }

    /// Bytes, an error in JSON, or a video's address in JSON.
    fn judge(
        &self,
        bytes: Bytes,
        mime: Option<String>,
        disposition: Option<&str>,
    ) -> Result<Fetched, ChannelError> {
        if bytes.first() == Some(&b'{')
            && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
        {
            let value = self.verdict(value)?;
            if let Some(url) = value["video_url"].as_str() {
                return Ok(Fetched::At(url.to_owned()));
            }
        }
        let name = disposition.and_then(file_name);
        Ok(Fetched::Bytes { bytes, name, mime })
    }
}

/// `attachment; filename="…"`.
fn file_name(disposition: &str) -> Option<String> {
    let (_, name) = disposition.split_once("filename=")?;
    let name = name.split(';').next().unwrap_or_default();
    Some(name.trim().trim_matches('"').to_owned())
}

fn harmless(error: ChannelError) -> ChannelError {
    match error.remedy {
        Remedy::Unknown => ChannelError {
            remedy: Remedy::retry_secs(2),
            ..error
        },
        _ => error,
    }
}

/// Nothing was sent yet, so trying again is harmless.
pub(in super::super) fn unavailable(error: MediaError) -> ChannelError {
    let remedy = match error.remedy {
        Remedy::Unknown => Remedy::retry_secs(2),
        other => other,
    };
    ChannelError::network(remedy, error.to_string())
        .advise("文件无法获取", "the file cannot be had")
}
