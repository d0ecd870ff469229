//! Calls that rest. After "too often", and where no token is granted until the operator acts, asking again at once tells
//! nothing new and costs quota: the call is left alone for a while, and whoever wants it meanwhile gets the same answer.
//! Kept by each node for itself: a rest that is lost costs one call.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bridge_convertors::errcode::Action;
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind},
    clock::{Clock, Timestamp},
    error::Remedy,
};
use parking_lot::Mutex;

use super::Table;

/// The resting calls of one account.
pub(super) struct Rests {
    clock: Arc<dyn Clock>,
    table: Table,
    /// By call: until when, and the answer. There are as many as the API has paths.
    calls: Mutex<BTreeMap<String, (Timestamp, ChannelError)>>,
}

impl Rests {
    pub(super) fn new(clock: Arc<dyn Clock>, table: Table) -> Self {
        Self {
            clock,
            table,
            calls: Mutex::default(),
        }
    }

    /// Whether a call may be made; else its last answer, and when to try again.
    pub(super) fn awake(&self, call: &str) -> Result<(), ChannelError> {
        let now = self.clock.now();
        let mut calls = self.calls.lock();
        match calls.get(call) {
            Some((until, error)) if *until > now => Err(waiting(error, until.since(now))),
            Some(_) => {
                calls.remove(call);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Lets a call rest if its refusal asks for that.
    pub(super) fn note(&self, call: &str, error: &ChannelError) {
        if let Some(Action::Slow(rest)) = error.code.map(self.table) {
            self.rest(call, error, rest);
        }
    }

    /// Lets a call rest for so long.
    pub(super) fn rest(&self, call: &str, error: &ChannelError, rest: Duration) {
        let until = self.clock.now() + rest;
        // Whoever was told of a rest must not make it longer.
        self.calls
            .lock()
            .entry(call.to_owned())
            .or_insert_with(|| (until, error.clone()));
    }
}

/// What waits its turn loses no try for it; what waits for the operator is counted, for somebody may never come.
fn waiting(error: &ChannelError, after: Duration) -> ChannelError {
    let kind = match error.kind {
        ChannelErrorKind::Configuration => ChannelErrorKind::Configuration,
        _ => ChannelErrorKind::Busy,
    };
    ChannelError {
        kind,
        remedy: Remedy::Retry { after },
        ..error.clone()
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::clock::TestClock;

    use super::*;

    fn table(code: i64) -> Action {
        match code {
            45011 => Action::Slow(Duration::from_secs(60)),
            _ => Action::Alarm("", ""),
        }
    }

    fn error(code: i64) -> ChannelError {
        ChannelError::refused(code, Remedy::Never, "too often")
    }

    #[test]
    fn a_call_made_too_often_rests_and_no_other() {
        let clock = Arc::new(TestClock::default());
        let rests = Rests::new(clock.clone(), table);
        rests.note("/send", &error(48001));
        assert!(
            rests.awake("/send").is_ok(),
            "an alarm may be one contact's"
        );
        rests.note("/send", &error(45011));
        clock.advance(Duration::from_secs(20));
        // Another call of before: it makes the rest no longer.
        rests.note("/send", &error(45011));
        let refused = rests.awake("/send").unwrap_err();
        let after = Duration::from_secs(40);
        assert_eq!(
            (refused.code, refused.remedy),
            (Some(45011), Remedy::Retry { after })
        );
        assert_eq!(refused.kind, ChannelErrorKind::Busy);
        assert!(rests.awake("/typing").is_ok());
        clock.advance(after);
        assert!(rests.awake("/send").is_ok());
    }
}
