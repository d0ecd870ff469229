//! Where the agent has not said for whom it is: the question, and what is kept until it is answered.

use super::{Act, Board, FOR_THIS, KEPT, Line};
use crate::{
    message::{Content, MenuItem},
    texts::{Text, Texts, excerpt},
};

impl Board {
    pub(super) fn question(&self, content: &Content, texts: &Texts) -> Content {
        let item = |line: &Line| MenuItem {
            id: line.choice(FOR_THIS),
            label: line.title(),
        };
        Content::Menu {
            head: texts.say(
                Text::LinesWhich,
                &[("excerpt", &excerpt(content, texts.locale))],
            ),
            items: self.lines.iter().map(item).collect(),
            tail: texts.say(Text::LinesWhichTail, &[]),
        }
    }

    pub(super) fn keep(&mut self, content: Content, texts: &Texts) -> Act {
        if self.kept.len() >= KEPT {
            return Act::say(texts.say(Text::LinesKeptFull, &[]));
        }
        self.kept.push(content);
        self.still_kept(texts)
    }

    pub(super) fn still_kept(&self, texts: &Texts) -> Act {
        let count = self.kept.len().to_string();
        Act::say(texts.say(Text::LinesKept, &[("count", &count)]))
    }

    pub(super) fn cancel(&mut self, texts: &Texts) -> Vec<Act> {
        let count = std::mem::take(&mut self.kept).len().to_string();
        let words = texts.say(Text::LinesDropped, &[("count", &count)]);
        let over = self.answered(Text::LinesCardDropped, texts);
        std::iter::once(Act::say(words)).chain(over).collect()
    }

    /// The question is over, if there is one.
    pub(super) fn answered(&mut self, how: Text, texts: &Texts) -> Option<Act> {
        let shown_by = self.question.take()?;
        let words = texts.say(how, &[]);
        Some(Act::Over { shown_by, words })
    }

    pub(super) fn list(&self, wrong: Option<u32>, texts: &Texts) -> Act {
        let wrong = wrong.map(|number| {
            let number = number.to_string();
            texts.say(Text::LinesUnknown, &[("number", &number)])
        });
        let mark = |line: &Line| match self.open.as_ref() == Some(&line.stand_in) {
            true => format!("▶ {}", line.title()),
            false => format!("　{}", line.title()),
        };
        let lines: Vec<String> = self.lines.iter().map(mark).collect();
        let list = match lines.is_empty() {
            true => texts.say(Text::LinesNone, &[]),
            false => texts.say(Text::LinesList, &[("lines", &lines.join("\n"))]),
        };
        let all: Vec<String> = wrong.into_iter().chain([list]).collect();
        Act::say(all.join("\n"))
    }
}
