//! Media both ways.

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, Fetch, Fetched},
    message::{Content, Media, MediaSource},
};

use super::{super::account::Attach, Wecom};

/// The content with its media uploaded, or with a public URL where the platform takes no such thing.
pub(super) async fn uploaded(
    app: &Wecom,
    content: Content,
    afresh: bool,
) -> Result<Content, ChannelError> {
    let attach = Attach {
        api: &app.api,
        library: &*app.media,
        within: &app.capabilities,
        inbox: &app.words.inbox,
        afresh,
    };
    attach.to(content).await
}

#[async_trait]
impl Fetch for Wecom {
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError> {
        match &media.source {
            MediaSource::Remote { url: Some(url), .. } => Ok(Fetched::At(url.clone())),
            MediaSource::Remote { handle, .. } => self.api.download(handle, limit).await,
            MediaSource::Kept { .. } => Err(ChannelError::malformed("it is with us already")),
        }
    }
}
