//! From Dify's answer to what the contact gets: words, pictures, and a person where the answer asks for one.

use std::sync::Arc;

use bridge_convertors::dify::{Answer, Outcome, events::FileRef};
use bridge_core::{
    bot::{Effect, Turn},
    media::{KeptMedia, MediaError, MediaLibrary},
    message::{Content, InboxName, Media, MediaSource},
    texts::{Locale, Text},
};

use super::{ask::GaveUp, client::Dify, config::OnFailure, memory::Memory};

/// The most files that are sent along with an answer; more are named by their addresses, since every one costs the contact's
/// allowance.
const MOST_FILES: usize = 3;
/// The largest file that is taken from Dify's server.
const LARGEST_FILE: usize = 20 << 20;

/// What makes effects of answers.
pub(super) struct Replying<'a> {
    pub(super) dify: &'a Dify,
    pub(super) media: &'a Arc<dyn MediaLibrary>,
    pub(super) bot: &'a str,
    pub(super) marks: &'a [String],
    pub(super) on_failure: OnFailure,
    pub(super) turn: &'a Turn,
}

impl Replying<'_> {
    /// The effects of an answer.
    pub(super) async fn answered(&self, answer: Answer, memory: &Memory) -> Vec<Effect> {
        let (words, asks_for_person) = without_marks(&answer.text, self.marks);
        let (files, addresses) = self.fetched(answer.files).await;
        let words = with_addresses(words, &addresses);
        let memory = memory.after(&answer.ids, self.turn.now);
        let mut effects = vec![Turn::remember(self.bot, &memory)];
        if !words.is_empty() {
            effects.push(Effect::TellContact(Content::markdown(words)));
        }
        effects.extend(files.into_iter().map(Effect::TellContact));
        if asks_for_person {
            effects.push(self.route(match self.turn.locale() {
                Locale::Zh => "智能助手建议由人工接待",
                Locale::En => "the assistant asked for a person",
            }));
        }
        effects
    }

    /// The effects of no answer: what was heard of it, an apology, and a person. `None`: the engine's own apology and
    /// hand-off say all there is to say.
    pub(super) fn failed(&self, gave_up: &GaveUp, memory: &Memory) -> Option<Vec<Effect>> {
        let GaveUp::Failed { failure, heard } = gave_up else {
            return Some(Vec::new());
        };
        let reason = people_read(failure, self.turn.locale());
        let part = heard.as_ref().and_then(|answer| self.part(answer, memory));
        let sorry = |text| Effect::TellContact(Content::text(self.turn.texts.say(text, &[])));
        match (self.on_failure, part) {
            (OnFailure::Handoff, None) => None,
            (OnFailure::Handoff, Some(mut effects)) => {
                effects.push(sorry(Text::AssistantFailed));
                effects.push(self.route(&reason));
                Some(effects)
            }
            (OnFailure::Apologise, part) => {
                let mut effects = part.unwrap_or_default();
                effects.push(sorry(Text::AssistantSorry));
                effects.push(Effect::Note(reason));
                Some(effects)
            }
        }
    }

    /// An answer that broke off is better than none, when nothing was wrong with it but its end.
    fn part(&self, heard: &Answer, memory: &Memory) -> Option<Vec<Effect>> {
        let (words, _) = without_marks(&heard.text, self.marks);
        if heard.outcome != Outcome::Incomplete || words.is_empty() {
            return None;
        }
        let memory = memory.after(&heard.ids, self.turn.now);
        Some(vec![
            Turn::remember(self.bot, &memory),
            Effect::TellContact(Content::markdown(words + "……")),
        ])
    }

    fn route(&self, note: &str) -> Effect {
        Effect::Route {
            skill: None,
            note: Some(note.to_owned()),
        }
    }

    /// The answer's files as contents, and the addresses of those that are not to be had.
    async fn fetched(&self, files: Vec<FileRef>) -> (Vec<Content>, Vec<String>) {
        let mut contents = Vec::new();
        let mut addresses = Vec::new();
        for file in files {
            let kept = match contents.len() < MOST_FILES {
                true => self.keep(&file).await,
                false => Err("enough files for one answer".to_owned()),
            };
            match kept {
                Ok(kept) => contents.push(content(kept)),
                Err(why) => {
                    tracing::warn!(why, "a file of an answer is sent by its address");
                    addresses.push(named(&file));
                }
            }
        }
        (contents, addresses)
    }

    /// Files on Dify's own server are fetched here and now: their signatures last minutes. Others are the media library's
    /// business, which decides from where anything may be fetched.
    async fn keep(&self, file: &FileRef) -> Result<KeptMedia, String> {
        let inbox: &InboxName = &self.turn.conversation.thread.inbox;
        let refused = |error: MediaError| error.to_string();
        if !self.dify.is_own(&file.url) {
            let media = Media::remote(inbox, "", Some(file.url.clone()));
            return self.media.keep(&media).await.map_err(refused);
        }
        let bytes = self
            .dify
            .download(&file.url, LARGEST_FILE)
            .await
            .map_err(|refusal| refusal.failure.to_string())?;
        let name = Some(file.name.as_str()).filter(|name| !name.is_empty());
        self.media.put(bytes, name).await.map_err(refused)
    }
}

