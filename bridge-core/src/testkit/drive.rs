//! Asking a bot, and what it is built with.

use std::sync::Arc;

use bytes::Bytes;

#[cfg(feature = "engine")]
use crate::clock::SystemClock;
use crate::{
    bot::{
        Audience, BotError, BotSpec, ChatBot, DynBot, Effect, Manual, Turn, async_trait,
        grammar::{self, Reading},
    },
    cache::MemoryCache,
    clock::Clock,
    error::Remedy,
    media::{KeptMedia, MediaError, MediaLibrary, Rendition},
    message::Media,
    plugin::{Keyring, Tools},
    texts::Locale,
};

/// What a bot makes of a turn, the way the chain asks it: a line with `#` is parsed into its arguments (whatever the
/// command's name), anything else is plain speech. A refusal of the grammar comes back as the reply it is.
pub async fn answer<B: ChatBot>(bot: &B, turn: &Turn) -> Result<Vec<Effect>, BotError> {
    let spec = BotSpec::new::<B>("bot").audience(Audience::Everyone);
    let line = turn.words().unwrap_or_default();
    let mut turn = turn.clone();
    let args = match line.strip_prefix(['#', '＃']) {
        None => grammar::command(&spec)
            .try_get_matches_from(std::iter::empty::<&str>())
            .map_err(|_| BotError::permanent("the command has required arguments"))?,
        Some(rest) => {
            let (name, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            let manual: Manual = [spec].into_iter().collect();
            let line = format!("#bot{rest}");
            match grammar::read(&line, &turn.author, &manual, &turn.texts) {
                Reading::Command(called) => {
                    turn.called = Some(grammar::fold(name));
                    called.args
                }
                Reading::Answer { text, .. } => return Ok(vec![Effect::reply(text)]),
                Reading::Speech | Reading::Literal(_) => {
                    return Err(BotError::permanent("not a command"));
                }
            }
        }
    };
    DynBot::answer(bot, args, &turn).await
}

/// The words of every reply among the effects.
pub fn words(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Reply(content) => content.words(),
            _ => None,
        })
        .collect()
}

/// What a plugin is built with: the machine's clock, a cache of its own, no media.
#[cfg(feature = "engine")]
pub fn tools() -> Tools {
    tools_at(Arc::new(SystemClock))
}

/// The same with a clock of the test's own.
pub fn tools_at(clock: Arc<dyn Clock>) -> Tools {
    Tools {
        name: "test".into(),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        media: Arc::new(NoMedia),
        locale: Locale::Zh,
        public_url: "https://kefu.example.com".to_owned(),
        keys: Keyring::new([7; 32]),
    }
}

/// A library that keeps nothing.
struct NoMedia;

fn none() -> MediaError {
    MediaError::new(Remedy::Never, "the testkit keeps no media")
}

#[async_trait]
impl MediaLibrary for NoMedia {
    async fn keep(&self, _: &Media) -> Result<KeptMedia, MediaError> {
        Err(none())
    }

    async fn open(&self, _: &KeptMedia) -> Result<Bytes, MediaError> {
        Err(none())
    }

    async fn put(&self, _: Bytes, _: Option<&str>) -> Result<KeptMedia, MediaError> {
        Err(none())
    }

    fn url(&self, kept: &KeptMedia) -> String {
        format!("https://kefu.example.com/media/{}", kept.hash)
    }

    async fn rendition(
        &self,
        _: &KeptMedia,
        _: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        Ok(None)
    }
}
