//! The allowance to write to a contact: so many messages within so long after something the contact did. The ledger
//! is kept with the conversation, so that it is known before sending what will be refused (WeChat: send windows, 4.3).

use std::{collections::BTreeMap, time::Duration};

use crate::{channel::Allowance, clock::Timestamp, message::Trigger};

/// What is left of the allowances. They do not add up: the largest one open counts, and a message takes from all.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<Trigger, Window>);

/// One open allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Window {
    left: u32,
    until: Timestamp,
}

impl Ledger {
    /// The contact did something that opens an allowance anew.
    pub fn refill(&mut self, trigger: Trigger, at: Timestamp, allowances: &[Allowance]) {
        if let Some(allowance) = allowances
            .iter()
            .find(|allowance| allowance.trigger == trigger)
        {
            self.0.retain(|_, window| window.until > at);
            let until = at + Duration::from_secs(allowance.seconds);
            self.0.insert(
                trigger,
                Window {
                    left: allowance.count,
                    until,
                },
            );
        }
    }

    /// How many may be sent now.
    pub fn left(&self, now: Timestamp) -> u32 {
        self.0
            .values()
            .filter(|window| window.until > now)
            .map(|window| window.left)
            .max()
            .unwrap_or(0)
    }

    /// Until when anything may be sent, as far as known.
    pub fn until(&self) -> Option<Timestamp> {
        self.0.values().map(|window| window.until).max()
    }

    /// Takes up to `wanted`; how many were granted.
    pub fn spend(&mut self, wanted: u32, now: Timestamp) -> u32 {
        let granted = wanted.min(self.left(now));
        for window in self.0.values_mut() {
            window.left = window.left.saturating_sub(granted);
        }
        granted
    }

    /// The platform says that nothing is left.
    pub fn exhaust(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests;