/// The answer without its hand-off marks, and whether it had one.
fn without_marks(text: &str, marks: &[String]) -> (String, bool) {
    let mut words = text.to_owned();
    for mark in marks {
        words = words.replace(mark.as_str(), "");
    }
    let asks = words.len() != text.len();
    match asks {
        true => (words.trim().to_owned(), true),
        false => (words, false),
    }
}

fn with_addresses(words: String, addresses: &[String]) -> String {
    let mut lines = vec![words];
    lines.extend(addresses.iter().cloned());
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn named(file: &FileRef) -> String {
    match file.name.as_str() {
        "" => file.url.clone(),
        name => format!("[{name}]({})", file.url),
    }
}

fn content(kept: KeptMedia) -> Content {
    let media = Media {
        source: MediaSource::Kept { hash: kept.hash },
        name: Some(kept.name).filter(|name| !name.is_empty()),
        mime: Some(kept.mime.clone()),
        size: Some(kept.size),
    };
    match kept.mime.split('/').next() {
        Some("image") => Content::Image { media },
        Some("video") => Content::Video {
            media,
            thumbnail: None,
            seconds: None,
        },
        _ => Content::File { media },
    }
}

/// The reason as agents read it: Dify's word for it, without texts that strangers wrote.
pub(super) fn people_read(failure: &bridge_convertors::dify::Failure, locale: Locale) -> String {
    let word = match (failure.status, failure.code.as_str()) {
        (0, "") => String::new(),
        (0, code) => code.to_owned(),
        (status, "") => format!("HTTP {status}"),
        (status, code) => format!("HTTP {status} {code}"),
    };
    match (locale, word.as_str()) {
        (Locale::Zh, "") => "Dify 没有在规定时间内给出完整回答".into(),
        (Locale::Zh, word) => format!("Dify 未能回答（{word}）"),
        (Locale::En, "") => "Dify gave no whole answer in time".into(),
        (Locale::En, word) => format!("Dify could not answer ({word})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_goes_and_is_told() {
        let marks = ["【转人工】".to_owned(), "[HANDOFF]".to_owned()];
        let read = |text: &str| without_marks(text, &marks);
        assert_eq!(
            read("这就为您转接。【转人工】"),
            ("这就为您转接。".into(), true)
        );
        assert_eq!(read("[HANDOFF]"), (String::new(), true));
        assert_eq!(read("没有标记 "), ("没有标记 ".into(), false));
    }

    #[test]
    fn agents_read_a_word_and_no_foreign_text() {
        let failure = bridge_convertors::dify::Failure::of_response(
            400,
            br#"{"code":"completion_request_error","message":"sk-secret"}"#,
        );
        let reason = people_read(&failure, Locale::Zh);
        assert_eq!(reason, "Dify 未能回答（HTTP 400 completion_request_error）");
    }
}
