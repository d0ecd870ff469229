//! Whatever is said and shown in whatever order, nobody gets another's words.

use proptest::prelude::*;

use super::super::*;
use super::{Desk, TRANSFER, persona};

/// Something that happens at the desk: a contact speaks or goes, the agent says something.
#[derive(Debug, Clone)]
enum Step {
    Speaks(usize),
    Goes(usize),
    Plain,
    To(usize),
    Turns(usize),
    Number(u32),
    Cancels,
    Taps(usize, u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = 0..4_usize;
    prop_oneof![
        4 => who.clone().prop_map(Step::Speaks),
        1 => who.clone().prop_map(Step::Goes),
        4 => Just(Step::Plain),
        2 => who.clone().prop_map(Step::To),
        1 => who.clone().prop_map(Step::Turns),
        1 => (1..9_u32).prop_map(Step::Number),
        1 => Just(Step::Cancels),
        1 => (who, prop_oneof![Just(0_u8), Just(1), Just(9)]).prop_map(|(who, digit)| Step::Taps(who, digit)),
    ]
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

impl Desk {
    fn number(&self, who: usize) -> Option<u32> {
        let id = persona(NAMES[who]).id;
        let line = self.0.lines.iter().find(|line| line.stand_in == id);
        line.map(|line| line.number)
    }

    fn takes(&mut self, step: &Step, at: usize) -> Vec<Act> {
        let conversation = |who: usize| i64::try_from(who).unwrap() + 10;
        match step {
            Step::Speaks(who) => self.hears(NAMES[*who], conversation(*who), Content::text("x")),
            Step::Goes(who) => {
                self.shows(NAMES[*who], conversation(*who), false, Content::text("x"))
            }
            Step::Plain => self.says(&format!("w{at}")),
            Step::To(who) => match self.number(*who) {
                Some(number) => self.says(&format!("@{number} w{at}")),
                None => Vec::new(),
            },
            Step::Turns(who) => match self.number(*who) {
                Some(number) => self.says(&format!("#{number}")),
                None => Vec::new(),
            },
            Step::Number(number) => self.says(&number.to_string()),
            Step::Cancels => self.says("#取消"),
            Step::Taps(who, digit) => self.taps(&format!("{}{digit}", conversation(*who))),
        }
    }
}

proptest! {
    /// Whoever comes and goes and whatever is said: words reach a contact who is there, once, and never somebody the agent
    /// could not have meant: who is named; the only one; or who was named or alone before, if nobody else was shown since.
    #[test]
    fn nobody_hears_what_was_for_another(steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut desk = Desk::new();
        let mut meant: Option<usize> = None;
        let mut since = std::collections::BTreeSet::new();
        let mut passed_on = std::collections::BTreeSet::new();
        for (at, step) in steps.iter().enumerate() {
            let present: Vec<usize> = (0..4).filter(|who| desk.number(*who).is_some()).collect();
            let acts = desk.takes(step, at);
            let to: Vec<usize> = acts
                .iter()
                .filter_map(|act| match act {
                    Act::PassOn { to, .. } => NAMES.iter().position(|name| persona(name).id == *to),
                    _ => None,
                })
                .collect();
            prop_assert!(to.iter().all(|who| present.contains(who)), "who is gone hears nothing");
            for act in &acts {
                if let Act::PassOn { content, .. } = act
                    && let Some(words) = content.words().filter(|words| words.starts_with('w'))
                {
                    prop_assert!(passed_on.insert(words.to_owned()), "{} once", words);
                }
            }
            match step {
                Step::Plain if !to.is_empty() => {
                    let others = since.iter().any(|who| *who != to[0]);
                    let sure = present.len() == 1 || (meant == Some(to[0]) && !others);
                    prop_assert!(sure, "step {}: {:?} of {:?}", at, to, present);
                }
                Step::To(who) | Step::Taps(who, _) => {
                    prop_assert!(to.iter().all(|to| to == who));
                }
                _ => {}
            }
            match step {
                Step::Speaks(who) => drop(since.insert(*who)),
                Step::Goes(who) => {
                    // Who is left alone is spoken to.
                    let left: Vec<usize> = (0..4).filter(|who| desk.number(*who).is_some()).collect();
                    // Nobody answers who has gone.
                    since.remove(who);
                    meant.take_if(|meant| meant == who);
                    if let [only] = left.as_slice() {
                        meant = Some(*only);
                    }
                }
                _ => {}
            }
            let named = match step {
                Step::To(who) | Step::Turns(who) if present.contains(who) => Some(*who),
                Step::Taps(who, digit) if *digit != TRANSFER && present.contains(who) => Some(*who),
                _ => to.first().copied().filter(|_| !matches!(step, Step::Taps(..))),
            };
            if let Some(named) = named {
                meant = Some(named);
                since.clear();
            }
            let now: Vec<usize> = (0..4).filter(|who| desk.number(*who).is_some()).collect();
            if let [only] = now.as_slice()
                && meant.is_none()
            {
                meant = Some(*only);
            }
        }
    }
}
