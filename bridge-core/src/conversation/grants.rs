//! What a contact allows while they are away: one grant, one nudge (WeChat: one-time subscription messages, 4.8). Kept with
//! the conversation as the allowance is, so that a grant is spent in the same step that decides to nudge, and never twice.

use std::collections::BTreeMap;

use crate::{
    channel::Nudging,
    clock::Timestamp,
    message::{Answer, ConsentAnswer},
};

/// Topics remembered, and grants of one: more than anybody gives.
const TOPICS: usize = 20;
const MOST: u32 = 99;

/// The grants left, and when nudges were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Grants {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left: BTreeMap<String, u32>,
    /// Of the last hour, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nudged: Vec<Timestamp>,
}

/// Why a contact is not nudged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// They have given no grant, or all are spent.
    NoGrant,
    /// They were nudged a moment ago, or often enough this hour.
    TooOften,
}

impl Grants {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty() && self.nudged.is_empty()
    }

    /// The contact says yes, no, or no more.
    pub fn hear(&mut self, said: &ConsentAnswer) {
        match said.answer {
            Answer::Given => {
                if self.left.len() < TOPICS || self.left.contains_key(&said.topic) {
                    let left = self.left.entry(said.topic.clone()).or_default();
                    *left = left.saturating_add(1).min(MOST);
                }
            }
            Answer::Declined => {}
            Answer::Withdrawn => drop(self.left.remove(&said.topic)),
        }
    }

    /// How many nudges a topic allows still.
    pub fn left(&self, topic: &str) -> u32 {
        self.left.get(topic).copied().unwrap_or(0)
    }

    /// Spends a grant for a nudge now; how many are left.
    pub fn spend(&mut self, rules: &Nudging, now: Timestamp) -> Result<u32, Denied> {
        self.nudged.retain(|at| now.since(*at).as_secs() < 3600);
        let soon = self
            .nudged
            .last()
            .is_some_and(|last| now.since(*last) < rules.pause);
        let most = usize::try_from(rules.most_per_hour).unwrap_or(usize::MAX);
        if self.left(&rules.topic) == 0 {
            return Err(Denied::NoGrant);
        }
        if soon || self.nudged.len() >= most {
            return Err(Denied::TooOften);
        }
        self.nudged.push(now);
        let left = self.left(&rules.topic) - 1;
        match left {
            0 => drop(self.left.remove(&rules.topic)),
            left => drop(self.left.insert(rules.topic.clone(), left)),
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn say(answer: Answer) -> ConsentAnswer {
        ConsentAnswer {
            topic: "reply".to_owned(),
            answer,
        }
    }

    fn rules(pause: u64) -> Nudging {
        Nudging {
            topic: "reply".to_owned(),
            most_per_hour: 3,
            pause: Duration::from_secs(pause),
        }
    }

    fn given(times: usize) -> Grants {
        let mut grants = Grants::default();
        (0..times).for_each(|_| grants.hear(&say(Answer::Given)));
        grants
    }

    #[test]
    fn one_grant_one_nudge() {
        let (mut grants, rules) = (given(2), rules(0));
        let at = Timestamp::from_secs;
        assert_eq!(grants.spend(&rules, at(0)), Ok(1));
        assert_eq!(grants.spend(&rules, at(1)), Ok(0));
        assert_eq!(grants.spend(&rules, at(2)), Err(Denied::NoGrant));
        grants.hear(&say(Answer::Declined));
        assert_eq!(grants.left("reply"), 0);
        assert_eq!(grants.left("other"), 0);
    }

    #[test]
    fn three_an_hour_and_never_at_once() {
        let (mut grants, rules) = (given(9), rules(300));
        let mut nudged = 0;
        for second in 0..3600 {
            nudged += u32::from(grants.spend(&rules, Timestamp::from_secs(second)).is_ok());
        }
        assert_eq!(nudged, 3);
        assert_eq!(grants.left("reply"), 6, "what is denied costs nothing");
        assert_eq!(grants.spend(&rules, Timestamp::from_secs(3600)), Ok(5));
        assert_eq!(
            grants.spend(&rules, Timestamp::from_secs(3601)),
            Err(Denied::TooOften)
        );
    }

    #[test]
    fn what_is_withdrawn_is_gone() {
        let mut grants = given(5);
        grants.hear(&say(Answer::Withdrawn));
        assert_eq!(
            grants.spend(&rules(0), Timestamp::from_secs(0)),
            Err(Denied::NoGrant)
        );
        assert!(grants.is_empty());
    }

    #[test]
    fn a_flood_of_topics_is_bounded() {
        let mut grants = Grants::default();
        for number in 0..10_000 {
            grants.hear(&ConsentAnswer {
                topic: format!("t{}", number % 50),
                answer: Answer::Given,
            });
        }
        assert_eq!(grants.left.len(), TOPICS);
        assert!(grants.left.values().all(|left| *left <= MOST));
    }
}
