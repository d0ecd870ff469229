//! How many customer messages an account may still send to one customer (WeChat notes, 4.3).
//!
//! Two rights may stand side by side: the one after a message (5 in 48 h) and the one after a menu click, follow or scan
//! (3 in a minute; 2 after a mini program's chat was opened). A trigger resets its own right to the maximum. They do not add up: a message sent counts against both, and
//! as long as one of them has room it may be sent.

use serde::Serialize;

use crate::settings::Allowances;

#[derive(Clone, Copy, Debug)]
struct Right {
    left: u32,
    until: i64,
}

/// The rights towards one customer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    message: Option<Right>,
    moment: Option<Right>,
}

/// What is left, as the pages show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AllowanceLeft {
    /// Messages.
    pub left: u32,
    /// Unix milliseconds.
    pub until: i64,
}

/// What a customer's act allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    Message,
    Moment,
    Enter,
    None,
}

impl Allowance {
    pub fn trigger(&mut self, trigger: Trigger, now: i64, rules: &Allowances) {
        let right = |(left, life): (u32, std::time::Duration)| {
            let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 2);
            Some(Right {
                left,
                until: now.saturating_add(life),
            })
        };
        match trigger {
            Trigger::Message => self.message = right(rules.message),
            Trigger::Moment => self.moment = right(rules.moment),
            Trigger::Enter => self.moment = right(rules.enter),
            Trigger::None => {}
        }
    }

    /// Uses one message up; `Err` is 45015 outside every window, 45047 when the windows are used up.
    pub fn take(&mut self, now: i64) -> Result<(), i64> {
        let mut open = false;
        let mut room = false;
        for right in [&mut self.message, &mut self.moment].into_iter().flatten() {
            if now < right.until {
                open = true;
                room |= right.left > 0;
                right.left = right.left.saturating_sub(1);
            }
        }
        match (open, room) {
            (false, _) => Err(45015),
            (true, false) => Err(45047),
            (true, true) => Ok(()),
        }
    }

    pub fn left(&self, now: i64) -> Option<AllowanceLeft> {
        let rights = [self.message, self.moment];
        let open = rights.iter().flatten().filter(|right| now < right.until);
        let best = open.max_by_key(|right| (right.left, right.until))?;
        Some(AllowanceLeft {
            left: best.left,
            until: best.until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(trigger: Trigger, now: i64) -> Allowance {
        let mut allowance = Allowance::default();
        allowance.trigger(trigger, now, &Allowances::default());
        allowance
    }

    fn sends(allowance: &mut Allowance, now: i64) -> usize {
        (0..).take_while(|_| allowance.take(now).is_ok()).count()
    }

    #[test]
    fn five_in_48_hours_after_a_message() {
        let mut allowance = after(Trigger::Message, 0);
        assert_eq!(sends(&mut allowance, 1), 5);
        assert_eq!(allowance.take(1), Err(45047));
        assert_eq!(allowance.take(48 * 3_600_000), Err(45015));
        allowance.trigger(Trigger::Message, 5, &Allowances::default());
        assert_eq!(sends(&mut allowance, 6), 5);
    }

    #[test]
    fn three_in_a_minute_after_a_click() {
        assert_eq!(sends(&mut after(Trigger::Moment, 0), 59_999), 3);
        assert_eq!(after(Trigger::Moment, 0).take(60_000), Err(45015));
        assert_eq!(Allowance::default().take(0), Err(45015));
    }

    #[test]
    fn rights_do_not_add_up_and_a_click_does_not_renew_the_message_right() {
        let mut allowance = after(Trigger::Message, 0);
        allowance.trigger(Trigger::Moment, 0, &Allowances::default());
        assert_eq!(sends(&mut allowance, 1), 5);
        allowance.trigger(Trigger::Moment, 10, &Allowances::default());
        assert_eq!(allowance.left(11).map(|a| a.left), Some(3));
        assert_eq!(sends(&mut allowance, 11), 3);
    }
}
