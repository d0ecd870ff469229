//! Media both ways.

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, Fetch, Fetched},
    message::{Content, Media, MediaSource},
};

use super::{super::account::Attach, Kf};

/// The content with its media uploaded, or with a public URL where the platform takes no such thing.
pub(super) async fn uploaded(
    account: &Kf,
    content: Content,
    afresh: bool,
) -> Result<Content, ChannelError> {
    let attach = Attach {
        api: &account.api,
        library: &*account.media,
        within: &account.capabilities,
        inbox: &account.words.inbox,
        afresh,
    };
    match content {
        Content::MiniProgram {
            app_id,
            title,
            path,
            thumbnail: Some(thumbnail),
        } => Ok(Content::MiniProgram {
            app_id,
            title,
            path,
            // Without its picture it can still be told of.
            thumbnail: attach.image(&thumbnail).await.ok(),
        }),
        other => attach.to(other).await,
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
