//! Media both ways (WeCom: 4.6): uploads are remembered less long than they live.

use std::time::Duration;

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, Fetch, Fetched},
    media::{KeptMedia, Rendition},
    message::{Content, Media, MediaSource},
};

use super::{
    super::account::{Upload, unavailable},
    Kf,
};

/// Uploads live three days; ours are used for two and a half.
const UPLOAD_LIVES: Duration = Duration::from_secs(60 * 3600);
/// The stricter of the platform's two numbers.
const IMAGE: u64 = 2 << 20;
const VOICE: u64 = 2 << 20;
const VIDEO: u64 = 10 << 20;
const FILE: u64 = 20 << 20;

/// The content with its media uploaded, or with a public URL where the platform takes no such thing.
pub(super) async fn uploaded(
    account: &Kf,
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
        } => {
            let kept = keep(account, &media).await?;
            match kept.mime == "audio/amr" && kept.size <= VOICE {
                true => Content::Voice {
                    media: upload(account, &kept, "voice", afresh).await?,
                    words,
                    seconds,
                },
                // Only AMR is a voice there; anything else can still be listened to as a file.
                false => Content::File {
                    media: file(account, &kept, afresh).await?,
                },
            }
        }
        Content::Video { media, seconds, .. } => {
            let kept = keep(account, &media).await?;
            let media = match kept.mime == "video/mp4" && kept.size <= VIDEO {
                true => upload(account, &kept, "video", afresh).await?,
                false => at_url(account, &kept),
            };
            Content::Video {
                media,
                thumbnail: None,
                seconds,
            }
        }
        Content::File { media } => {
            let kept = keep(account, &media).await?;
            Content::File {
                media: file(account, &kept, afresh).await?,
            }
        }
        Content::MiniProgram {
            app_id,
            title,
            path,
            thumbnail: Some(thumbnail),
        } => {
            let thumbnail = image(account, &thumbnail, afresh).await.ok();
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

async fn image(account: &Kf, media: &Media, afresh: bool) -> Result<Media, ChannelError> {
    let kept = keep(account, media).await?;
    let fits = kept.size <= IMAGE
        && account
            .capabilities
            .image_types
            .contains(&kept.mime.as_str());
    let ready = match fits {
        true => Some(kept.clone()),
        false => {
            let wanted = Rendition::Picture { max_bytes: IMAGE };
            let made = account.media.rendition(&kept, wanted).await;
            made.map_err(unavailable)?
        }
    };
    match ready {
        Some(ready) => upload(account, &ready, "image", afresh).await,
        None => Ok(at_url(account, &kept)),
    }
}

async fn file(account: &Kf, kept: &KeptMedia, afresh: bool) -> Result<Media, ChannelError> {
    match kept.size <= FILE {
        true => upload(account, kept, "file", afresh).await,
        false => Ok(at_url(account, kept)),
    }
}

async fn keep(account: &Kf, media: &Media) -> Result<KeptMedia, ChannelError> {
    account.media.keep(media).await.map_err(unavailable)
}

async fn upload(
    account: &Kf,
    kept: &KeptMedia,
    kind: &str,
    afresh: bool,
) -> Result<Media, ChannelError> {
    let upload = Upload {
        kept,
        kind,
        name: file_name(kept),
        lives: UPLOAD_LIVES,
        afresh,
    };
    let handle = account.api.upload(&*account.media, upload).await?;
    Ok(Media {
        name: Some(kept.name.clone()),
        ..Media::remote(&account.words.inbox, handle, None)
    })
}

/// What customers see of a file is its name; for the rest the platform goes by the extension.
fn file_name(kept: &KeptMedia) -> String {
    let extension = match kept.mime.as_str() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "audio/amr" => "amr",
        "video/mp4" => "mp4",
        _ => return kept.name.clone(),
    };
    match kept.name.ends_with(&format!(".{extension}")) {
        true => kept.name.clone(),
        false => format!("{}.{extension}", kept.hash.get(..12).unwrap_or("media")),
    }
}

fn at_url(account: &Kf, kept: &KeptMedia) -> Media {
    Media {
        name: Some(kept.name.clone()),
        mime: Some(kept.mime.clone()),
        size: Some(kept.size),
        ..Media::remote(&account.words.inbox, "", Some(account.media.url(kept)))
    }
}

#[async_trait]
impl Fetch for Kf {
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        match &media.source {
            MediaSource::Remote { url: Some(url), .. } => Ok(Fetched::At(url.clone())),
            MediaSource::Remote { handle, .. } => self.api.download(handle, limit).await,
            MediaSource::Kept { .. } => Err(ChannelError::malformed("it is with us already")),
        }
    }
}
