use proptest::prelude::*;

use super::*;
use crate::testkit::NOW;

fn allowances() -> Vec<Allowance> {
    let allowance = |trigger, count, seconds| Allowance {
        trigger,
        count,
        seconds,
    };
    vec![
        allowance(Trigger::Message, 5, 48 * 3600),
        allowance(Trigger::Click, 3, 60),
        allowance(Trigger::Follow, 3, 60),
    ]
}

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

#[test]
fn nothing_may_be_sent_before_the_contact_did_anything() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.left(NOW), 0);
    assert_eq!(ledger.until(), None);
    assert_eq!(ledger.spend(1, NOW), 0);
}

#[test]
fn five_within_two_days_of_a_message() {
    let mut ledger = Ledger::default();
    ledger.refill(Trigger::Message, NOW, &allowances());
    assert_eq!(ledger.spend(3, NOW), 3);
    assert_eq!(ledger.left(after(48 * 3600 - 1)), 2);
    assert_eq!(ledger.left(after(48 * 3600)), 0);
    assert_eq!(ledger.spend(3, after(1)), 2, "as many as are left");
    assert_eq!(ledger.left(after(1)), 0);
    ledger.refill(Trigger::Message, after(2), &allowances());
    assert_eq!(ledger.left(after(2)), 5, "anew, not more");
}

#[test]
fn allowances_do_not_add_up() {
    let mut ledger = Ledger::default();
    ledger.refill(Trigger::Message, NOW, &allowances());
    ledger.refill(Trigger::Click, NOW, &allowances());
    assert_eq!(ledger.left(NOW), 5, "the largest counts");
    assert_eq!(ledger.spend(4, NOW), 4);
    assert_eq!(ledger.left(NOW), 1, "a message takes from all");
    assert_eq!(ledger.left(after(60)), 1);
    assert_eq!(ledger.until(), Some(after(48 * 3600)));
}

#[test]
fn a_trigger_without_an_allowance_opens_none() {
    let mut ledger = Ledger::default();
    ledger.refill(Trigger::Payment, NOW, &allowances());
    assert_eq!(ledger.left(NOW), 0);
}

#[test]
fn the_platform_has_the_last_word() {
    let mut ledger = Ledger::default();
    ledger.refill(Trigger::Message, NOW, &allowances());
    ledger.exhaust();
    assert_eq!(ledger.left(NOW), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Refill(Trigger),
    Spend(u32),
    Exhaust,
}

fn step() -> impl Strategy<Value = (Step, u64)> {
    let triggers = vec![
        Trigger::Message,
        Trigger::Click,
        Trigger::Follow,
        Trigger::Payment,
    ];
    let step = prop_oneof![
        4 => proptest::sample::select(triggers).prop_map(Step::Refill),
        8 => (0..9_u32).prop_map(Step::Spend),
        1 => Just(Step::Exhaust),
    ];
    (step, 0..100_000_u64)
}

proptest! {
    /// The ledger never grants what the platform would refuse: between two refills of any kind no more than the largest
    /// allowance open, and never more than it said was left.
    #[test]
    fn never_more_than_was_allowed(steps in proptest::collection::vec(step(), 0..60)) {
        let mut ledger = Ledger::default();
        let (mut now, mut granted) = (NOW, 0);
        for (step, seconds) in steps {
            now = now + Duration::from_secs(seconds);
            let left = ledger.left(now);
            match step {
                Step::Refill(trigger) => {
                    ledger.refill(trigger, now, &allowances());
                    prop_assert!(ledger.left(now) >= left, "a trigger takes nothing away");
                    granted = 0;
                }
                Step::Spend(wanted) => {
                    let got = ledger.spend(wanted, now);
                    prop_assert_eq!(got, wanted.min(left));
                    prop_assert_eq!(ledger.left(now), left - got);
                    granted += got;
                    prop_assert!(granted <= 5);
                }
                Step::Exhaust => {
                    ledger.exhaust();
                    prop_assert_eq!(ledger.left(now), 0);
                }
            }
            prop_assert!(ledger.left(now) <= 5);
            let json = serde_json::to_string(&ledger).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Ledger>(&json).unwrap(), &ledger);
        }
    }
}
