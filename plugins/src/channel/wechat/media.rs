//! Media both ways (WeChat: 4.5): uploads are remembered less long than they live; downloads tell an error by looking
//! at the bytes, because errors come with HTTP 200.

use std::time::Duration;

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, Fetch, Fetched},
    error::Remedy,
    media::{KeptMedia, MediaError, Rendition},
    message::{Content, Media, MediaSource},
};
use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::{
    WeChat,
    api::{network, refused_token, verdict},
};

/// Uploads live three days; ours are used for two and a half.
const UPLOAD_LIVES: Duration = Duration::from_secs(60 * 3600);
/// The stricter of the platform's two numbers.
const IMAGE: u64 = 2 << 20;
const VOICE: u64 = 2 << 20;
const VIDEO: u64 = 10 << 20;
const THUMB: u64 = 64 << 10;

/// The content with its media uploaded, or with a public URL where the platform takes no such thing.
pub(super) async fn uploaded(
    account: &WeChat,
    content: Content,
    afresh: bool,
) -> Result<Content, ChannelError> {
    Ok(match content {
        Content::Image { media } => Content::Image {
            media: image(account, &media, afresh).await?,
        },
        Content::Voice {
            media,
            words,
            seconds,
        } => Content::Voice {
            media: voice(account, &media, afresh).await?,
            words,
            seconds,
        },
        Content::Video {
            media,
            thumbnail,
            seconds,
        } => {
            let (media, thumbnail) = video(account, &media, thumbnail.as_ref(), afresh).await?;
            Content::Video {
                media,
                thumbnail,
                seconds,
            }
        }
        Content::File { media } => {
            let kept = keep(account, &media).await?;
            Content::File {
                media: Media {
                    name: Some(kept.name.clone()),
                    ..at_url(account, &kept)
                },
            }
        }
        Content::MiniProgram {
            app_id,
            title,
            path,
            thumbnail: Some(thumbnail),
        } => {
            let thumbnail = thumb(account, &thumbnail, afresh).await.ok().flatten();
            Content::MiniProgram {
                app_id,
                title,
                path,
                thumbnail,
            }
        }
        other => other,
    })
}

async fn image(account: &WeChat, media: &Media, afresh: bool) -> Result<Media, ChannelError> {
    let kept = keep(account, media).await?;
    let fits = kept.size <= IMAGE
        && account
            .capabilities
            .image_types
            .contains(&kept.mime.as_str());
    // Photos too, though they fit: they may lie on their side.
    let kept = match fits && kept.mime != "image/jpeg" {
        true => Some(kept.clone()),
        false => rendition(account, &kept, Rendition::Picture { max_bytes: IMAGE })
            .await?
            .or(fits.then_some(kept)),
    };
    match kept {
        Some(kept) => upload(account, &kept, "image", afresh).await,
        None => Ok(at_url(account, &keep(account, media).await?)),
    }
}

async fn voice(account: &WeChat, media: &Media, afresh: bool) -> Result<Media, ChannelError> {
    let kept = keep(account, media).await?;
    let fits = |kept: &KeptMedia| {
        kept.size <= VOICE
            && account
                .capabilities
                .voice_types
                .contains(&kept.mime.as_str())
    };
    let ready = match fits(&kept) {
        true => Some(kept.clone()),
        false => rendition(account, &kept, Rendition::Mp3)
            .await?
            .filter(fits),
    };
    match ready {
        Some(ready) => upload(account, &ready, "voice", afresh).await,
        None => Ok(at_url(account, &kept)),
    }
}

/// A video needs a picture; without one it goes as a link.
async fn video(
    account: &WeChat,
    media: &Media,
    thumbnail: Option<&Media>,
    afresh: bool,
) -> Result<(Media, Option<Media>), ChannelError> {
    let kept = keep(account, media).await?;
    let picture = match thumbnail {
        Some(thumbnail) => thumb(account, thumbnail, afresh).await?,
        None => None,
    };
    match picture {
        Some(picture) if kept.size <= VIDEO && kept.mime == "video/mp4" => Ok((
            upload(account, &kept, "video", afresh).await?,
            Some(picture),
        )),
        _ => Ok((at_url(account, &kept), None)),
    }
}

async fn thumb(
    account: &WeChat,
    media: &Media,
    afresh: bool,
) -> Result<Option<Media>, ChannelError> {
    let kept = keep(account, media).await?;
    match rendition(account, &kept, Rendition::Thumbnail)
        .await?
        .filter(|small| small.size <= THUMB)
    {
        Some(small) => upload(account, &small, "thumb", afresh).await.map(Some),
        None => Ok(None),
    }
}

fn at_url(account: &WeChat, kept: &KeptMedia) -> Media {
    let url = Some(account.media.url(kept));
    Media {
        source: MediaSource::Remote {
            inbox: account.words.inbox.clone(),
            handle: String::new(),
            url,
        },
        name: Some(kept.name.clone()),
        mime: Some(kept.mime.clone()),
        size: Some(kept.size),
    }
}

async fn keep(account: &WeChat, media: &Media) -> Result<KeptMedia, ChannelError> {
    account.media.keep(media).await.map_err(unavailable)
}

