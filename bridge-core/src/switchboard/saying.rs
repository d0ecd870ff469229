//! What the agent says or taps, and for whom it is.

use super::{
    Act, Board, Button, FOR_THIS, Line, OPEN,
    reading::{self, Reading, Who},
};
use crate::{
    message::{ArrivalId, Content, PeerId, Text as Said},
    texts::{Text, Texts},
};

impl Board {
    /// The agent says or taps something.
    pub fn said(
        &mut self,
        content: Content,
        by: ArrivalId,
        buttons: &[Button],
        texts: &Texts,
    ) -> Vec<Act> {
        match &content {
            Content::Choice { id, .. } => self.tapped(id, buttons, texts),
            Content::Text(Said { text, .. }) => match reading::read(text) {
                Reading::To { who, words } => self.to(&who, words, content.clone(), by, texts),
                Reading::List => vec![self.list(None, texts)],
                Reading::Cancel => self.cancel(texts),
                Reading::Duty { online } => {
                    let text = if online {
                        Text::LinesOnDuty
                    } else {
                        Text::LinesOffDuty
                    };
                    vec![Act::Presence { online }, Act::say(texts.say(text, &[]))]
                }
                Reading::Plain => self.plain(content, by, texts),
            },
            _ => self.plain(content, by, texts),
        }
    }

    /// Somebody is named.
    fn to(
        &mut self,
        who: &Who,
        words: String,
        whole: Content,
        by: ArrivalId,
        texts: &Texts,
    ) -> Vec<Act> {
        let mut found = self.lines.iter().filter(|line| match who {
            Who::Number(number) | Who::Bare(number) => line.number == *number,
            Who::Name(name) => line.name == *name,
        });
        let line = match (found.next(), found.next()) {
            (Some(line), None) => line.clone(),
            _ => {
                return match who {
                    // A number alone is an answer only where there was a question.
                    Who::Bare(number) if !self.kept.is_empty() => {
                        vec![self.list(Some(*number), texts)]
                    }
                    Who::Number(number) => vec![self.list(Some(*number), texts)],
                    Who::Bare(_) | Who::Name(_) => self.plain(whole, by, texts),
                };
            }
        };
        if matches!(who, Who::Bare(_)) && self.kept.is_empty() {
            return self.plain(whole, by, texts);
        }
        self.turn_to(&line);
        if words.is_empty() {
            return self.opened(&line, texts);
        }
        let mut acts = vec![Act::PassOn {
            to: line.stand_in.clone(),
            content: Content::text(words),
        }];
        if !self.kept.is_empty() {
            acts.push(self.still_kept(texts));
        }
        acts
    }

    fn turn_to(&mut self, line: &Line) {
        self.open = Some(line.stand_in.clone());
        self.since.clear();
    }

    /// What was kept goes to who is named; otherwise the agent sees whom they speak to now.
    fn opened(&mut self, line: &Line, texts: &Texts) -> Vec<Act> {
        let text = match self.kept.is_empty() {
            true => Text::LinesOpen,
            false => Text::LinesSent,
        };
        let words = texts.say(text, &[("line", &line.title())]);
        let kept = std::mem::take(&mut self.kept).into_iter();
        let pass_on = kept.map(|content| Act::PassOn {
            to: line.stand_in.clone(),
            content,
        });
        let mut acts: Vec<Act> = pass_on.chain([Act::say(words)]).collect();
        acts.extend(self.answered(Text::LinesCardAnswered, texts));
        acts
    }

    fn tapped(&mut self, id: &str, buttons: &[Button], texts: &Texts) -> Vec<Act> {
        let found = self.lines.iter().find_map(|line| {
            let digits = id.strip_prefix(&line.conversation.0.to_string())?;
            let digit: u8 = digits.parse().ok().filter(|_| digits.len() == 1)?;
            Some((line.clone(), digit))
        });
        let Some((line, digit)) = found else {
            return vec![Act::say(texts.say(Text::LinesGone, &[]))];
        };
        match digit {
            OPEN | FOR_THIS => {
                self.turn_to(&line);
                self.opened(&line, texts)
            }
            digit => match buttons.iter().find(|button| button.digit == digit) {
                // A button names its contact and leaves the open line as it is.
                Some(button) => vec![Act::PassOn {
                    to: line.stand_in,
                    content: Content::text(&*button.says),
                }],
                None => vec![Act::say(texts.say(Text::LinesGone, &[]))],
            },
        }
    }

    /// Nobody is named.
    fn plain(&mut self, content: Content, by: ArrivalId, texts: &Texts) -> Vec<Act> {
        if self.lines.is_empty() {
            return vec![Act::say(texts.say(Text::LinesNone, &[]))];
        }
        if !self.kept.is_empty() {
            return vec![self.keep(content, texts)];
        }
        match self.sure() {
            Some(to) => {
                self.since.clear();
                self.open = Some(to.clone());
                vec![Act::PassOn { to, content }]
            }
            None => {
                let question = self.question(&content, texts);
                self.kept.push(content);
                self.question = Some(by);
                vec![Act::show(question)]
            }
        }
    }

    /// For whom it is where nobody is named: the only one; or who is spoken to, if nobody else was shown since.
    fn sure(&self) -> Option<PeerId> {
        if let [only] = self.lines.as_slice() {
            return Some(only.stand_in.clone());
        }
        let open = self.open.as_ref()?;
        self.since
            .iter()
            .all(|shown| shown == open)
            .then(|| open.clone())
    }
}
