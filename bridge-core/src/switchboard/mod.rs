//! Keeps the contacts of one agent apart where all of them come in one chat, as in a WeCom app: every contact is on a
//! numbered line, every word shown begins with its line, and what the agent says goes to the line that is open. Where
//! somebody else spoke meanwhile and the agent names nobody, the agent is asked: guessing would tell one contact what was meant
//! for another.
//!
//! Pure: a board is a value that the agent's own lane remembers, so that it is the same on every node and after every
//! crash, and changes once for whatever is said or shown.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::reading::{Reading, Who};
use crate::{
    channel::Persona,
    message::{ArrivalId, Content, ConversationId, MenuItem, PeerId, Text as Said},
    texts::{Text, Texts, excerpt},
};

/// What is kept while the agent has not said for whom it is; more is refused with a word.
const KEPT: usize = 20;
/// The digit by which a tapped choice means "for this one".
const FOR_THIS: u8 = 9;
/// The digit by which a card's button opens its line.
const OPEN: u8 = 0;

/// Who is on which line.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Board {
    lines: Vec<Line>,
    /// The number given last, so that the next contact gets another: an answer to who has just gone must not reach who
    /// has just come.
    #[serde(default)]
    last: u32,
    /// To whom the agent speaks.
    #[serde(default)]
    open: Option<PeerId>,
    /// Who was shown since the agent spoke.
    #[serde(default)]
    since: BTreeSet<PeerId>,
    /// What waits for the agent to say for whom it is.
    #[serde(default)]
    kept: Vec<Content>,
    /// What showed the question for whom it is.
    #[serde(default)]
    question: Option<ArrivalId>,
}

/// A contact of the agent's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Line {
    number: u32,
    stand_in: PeerId,
    name: String,
    conversation: ConversationId,
    /// What showed the contact's card.
    #[serde(default)]
    card: Option<ArrivalId>,
}

impl Line {
    fn label(&self) -> String {
        format!("【{} {}】", self.number, self.name)
    }

    fn title(&self) -> String {
        format!("{} {}", self.number, self.name)
    }

    /// The id of a choice about this line: decimal, as ids of choices are.
    fn choice(&self, digit: u8) -> String {
        (i128::from(self.conversation.0) * 10 + i128::from(digit)).to_string()
    }
}

/// Something for the agent, from a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Whose: the contact's stand-in.
    pub from: Persona,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whether the agent has it now.
    pub seated: bool,
    /// What.
    pub content: Content,
    /// By which arrival in the agent's lane.
    pub by: ArrivalId,
}

/// A button of a hand-over card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// 1 to 8: what a press is told by.
    pub digit: u8,
    /// What is on it.
    pub label: String,
    /// What it says for the agent: a command.
    pub says: String,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Show this to the agent, each part behind the label.
    Show {
        /// `【2 小周】`; empty: none.
        label: String,
        /// What.
        content: Content,
    },
    /// Pass this on as the agent's words.
    PassOn {
        /// To whom: the contact's stand-in.
        to: PeerId,
        /// What.
        content: Content,
    },
    /// A card that was shown is over: its buttons say so, and do nothing more.
    Over {
        /// What showed it.
        shown_by: ArrivalId,
        /// What they say.
        words: String,
    },
    /// The agent comes or goes.
    Presence {
        /// Whether they are there.
        online: bool,
    },
}

impl Act {
    fn show(content: Content) -> Self {
        Self::Show {
            label: String::new(),
            content,
        }
    }

    fn say(words: String) -> Self {
        Self::show(Content::text(words))
    }
}

impl Board {
    /// Something is to be shown.
    pub fn show(&mut self, shown: Shown, buttons: &[Button], texts: &Texts) -> Vec<Act> {
        let Shown {
            from,
            conversation,
            seated,
            content,
            by,
        } = shown;
        let mut acts = Vec::new();
        let known = self.lines.iter().position(|line| line.stand_in == from.id);
        let label = match (known, seated) {
            (Some(at), _) => {
                self.lines[at].name = name(&from);
                self.lines[at].label()
            }
            (None, true) => {
                let line = self.seat(&from, conversation, by);
                acts.push(Act::show(card(&line, buttons, texts)));
                line.label()
            }
            // It was over before it could be shown.
            (None, false) => format!("【{}】", name(&from)),
        };
        let others = self.lines.len() > 1 || self.since.iter().any(|id| *id != from.id);
        acts.extend(labelled(label, content, others));
        match seated {
            true => drop(self.since.insert(from.id)),
            false => acts.extend(self.leave(&from.id, texts)),
        }
        acts
    }

