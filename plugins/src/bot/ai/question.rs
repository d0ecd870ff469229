//! What a contact said, as a question: words for the model, and files that go along.

use bridge_convertors::dify::request::FileKind;
use bridge_core::{
    bot::Turn,
    message::{Content, Media},
    store::EntryAuthor,
    texts::Locale,
};
use serde_json::{Map, Value};

use super::config::Attachable;

/// The longest question, in characters; beyond it only the end counts, which is what was said last.
const LONGEST: usize = 12_000;
/// The most files of one question: what apps take unless their author says otherwise.
const MOST_FILES: usize = 3;
/// The longest replay of what was said before, in characters.
const RECENT: usize = 2_000;

/// One question, before its files are uploaded.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Question {
    words: Vec<String>,
    /// The files that should go along.
    pub(super) files: Vec<Attachment>,
}

/// One file of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attachment {
    pub(super) kind: FileKind,
    pub(super) media: Media,
    placeholder: &'static str,
}

impl Question {
    /// Everything that was said since the last answer, as one question.
    pub(super) fn of(turn: &Turn, attachable: &[Attachable]) -> Self {
        let mut question = Self::default();
        let said = turn.question.iter().map(|said| &said.content);
        match turn.question.is_empty() {
            false => said.for_each(|content| question.add(content, attachable, turn.locale())),
            true => turn
                .said
                .iter()
                .for_each(|content| question.add(content, attachable, turn.locale())),
        }
        question
    }

    fn add(&mut self, content: &Content, attachable: &[Attachable], locale: Locale) {
        match attachment(content, locale) {
            Some((kind, file)) if attachable.contains(&kind) => self.attach(file),
            _ => self.words.extend(words(content, locale)),
        }
    }

    /// The newest files count; of older ones only that there were some.
    fn attach(&mut self, file: Attachment) {
        self.files.push(file);
        if self.files.len() > MOST_FILES {
            let left_out = self.files.remove(0);
            self.leave_out(&left_out);
        }
    }

    /// A file that cannot go along is named at least.
    pub(super) fn leave_out(&mut self, file: &Attachment) {
        self.words.push(file.placeholder.to_owned());
    }

    /// The words, never empty: Dify takes no question without any (Dify: 3.1).
    pub(super) fn words(&self, locale: Locale) -> String {
        let all = self.words.join("\n");
        let placeholder = match locale {
            Locale::Zh => "请看我发的内容。",
            Locale::En => "Please look at what I sent.",
        };
        let words = bridge_convertors::dify::request::query(&all, placeholder);
        let surplus = words.chars().count().saturating_sub(LONGEST);
        words.chars().skip(surplus).collect()
    }
}

fn attachment(content: &Content, locale: Locale) -> Option<(Attachable, Attachment)> {
    let (attachable, media, zh, en) = match content {
        Content::Image { media } => (Attachable::Image, media, "[图片]", "[picture]"),
        Content::File { media } => (Attachable::Document, media, "[文件]", "[file]"),
        Content::Video { media, .. } => (Attachable::Video, media, "[视频]", "[video]"),
        Content::Voice { media, .. } if content.words().is_none() => {
            (Attachable::Audio, media, "[语音]", "[voice message]")
        }
        _ => return None,
    };
    let file = Attachment {
        kind: attachable.into(),
        media: media.clone(),
        placeholder: in_locale(locale, zh, en),
    };
    Some((attachable, file))
}

fn in_locale(locale: Locale, zh: &'static str, en: &'static str) -> &'static str {
    match locale {
        Locale::Zh => zh,
        Locale::En => en,
    }
}

/// The words of a content, or words for it.
fn words(content: &Content, locale: Locale) -> Option<String> {
    if let Some(words) = content.words() {
        return Some(words.to_owned());
    }
    if let Some((_, file)) = attachment(content, locale) {
        let name = file.media.name.unwrap_or_default();
        return Some(format!("{}{name}", file.placeholder));
    }
    match content {
        Content::Location {
            latitude,
            longitude,
            label,
        } => Some(format!(
            "{}{label} ({latitude},{longitude})",
            in_locale(locale, "[位置]", "[location] ")
        )),
        Content::Link {
            title,
            description,
            url,
            ..
        } => Some(format!(
            "{}{title} {description} {url}",
            in_locale(locale, "[链接]", "[link] ")
        )),
        Content::MiniProgram { title, .. } => Some(format!(
            "{}{title}",
            in_locale(locale, "[小程序]", "[mini program] ")
        )),
        Content::Unsupported { what, summary } => Some(format!("[{what}] {summary}")),
        _ => None,
    }
}