async fn rendition(
    account: &WeChat,
    kept: &KeptMedia,
    wanted: Rendition,
) -> Result<Option<KeptMedia>, ChannelError> {
    account
        .media
        .rendition(kept, wanted)
        .await
        .map_err(unavailable)
}

/// Nothing was sent yet, so trying again is harmless.
fn unavailable(error: MediaError) -> ChannelError {
    let remedy = match error.remedy {
        Remedy::Unknown => Remedy::retry_secs(2),
        other => other,
    };
    ChannelError::network(remedy, error.to_string())
        .advise("文件无法获取", "the file cannot be had")
}

/// Uploads, unless the same bytes were uploaded lately.
async fn upload(
    account: &WeChat,
    kept: &KeptMedia,
    kind: &str,
    afresh: bool,
) -> Result<Media, ChannelError> {
    let key = format!(
        "wechat:media:{}:{kind}:{}",
        account.config.app_id, kept.hash
    );
    if !afresh && let Ok(Some(handle)) = account.api.cache.get(&key).await {
        return Ok(Media::remote(&account.words.inbox, handle, None));
    }
    let bytes = account.media.open(kept).await.map_err(unavailable)?;
    let name = file_name(kept);
    let request = |token: &str| {
        let url = format!(
            "{}/cgi-bin/media/upload?access_token={token}&type={kind}",
            account.api.base
        );
        let part = reqwest::multipart::Part::stream(bytes.clone()).file_name(name.clone());
        let part = part.mime_str(&kept.mime).unwrap_or_else(|_| {
            reqwest::multipart::Part::stream(bytes.clone()).file_name(name.clone())
        });
        account
            .api
            .http
            .post(url)
            .multipart(reqwest::multipart::Form::new().part("media", part))
    };
    // An upload that is repeated costs a few bytes and shows nobody anything.
    let value = account
        .api
        .call(request)
        .await
        .map_err(|error| match error.remedy {
            Remedy::Unknown => ChannelError {
                remedy: Remedy::retry_secs(2),
                ..error
            },
            _ => error,
        })?;
    let handle = value["media_id"]
        .as_str()
        .or_else(|| value["thumb_media_id"].as_str())
        .unwrap_or_default();
    if handle.is_empty() {
        return Err(ChannelError::network(
            Remedy::retry_secs(5),
            "the upload's answer has no media_id",
        ));
    }
    let _ = account.api.cache.put(&key, handle, UPLOAD_LIVES).await;
    Ok(Media::remote(&account.words.inbox, handle, None))
}

/// The platform goes by the extension (WeChat: 4.5).
fn file_name(kept: &KeptMedia) -> String {
    let extension = match kept.mime.as_str() {
        "image/png" => "png",
        "image/gif" => "gif",
        "audio/amr" => "amr",
        "audio/mpeg" => "mp3",
        "video/mp4" => "mp4",
        _ => "jpg",
    };
    format!("{}.{extension}", kept.hash.get(..12).unwrap_or("media"))
}

#[async_trait]
impl Fetch for WeChat {
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        let MediaSource::Remote { handle, url, .. } = &media.source else {
            return Err(ChannelError::malformed("it is with us already"));
        };
        match url {
            // A picture's URL needs no token and costs no quota.
            Some(url) => Ok(Fetched::At(url.clone())),
            None => download(self, handle, limit).await,
        }
    }
}

async fn download(account: &WeChat, handle: &str, limit: u64) -> Result<Fetched, ChannelError> {
    let mut token = account.api.tokens.get().await?;
    for again in [false, true] {
        match get(account, handle, &token, limit).await {
            Err(error) if refused_token(&error) => {
                token = account.api.tokens.another(&token, again).await?
            }
            other => return other,
        }
    }
    get(account, handle, &token, limit).await
}

async fn get(
    account: &WeChat,
    handle: &str,
    token: &str,
    limit: u64,
) -> Result<Fetched, ChannelError> {
    // Downloading twice is harmless.
    let again = |error: reqwest::Error| ChannelError {
        remedy: Remedy::retry_secs(2),
        ..network(error)
    };
    let url = format!("{}/cgi-bin/media/get", account.api.base);
    let request = account
        .api
        .http
        .get(url)
        .query(&[("access_token", token), ("media_id", handle)]);
    let mut response = request.send().await.map_err(again)?;
    if !response.status().is_success() {
        // A gateway's page, never the medium.
        let detail = format!("HTTP {}", response.status());
        return Err(ChannelError::network(Remedy::retry_secs(2), detail));
    }
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
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
    judge(bytes.freeze(), mime, disposition)
}

/// Bytes, an error in JSON, or a video's address in JSON.
fn judge(
    bytes: Bytes,
    mime: Option<String>,
    disposition: Option<String>,
) -> Result<Fetched, ChannelError> {
    if bytes.first() == Some(&b'{')
        && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
    {
        let value = verdict(value)?;
        if let Some(url) = value["video_url"].as_str() {
            return Ok(Fetched::At(url.to_owned()));
        }
    }
    let name = disposition
        .as_deref()
        .and_then(|text| text.split_once("filename="))
        .map(|(_, name)| {
            name.split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .trim_matches('"')
                .to_owned()
        });
    Ok(Fetched::Bytes { bytes, name, mime })
}
