//! Something for the agent: on its contact's line, which is begun and left here.

use super::{Act, Board, Button, Line, OPEN, Shown};
use crate::{
    channel::Persona,
    message::{ArrivalId, Content, ConversationId, MenuItem, PeerId},
    texts::{Text, Texts, excerpt},
};

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
        acts.extend(labelled(label, content, others, texts));
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
fn labelled(label: String, content: Content, others: bool, texts: &Texts) -> Vec<Act> {
    match content {
        Content::Text(_) => vec![Act::Show { label, content }],
        Content::Choice { label: words, .. } => vec![Act::Show {
            label,
            content: Content::text(words),
        }],
        other if others => {
            let word = Act::say(format!("{label}{}", excerpt(&other, texts.locale)));
            vec![word, Act::show(other)]
        }
        other => vec![Act::show(other)],
    }
}
