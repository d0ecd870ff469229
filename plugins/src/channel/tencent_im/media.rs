//! Media on their way to an agent: kept with us, put under a public URL, in a form that clients show. What is not to be
//! had is said in words, so that one lost picture does not hold up a conversation.

use bridge_convertors::tencent_im::body::Element;
use bridge_convertors::tencent_im::convert::{self, AS_A_FILE, Placed};
use bridge_core::channel::{ChannelError, ChannelErrorKind, Dispatch};
use bridge_core::convert::{ConvertError, Loss, Written};
use bridge_core::error::Remedy;
use bridge_core::media::{KeptMedia, MediaError, Rendition};
use bridge_core::message::{Content, ContentKind, Media};
use bridge_core::texts::Locale;

use super::TencentIm;

/// After so many tries a medium that cannot be had now is given up.
const TRIES: u32 = 3;
/// The largest picture that is sent where the original's type is not shown.
const PICTURE_BYTES: u64 = 5 * 1024 * 1024;

type Elements = Written<Element<'static>>;

impl TencentIm {
    /// A dispatch's content as messages of one element each.
    pub(super) async fn outgoing(&self, dispatch: &Dispatch) -> Result<Elements, ChannelError> {
        let content = &dispatch.content;
        let shown = match content {
            Content::Image { media } => self.image(media).await.map(Written::whole),
            Content::File { media } => self.file(media).await.map(Written::whole),
            Content::Video {
                media,
                thumbnail,
                seconds,
            } => self.video(media, thumbnail.as_ref(), *seconds).await,
            Content::Voice {
                media,
                words,
                seconds,
            } => self.voice(media, words.as_deref(), *seconds).await,
            _ => return self.written(content),
        };
        match shown {
            Ok(shown) => Ok(shown),
            Err(MediaError {
                remedy: Remedy::Never,
                detail,
            }) => self.missing(content, &detail),
            Err(MediaError { detail, .. }) if dispatch.attempt >= TRIES => {
                self.missing(content, &detail)
            }
            Err(MediaError { detail, .. }) => Err(ChannelError::network(
                Remedy::retry_secs(1),
                format!("the medium is not to be had now: {detail}"),
            )),
        }
    }

    async fn image(&self, media: &Media) -> Result<Element<'static>, MediaError> {
        let mut kept = self.media.keep(media).await?;
        let is_shown = self.capabilities.image_types.contains(&kept.mime.as_str());
        // Photos too, though they are shown: they may lie on their side.
        if !is_shown || kept.mime == "image/jpeg" {
            let wanted = Rendition::Picture {
                max_bytes: PICTURE_BYTES,
            };
            match self.media.rendition(&kept, wanted).await? {
                Some(picture) => kept = picture,
                None if is_shown => {}
                None => return Ok(convert::file(&self.placed(&kept))),
            }
        }
        let thumbnail = self.thumbnail(&kept).await;
        let thumbnail = thumbnail.as_ref().map(|thumbnail| self.placed(thumbnail));
        Ok(convert::image(&self.placed(&kept), thumbnail.as_ref()))
    }

    async fn file(&self, media: &Media) -> Result<Element<'static>, MediaError> {
        let kept = self.media.keep(media).await?;
        Ok(convert::file(&self.placed(&kept)))
    }

    async fn video(
        &self,
        media: &Media,
        still: Option<&Media>,
        seconds: Option<u32>,
    ) -> Result<Elements, MediaError> {
        let kept = self.media.keep(media).await?;
        let still = match still {
            Some(still) => self.still(still).await,
            None => None,
        };
        Ok(match still {
            Some(still) => Written::whole(convert::video(
                &self.placed(&kept),
                &self.placed(&still),
                seconds,
            )),
            None => Written {
                parts: vec![convert::file(&self.placed(&kept))],
                lost: vec![Loss::new(ContentKind::Video, AS_A_FILE)],
            },
        })
    }

    /// A video's still: welcome, and never a reason to wait.
    async fn still(&self, media: &Media) -> Option<KeptMedia> {
        let kept = self.media.keep(media).await.ok()?;
        Some(self.thumbnail(&kept).await.unwrap_or(kept))
    }

    async fn thumbnail(&self, kept: &KeptMedia) -> Option<KeptMedia> {
        self.media
            .rendition(kept, Rendition::Thumbnail)
            .await
            .ok()
            .flatten()
    }

    /// A voice that clients play, else a link to what there is; with the recognised words either way.
    async fn voice(
        &self,
        media: &Media,
        words: Option<&str>,
        seconds: Option<u32>,
    ) -> Result<Elements, MediaError> {
        let kept = self.media.keep(media).await?;
        let playable = match self.capabilities.voice_types.contains(&kept.mime.as_str()) {
            true => Some(kept.clone()),
            false => self.media.rendition(&kept, Rendition::Mp3).await?,
        };
        let words = self.words.recognised(words);
        Ok(match playable {
            Some(playable) => {
                let sound = convert::sound(&self.placed(&playable), seconds);
                let parts = std::iter::once(sound)
                    .chain(words.map(Element::text))
                    .collect();
                Written {
                    parts,
                    lost: Vec::new(),
                }
            }
            None => {
                let heading = match self.words.locale {
                    Locale::Zh => "[语音]",
                    Locale::En => "[Voice]",
                };
                let length = seconds
                    .map(|seconds| format!(" {seconds}″"))
                    .unwrap_or_default();
                let words = words.map(|words| format!("\n{words}")).unwrap_or_default();
                let text = format!("{heading}{length}{words}\n{}", self.media.url(&kept));
                let lost = vec![Loss::new(ContentKind::Voice, "shown as a link")];
                Written {
                    parts: vec![Element::text(text)],
                    lost,
                }
            }
        })
    }

    fn placed(&self, kept: &KeptMedia) -> Placed<'static> {
        Placed {
            url: self.media.url(kept).into(),
            uuid: kept.hash.clone().into(),
            name: kept.name.clone().into(),
            mime: kept.mime.clone().into(),
            size: kept.size,
            dimensions: kept.dimensions.unwrap_or_default(),
        }
    }

    /// Words in place of a medium that is not to be had.
    fn missing(&self, content: &Content, why: &str) -> Result<Elements, ChannelError> {
        tracing::warn!(kind = ?content.kind(), why, "a medium is not to be had: said in words");
        let (zh, en) = match content {
            Content::Image { .. } => ("图片", "picture"),
            Content::Voice { .. } => ("语音", "voice message"),
            Content::Video { .. } => ("视频", "video"),
            _ => ("文件", "file"),
        };
        let name = content
            .media()
            .first()
            .and_then(|media| media.name.as_deref())
            .unwrap_or_default();
        let words = content
            .words()
            .map(|words| format!("\n{words}"))
            .unwrap_or_default();
        let text = match self.words.locale {
            Locale::Zh => format!("[{zh}无法获取] {name}{words}"),
            Locale::En => format!("[A {en} could not be fetched] {name}{words}"),
        };
        let mut written = self.written(&Content::text(text.trim_end()))?;
        written
            .lost
            .push(Loss::new(content.kind(), "not to be had"));
        Ok(written)
    }

    fn written(&self, content: &Content) -> Result<Elements, ChannelError> {
        let limit = self.capabilities.text_bytes.unwrap_or(usize::MAX);
        self.words
            .messages(content, limit)
            .map_err(|error: ConvertError| {
                ChannelError::new(ChannelErrorKind::Refused, Remedy::Never, error.to_string())
                    .advise(
                        "该内容无法发送到腾讯云 IM",
                        "this cannot be sent to Tencent IM",
                    )
            })
    }
}