    fn seat(&mut self, from: &Persona, conversation: ConversationId, by: ArrivalId) -> Line {
        let free = |number: &u32| self.lines.iter().all(|line| line.number != *number);
        // One digit as long as there are any, in turn.
        let number = (1..=9)
            .map(|step| (self.last + step - 1) % 9 + 1)
            .find(free)
            .or_else(|| (10..).find(free))
            .unwrap_or_default();
        self.last = number;
        let line = Line {
            number,
            stand_in: from.id.clone(),
            name: name(from),
            conversation,
            card: Some(by),
        };
        self.lines.push(line.clone());
        self.lines.sort_by_key(|line| line.number);
        if self.lines.len() == 1 {
            self.open = Some(from.id.clone());
        }
        line
    }

    fn leave(&mut self, stand_in: &PeerId, texts: &Texts) -> Vec<Act> {
        let mut lines = self.lines.iter();
        let gone = lines.position(|line| line.stand_in == *stand_in);
        let card = gone.and_then(|at| self.lines.remove(at).card);
        let over = card.map(|shown_by| Act::Over {
            shown_by,
            words: texts.say(Text::LinesCardOver, &[]),
        });
        let mut acts: Vec<Act> = over.into_iter().collect();
        self.since.remove(stand_in);
        self.open.take_if(|open| open == stand_in);
        if let ([only], None) = (self.lines.as_slice(), &self.open) {
            self.open = Some(only.stand_in.clone());
        }
        if self.lines.is_empty() && !self.kept.is_empty() {
            acts.extend(self.cancel(texts));
        }
        acts
    }

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

    /// The question is over, if there is one.
    fn answered(&mut self, how: Text, texts: &Texts) -> Option<Act> {
        let shown_by = self.question.take()?;
        let words = texts.say(how, &[]);
        Some(Act::Over { shown_by, words })
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

    fn question(&self, content: &Content, texts: &Texts) -> Content {
        let item = |line: &Line| MenuItem {
            id: line.choice(FOR_THIS),
            label: line.title(),
        };
        Content::Menu {
            head: texts.say(Text::LinesWhich, &[("excerpt", &excerpt(content))]),
            items: self.lines.iter().map(item).collect(),
            tail: texts.say(Text::LinesWhichTail, &[]),
        }
    }

    fn keep(&mut self, content: Content, texts: &Texts) -> Act {
        if self.kept.len() >= KEPT {
            return Act::say(texts.say(Text::LinesKeptFull, &[]));
        }
        self.kept.push(content);
        self.still_kept(texts)
    }

    fn still_kept(&self, texts: &Texts) -> Act {
        let count = self.kept.len().to_string();
        Act::say(texts.say(Text::LinesKept, &[("count", &count)]))
    }

    fn cancel(&mut self, texts: &Texts) -> Vec<Act> {
        let count = std::mem::take(&mut self.kept).len().to_string();
        let words = texts.say(Text::LinesDropped, &[("count", &count)]);
        let over = self.answered(Text::LinesCardDropped, texts);
        std::iter::once(Act::say(words)).chain(over).collect()
    }

    fn list(&self, wrong: Option<u32>, texts: &Texts) -> Act {
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

/// Line breaks in a name would break its label.
fn name(from: &Persona) -> String {
    let name: String = from.name.chars().filter(|c| !c.is_control()).collect();
    name.trim().chars().take(20).collect()
}

/// The card an agent gets with a new contact.
fn card(line: &Line, buttons: &[Button], texts: &Texts) -> Content {
    let open = MenuItem {
        id: line.choice(OPEN),
        label: texts.say(Text::LinesButtonOpen, &[]),
    };
    let rest = buttons.iter().map(|button| MenuItem {
        id: line.choice(button.digit),
        label: button.label.clone(),
    });
    let number = line.number.to_string();
    Content::Menu {
        head: texts.say(Text::LinesNew, &[("line", &line.title())]),
        items: std::iter::once(open).chain(rest).collect(),
        tail: texts.say(Text::LinesNewTail, &[("number", &number)]),
    }
}

/// A content with whose it is: words behind the label; anything else after a word about it, where it could be another's.
fn labelled(label: String, content: Content, others: bool) -> Vec<Act> {
    match content {
        Content::Text(_) => vec![Act::Show { label, content }],
        Content::Choice { label: words, .. } => vec![Act::Show {
            label,
            content: Content::text(words),
        }],
        other if others => {
            let word = Act::say(format!("{label}{}", excerpt(&other)));
            vec![word, Act::show(other)]
        }
        other => vec![Act::show(other)],
    }
}
