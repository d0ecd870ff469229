//! Media out (WeChat: 4.5): uploaded where the account can show them, else at a public URL; uploads are remembered less
//! long than they live.

use std::time::Duration;

use bridge_core::{
    channel::ChannelError,
    media::{KeptMedia, Rendition},
    message::{Content, ContentKind, Media, MediaSource},
};

use bytes::Bytes;

use super::{
    super::account::{Upload, unavailable},
    Account,
};

/// Uploads live three days; ours are used for two and a half.
const UPLOAD_LIVES: Duration = Duration::from_secs(60 * 3600);
/// The stricter of the platform's two numbers.
const IMAGE: u64 = 2 << 20;
const VOICE: u64 = 2 << 20;
const VIDEO: u64 = 10 << 20;
const THUMB: u64 = 64 << 10;
/// Beside music that has no picture of its own.
const COVER: &[u8] = include_bytes!("cover.png");

/// The content with its media uploaded, or with a public URL where the platform takes no such thing.
pub(super) async fn uploaded(
    account: &Account,
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
            let media = voice(account, &media, afresh).await?;
            if is_at_url(&media) && shows(account, ContentKind::Music) {
                let words = words.unwrap_or_default();
                let title = account.locale.pick("语音", "Voice message");
                return music(account, title.to_owned(), words, &media, afresh).await;
            }
            Content::Voice {
                media,
                words,
                seconds,
            }
        }
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
        Content::File { media } => file(account, &media, afresh).await?,
        Content::Music {
            title,
            description,
            url,
            thumbnail,
        } => {
            let own = match &thumbnail {
                Some(thumbnail) => thumb(account, thumbnail, afresh).await.ok().flatten(),
                None => None,
            };
            Content::Music {
                title,
                description,
                url,
                thumbnail: own.or(cover(account, afresh).await),
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

/// The content with its media at public URLs, nothing uploaded.
pub(super) async fn linked(
    account: &Account,
    mut content: Content,
) -> Result<Content, ChannelError> {
    match &mut content {
        Content::Image { media }
        | Content::Voice { media, .. }
        | Content::Video { media, .. }
        | Content::File { media } => *media = at_url(account, &keep(account, media).await?),
        _ => {}
    }
    Ok(content)
}

/// A file has no form of its own here: sound is played as music, the rest is at a public URL.
async fn file(account: &Account, media: &Media, afresh: bool) -> Result<Content, ChannelError> {
    let kept = keep(account, media).await?;
    let media = at_url(account, &kept);
    if plays(&kept) && shows(account, ContentKind::Music) {
        return music(account, kept.name, String::new(), &media, afresh).await;
    }
    let name = Some(kept.name);
    Ok(Content::File {
        media: Media { name, ..media },
    })
}

/// Sound that cannot go as a voice message: played from its URL, behind a picture of ours.
async fn music(
    account: &Account,
    title: String,
    description: String,
    media: &Media,
    afresh: bool,
) -> Result<Content, ChannelError> {
    let url = match &media.source {
        MediaSource::Remote { url, .. } => url.clone().unwrap_or_default(),
        MediaSource::Kept { .. } => String::new(),
    };
    Ok(Content::Music {
        title,
        description,
        url,
        thumbnail: cover(account, afresh).await,
    })
}

/// The picture of music that has none; without it the platform takes no music, and it goes as a link.
async fn cover(account: &Account, afresh: bool) -> Option<Media> {
    let picture = Bytes::from_static(COVER);
    let kept = account.media.put(picture, Some("cover.png")).await.ok()?;
    let source = MediaSource::Kept { hash: kept.hash };
    let (name, mime, size) = (Some(kept.name), Some(kept.mime), Some(kept.size));
    let media = Media {
        source,
        name,
        mime,
        size,
    };
    thumb(account, &media, afresh).await.ok().flatten()
}

/// What phones play from a URL.
fn plays(kept: &KeptMedia) -> bool {
    matches!(
        kept.mime.as_str(),
        "audio/mpeg" | "audio/mp4" | "audio/aac" | "audio/x-m4a" | "audio/m4a"
    )
}

/// Whether it was not uploaded.
fn is_at_url(media: &Media) -> bool {
    matches!(&media.source, MediaSource::Remote { handle, url: Some(_), .. } if handle.is_empty())
}

async fn image(account: &Account, media: &Media, afresh: bool) -> Result<Media, ChannelError> {
    let kept = keep(account, media).await?;
    let fits = kept.size <= IMAGE
        && account
            .kind
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

async fn voice(account: &Account, media: &Media, afresh: bool) -> Result<Media, ChannelError> {
    let kept = keep(account, media).await?;
    let fits = |kept: &KeptMedia| {
        kept.size <= VOICE
            && account
                .kind
                .capabilities
                .voice_types
                .contains(&kept.mime.as_str())
    };
    if !shows(account, ContentKind::Voice) {
        return Ok(at_url(account, &kept));
    }
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
    account: &Account,
    media: &Media,
    thumbnail: Option<&Media>,
    afresh: bool,
) -> Result<(Media, Option<Media>), ChannelError> {
    let kept = keep(account, media).await?;
    if !shows(account, ContentKind::Video) {
        return Ok((at_url(account, &kept), None));
    }
    let picture = match thumbnail {
        Some(thumbnail) => thumb(account, thumbnail, afresh).await?,
        None => None,
    };
    match picture {
        Some(picture) if kept.size <= VIDEO && kept.mime == "video/mp4" => {
            let film = Media {
                // Shown as its title.
                name: Some(kept.name.clone()),
                ..upload(account, &kept, "video", afresh).await?
            };
            Ok((film, Some(picture)))
        }
        _ => Ok((at_url(account, &kept), None)),
    }
}

async fn thumb(
    account: &Account,
    media: &Media,
    afresh: bool,
) -> Result<Option<Media>, ChannelError> {
    let kept = keep(account, media).await?;
    match rendition(account, &kept, Rendition::Thumbnail)
        .await?
        .filter(|small| small.size <= THUMB)
    {
        Some(small) => upload(account, &small, account.kind.thumb, afresh)
            .await
            .map(Some),
        None => Ok(None),
    }
}

fn shows(account: &Account, kind: ContentKind) -> bool {
    account.kind.capabilities.kinds.contains(&kind)
}

fn at_url(account: &Account, kept: &KeptMedia) -> Media {
    let url = Some(account.media.url(kept));
    Media {
        source: MediaSource::Remote {
            inbox: account.inbox.clone(),
            handle: String::new(),
            url,
        },
        name: Some(kept.name.clone()),
        mime: Some(kept.mime.clone()),
        size: Some(kept.size),
    }
}

async fn keep(account: &Account, media: &Media) -> Result<KeptMedia, ChannelError> {
    account.media.keep(media).await.map_err(unavailable)
}

async fn rendition(
    account: &Account,
    kept: &KeptMedia,
    wanted: Rendition,
) -> Result<Option<KeptMedia>, ChannelError> {
    account
        .media
        .rendition(kept, wanted)
        .await
        .map_err(unavailable)
}

/// Uploads, unless the same bytes were uploaded lately.
async fn upload(
    account: &Account,
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
    Ok(Media::remote(&account.inbox, handle, None))
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
