//! Media on their way out through a corp's API (WeCom: 4.6): pictures, voices, films and files are uploaded, what the
//! platform takes in no form is shown by its public address. Uploads are remembered less long than they live.

use std::time::Duration;

use bridge_core::{
    channel::{Capabilities, ChannelError},
    media::{KeptMedia, MediaLibrary, Rendition},
    message::{Content, InboxName, Media},
};

use super::{Api, Upload, unavailable};

/// Uploads live three days; ours are used for two and a half.
const UPLOAD_LIVES: Duration = Duration::from_secs(60 * 3600);
/// The stricter of the platform's two numbers.
const IMAGE: u64 = 2 << 20;
const VOICE: u64 = 2 << 20;
const VIDEO: u64 = 10 << 20;
const FILE: u64 = 20 << 20;

/// Uploads what is attached to a message.
pub(in super::super) struct Attach<'a> {
    /// The corp's API.
    pub(in super::super) api: &'a Api,
    /// Where the bytes are.
    pub(in super::super) library: &'a dyn MediaLibrary,
    /// What the platform shows.
    pub(in super::super) within: &'a Capabilities,
    /// Whose handles they become.
    pub(in super::super) inbox: &'a InboxName,
    /// The platform no longer knows what was uploaded before.
    pub(in super::super) afresh: bool,
}

impl Attach<'_> {
    /// The content with its media uploaded, or with a public URL where the platform takes no such thing.
    pub(in super::super) async fn to(&self, content: Content) -> Result<Content, ChannelError> {
        Ok(match content {
            Content::Image { media } => Content::Image {
                media: self.image(&media).await?,
            },
            Content::Voice {
                media,
                words,
                seconds,
            } => {
                let kept = self.keep(&media).await?;
                match kept.mime == "audio/amr" && kept.size <= VOICE {
                    true => Content::Voice {
                        media: self.upload(&kept, "voice").await?,
                        words,
                        seconds,
                    },
                    // Only AMR is a voice there; anything else can still be listened to as a file.
                    false => Content::File {
                        media: self.file(&kept).await?,
                    },
                }
            }
            Content::Video { media, seconds, .. } => {
                let kept = self.keep(&media).await?;
                let media = match kept.mime == "video/mp4" && kept.size <= VIDEO {
                    true => self.upload(&kept, "video").await?,
                    false => self.at_url(&kept),
                };
                Content::Video {
                    media,
                    thumbnail: None,
                    seconds,
                }
            }
            Content::File { media } => {
                let kept = self.keep(&media).await?;
                Content::File {
                    media: self.file(&kept).await?,
                }
            }
            other => other,
        })
    }

    /// A picture, made smaller where it is too large.
    pub(in super::super) async fn image(&self, media: &Media) -> Result<Media, ChannelError> {
        let kept = self.keep(media).await?;
        let fits = kept.size <= IMAGE && self.within.image_types.contains(&kept.mime.as_str());
        let ready = match fits {
            true => Some(kept.clone()),
            false => {
                let wanted = Rendition::Picture { max_bytes: IMAGE };
                let made = self.library.rendition(&kept, wanted).await;
                made.map_err(unavailable)?
            }
        };
        match ready {
            Some(ready) => self.upload(&ready, "image").await,
            None => Ok(self.at_url(&kept)),
        }
    }

    async fn file(&self, kept: &KeptMedia) -> Result<Media, ChannelError> {
        match kept.size <= FILE {
            true => self.upload(kept, "file").await,
            false => Ok(self.at_url(kept)),
        }
    }

    async fn keep(&self, media: &Media) -> Result<KeptMedia, ChannelError> {
        self.library.keep(media).await.map_err(unavailable)
    }

    async fn upload(&self, kept: &KeptMedia, kind: &str) -> Result<Media, ChannelError> {
        let upload = Upload {
            kept,
            kind,
            name: file_name(kept),
            lives: UPLOAD_LIVES,
            afresh: self.afresh,
        };
        let handle = self.api.upload(self.library, upload).await?;
        Ok(Media {
            name: Some(kept.name.clone()),
            ..Media::remote(self.inbox, handle, None)
        })
    }

    fn at_url(&self, kept: &KeptMedia) -> Media {
        Media {
            name: Some(kept.name.clone()),
            mime: Some(kept.mime.clone()),
            size: Some(kept.size),
            ..Media::remote(self.inbox, "", Some(self.library.url(kept)))
        }
    }
}

/// What people see of a file is its name; for the rest the platform goes by the extension.
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