/// The app's variables for this turn: places in texts filled.
pub(super) fn inputs(configured: &Map<String, Value>, turn: &Turn) -> Map<String, Value> {
    let fill = |text: &str| {
        if !text.contains('{') {
            return text.to_owned();
        }
        let thread = &turn.conversation.thread;
        text.replace("{inbox}", thread.inbox.as_str())
            .replace(
                "{contact}",
                &turn.contact.display_name(&thread.peer, turn.locale()),
            )
            .replace("{recent}", &recent(turn))
    };
    configured
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => Value::String(fill(text)),
                other => other.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

/// The last messages as a play, newest last.
fn recent(turn: &Turn) -> String {
    let zh = turn.locale() == Locale::Zh;
    let lines: Vec<String> = turn
        .recent
        .iter()
        .filter_map(|entry| {
            let who = match &entry.author {
                EntryAuthor::Contact if zh => "客户",
                EntryAuthor::Contact => "Customer",
                EntryAuthor::Agent(_) if zh => "客服",
                EntryAuthor::Agent(_) => "Agent",
                EntryAuthor::Bot(_) if zh => "助手",
                EntryAuthor::Bot(_) => "Assistant",
                EntryAuthor::System | EntryAuthor::Note => return None,
            };
            Some(format!("{who}: {}", words(&entry.content, turn.locale())?))
        })
        .collect();
    let text = lines.join("\n");
    let surplus = text.chars().count().saturating_sub(RECENT);
    text.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use bridge_core::{
        message::{ArrivalId, InboxName},
        store::Said,
    };
    use serde_json::json;

    use super::*;

    fn turn(contents: Vec<Content>) -> Turn {
        let mut turn = Turn::of_contact("");
        turn.question = contents
            .into_iter()
            .map(|content| Said {
                trace: ArrivalId(1),
                content,
            })
            .collect();
        turn
    }

    fn picture() -> Content {
        Content::Image {
            media: Media::remote(&InboxName::new("mall"), "m1", None),
        }
    }

    #[test]
    fn a_burst_becomes_one_question_and_pictures_go_along() {
        let turn = turn(vec![
            Content::text("在吗"),
            picture(),
            Content::text("这个多少钱"),
        ]);
        let question = Question::of(&turn, &[Attachable::Image]);
        assert_eq!(question.words(Locale::Zh), "在吗\n这个多少钱");
        assert_eq!(question.files.len(), 1);
    }

    #[test]
    fn a_picture_alone_gets_words_and_one_that_cannot_go_is_named() {
        let turn = turn(vec![picture()]);
        let mut question = Question::of(&turn, &[Attachable::Image]);
        assert_eq!(question.words(Locale::Zh), "请看我发的内容。");
        let file = question.files.remove(0);
        question.leave_out(&file);
        assert_eq!(question.words(Locale::Zh), "[图片]");
        assert_eq!(Question::of(&turn, &[]).words(Locale::Zh), "[图片]");
    }

    #[test]
    fn of_many_pictures_the_last_go_and_of_a_long_text_the_end() {
        let many = turn(vec![picture(), picture(), picture(), picture()]);
        let question = Question::of(&many, &[Attachable::Image]);
        assert_eq!(question.files.len(), MOST_FILES);
        assert_eq!(question.words(Locale::Zh), "[图片]");
        let long = turn(vec![Content::text("长".repeat(20_000) + "完")]);
        let words = Question::of(&long, &[]).words(Locale::Zh);
        assert!(words.ends_with('完') && words.chars().count() == LONGEST);
    }

    #[test]
    fn recognised_speech_is_words_and_a_silent_voice_is_not() {
        let media = Media::remote(&InboxName::new("mall"), "v1", None);
        let voice = |words: Option<&str>| Content::Voice {
            media: media.clone(),
            words: words.map(str::to_owned),
            seconds: None,
        };
        let turn = turn(vec![voice(Some("退货")), voice(None)]);
        let question = Question::of(&turn, &[Attachable::Audio]);
        assert_eq!(question.words(Locale::Zh), "退货");
        assert_eq!(question.files[0].kind, FileKind::Audio);
    }

    #[test]
    fn variables_are_filled_from_the_turn() {
        let configured = json!({"channel": "{inbox}", "name": "{contact}", "level": 3});
        let configured = configured.as_object().unwrap();
        let filled = inputs(configured, &Turn::of_contact("在吗"));
        assert_eq!(
            Value::Object(filled),
            json!({"channel": "mall", "name": "小周", "level": 3})
        );
    }
}
