//! A line of the transcript with what it takes to show it: the agent's name, and each medium in a form that browsers
//! know, under a link.

use std::{collections::HashMap, time::Duration};

use bridge_core::{
    channel::{Line, Shown},
    engine::EngineParts,
    media::{KeptMedia, MediaError, MediaLibrary, Rendition},
    message::{Content, Media},
    store::{Entry, EntryAuthor},
};
use parking_lot::Mutex;

/// How long a line waits for its medium.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest picture made of one that browsers do not know.
const PICTURE: u64 = 5 * 1024 * 1024;
/// Media remembered.
const REMEMBERED: usize = 4096;

/// What is known of media: the same few are looked at again and again.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<Media, KeptMedia>>);

impl Shelf {
    /// Lines as a visitor may see them, in order; those that are none of theirs are left out.
    pub(super) async fn lines(&self, parts: &EngineParts, entries: Vec<Entry>) -> Vec<Line> {
        let mut lines = Vec::with_capacity(entries.len());
        for entry in entries.into_iter().filter(Entry::is_for_contact) {
            lines.push(self.line(parts, entry).await);
        }
        lines
    }

    async fn line(&self, parts: &EngineParts, entry: Entry) -> Line {
        let mut media = Vec::new();
        for medium in entry.content.media() {
            let kept = self.kept(&*parts.media, medium, &entry.content).await;
            media.push(kept.map(|kept| Shown {
                url: parts.media.url(&kept),
                kept,
            }));
        }
        let agent = match &entry.author {
            EntryAuthor::Agent(name) => Some(
                parts
                    .agents
                    .get(name)
                    .map_or_else(|| name.to_string(), |agent| agent.display_name.clone()),
            ),
            _ => None,
        };
        Line {
            entry,
            agent,
            media,
        }
    }

    async fn kept(
        &self,
        library: &dyn MediaLibrary,
        medium: &Media,
        content: &Content,
    ) -> Option<KeptMedia> {
        let known = self.0.lock().get(medium).cloned();
        if known.is_some() {
            return known;
        }
        let kept = tokio::time::timeout(PATIENCE, shown(library, medium, content)).await;
        match kept {
            Ok(Ok(kept)) => {
                let mut remembered = self.0.lock();
                if remembered.len() >= REMEMBERED {
                    remembered.clear();
                }
                remembered.insert(medium.clone(), kept.clone());
                Some(kept)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a visitor's line lacks its medium");
                None
            }
            Err(_) => None,
        }
    }
}

/// A medium in a form that browsers show or play.
async fn shown(
    library: &dyn MediaLibrary,
    medium: &Media,
    content: &Content,
) -> Result<KeptMedia, MediaError> {
    let kept = library.keep(medium).await?;
    let wanted = match content {
        Content::Image { .. } if !is_web_picture(&kept.mime) => {
            Rendition::Picture { max_bytes: PICTURE }
        }
        Content::Voice { .. } if !is_web_sound(&kept.mime) => Rendition::Mp3,
        _ => return Ok(kept),
    };
    Ok(library.rendition(&kept, wanted).await?.unwrap_or(kept))
}

fn is_web_picture(mime: &str) -> bool {
    matches!(
        mime,
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/bmp"
    )
}

/// AMR, SILK and Speex are for phones alone.
fn is_web_sound(mime: &str) -> bool {
    !matches!(
        mime,
        "audio/amr" | "audio/amr-wb" | "audio/silk" | "audio/speex"
    )
}
