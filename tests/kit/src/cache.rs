//! What every cache must do. Time is a test clock's where the cache keeps time by one and the machine's where it does not:
//! so nothing here waits for so long, everything waits until.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bridge_core::{
    cache::{Admission, Bounds, Cache, Pace, Window},
    clock::{Clock as _, TestClock, Timestamp},
};
use futures_util::future::join_all;

/// Long enough for every check to be over before.
const LONG: Duration = Duration::from_secs(3600);
/// Short enough to wait for its end.
const SHORT: Duration = Duration::from_millis(80);

/// A cache as two nodes see it.
pub struct Bench {
    /// The nodes' views: the same memory, or two connections.
    pub nodes: [Arc<dyn Cache>; 2],
    /// The clock it goes by; `None`: the machine's.
    pub clock: Option<Arc<TestClock>>,
}

impl Bench {
    /// Lets a little time pass.
    async fn tick(&self) {
        const TICK: Duration = Duration::from_millis(5);
        match &self.clock {
            Some(clock) => clock.advance(TICK),
            None => tokio::time::sleep(TICK).await,
        }
    }

    /// The time that has passed since some moment.
    fn now(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.clock {
            Some(clock) => clock.now().since(Timestamp(0)),
            None => BEGAN.elapsed(),
        }
    }

    /// Waits until something is so; fails where it never is.
    async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        for _ in 0..4000 {
            if so().await {
                return;
            }
            self.tick().await;
        }
        panic!("it never came to this: {what}");
    }

    /// Waits until what was kept for [`SHORT`], and so everything that was kept so before, is over.
    async fn short_is_over(&self, marker: &str) {
        let [one, _] = &self.nodes;
        one.put(marker, "here", SHORT).await.unwrap();
        self.until("a short time is over", async || {
            one.get(marker).await.unwrap().is_none()
        })
        .await;
    }
}

/// Holds a cache to the contract.
pub async fn conforms(bench: &Bench) {
    let health = bench.nodes[0].health().await;
    assert!(health.up, "{health:?}");
    keeps_facts(bench).await;
    forgets_in_time(bench).await;
    removes_what_is_still_the_same(bench).await;
    gives_a_hold_to_one(bench).await;
    lets_holds_lapse(bench).await;
    counts_for_all(bench).await;
    gives_turns_at_a_pace(bench).await;
    leaves_turns_beyond_patience(bench).await;
    forgets_turns_that_are_over(bench).await;
    forgets_turns_of_a_clock_that_was_set_back(bench).await;
    gives_turns_further_apart_than_patience(bench).await;
    counts_in_a_window(bench).await;
    slides_its_windows(bench).await;
    keeps_the_end_of_a_list(bench).await;
    forgets_lists_in_time(bench).await;
    adds_to_one_list_for_all(bench).await;
}

async fn keeps_facts(bench: &Bench) {
    let [one, other] = &bench.nodes;
    assert_eq!(one.get("fact").await.unwrap(), None);
    one.put("fact", "first", LONG).await.unwrap();
    assert_eq!(other.get("fact").await.unwrap().as_deref(), Some("first"));
    other.put("fact", "second", LONG).await.unwrap();
    assert_eq!(one.get("fact").await.unwrap().as_deref(), Some("second"));
    let large = "令牌\r\n\0".repeat(20_000);
    for (key, value) in [
        ("令牌 of\r\n:\"{x}\" %s", ""),
        ("fact:", "空"),
        ("large", large.as_str()),
    ] {
        one.put(key, value, LONG).await.unwrap();
        assert_eq!(other.get(key).await.unwrap().as_deref(), Some(value));
    }
    let keys = ["large", "nobody's", "fact"].map(str::to_owned);
    let all = other.get_all(&keys).await.unwrap();
    assert_eq!(all, [Some(large), None, Some("second".to_owned())]);
    assert!(one.get_all(&[]).await.unwrap().is_empty());
    // A time beyond all times is a long time.
    one.put("for ever", "almost", Duration::MAX / 4)
        .await
        .unwrap();
    assert!(other.get("for ever").await.unwrap().is_some());
}

async fn forgets_in_time(bench: &Bench) {
    let [one, other] = &bench.nodes;
    one.put("brief", "here", SHORT).await.unwrap();
    one.put("kept", "before", SHORT).await.unwrap();
    one.put("kept", "after", LONG).await.unwrap();
    bench.short_is_over("forgets").await;
    assert_eq!(other.get("brief").await.unwrap(), None);
    assert_eq!(
        other.get("kept").await.unwrap().as_deref(),
        Some("after"),
        "a new value has a new time"
    );
    assert!(
        !one.remove_if("brief", "here").await.unwrap(),
        "what is over is not there to be removed"
    );
}

async fn removes_what_is_still_the_same(bench: &Bench) {
    let [one, other] = &bench.nodes;
    assert!(!one.remove_if("token", "old").await.unwrap());
    one.put("token", "new", LONG).await.unwrap();
    assert!(!other.remove_if("token", "old").await.unwrap());
    assert_eq!(one.get("token").await.unwrap().as_deref(), Some("new"));
    let removals = (0..32).map(|number| {
        let node = bench.nodes[number % 2].clone();
        async move { node.remove_if("token", "new").await.unwrap() }
    });
    let removed = join_all(removals).await;
    assert_eq!(removed.iter().filter(|removed| **removed).count(), 1);
    assert_eq!(one.get("token").await.unwrap(), None);
}

async fn gives_a_hold_to_one(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let holds = (0..64).map(|number: usize| {
        let node = bench.nodes[number % 2].clone();
        async move {
            let owner = format!("owner {number}");
            let held = node.hold("lock", &owner, LONG).await.unwrap();
            held.then_some(owner)
        }
    });
    let holders: Vec<String> = join_all(holds).await.into_iter().flatten().collect();
    assert_eq!(holders.len(), 1, "{holders:?}");
    let holder = &holders[0];
    assert!(one.hold("lock", holder, LONG).await.unwrap(), "it renews");
    other.release("lock", "somebody else").await.unwrap();
    assert!(!other.hold("lock", "somebody else", LONG).await.unwrap());
    other.release("lock", holder).await.unwrap();
    assert!(other.hold("lock", "somebody else", LONG).await.unwrap());
    assert!(!one.hold("lock", holder, LONG).await.unwrap());
}

async fn lets_holds_lapse(bench: &Bench) {
    let [one, other] = &bench.nodes;
    assert!(one.hold("lapses", "killed", SHORT).await.unwrap());
    assert!(one.hold("renewed", "alive", SHORT).await.unwrap());
    assert!(one.hold("renewed", "alive", LONG).await.unwrap());
    bench
        .until("a hold lapses", async || {
            other.hold("lapses", "next", LONG).await.unwrap()
        })
        .await;
    assert!(!one.hold("lapses", "killed", LONG).await.unwrap());
    bench.short_is_over("lapses:marker").await;
    assert!(!other.hold("renewed", "next", LONG).await.unwrap());
}

async fn counts_for_all(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let additions = (0..200).map(|number: usize| {
        let node = bench.nodes[number % 2].clone();
        async move { node.add("count", 3, LONG).await.unwrap() }
    });
    let mut counts = join_all(additions).await;
    counts.sort_unstable();
    let each_once: Vec<i64> = (1..=200).map(|number| number * 3).collect();
    assert_eq!(counts, each_once);
    assert_eq!(other.add("count", -601, LONG).await.unwrap(), -1);
    assert_eq!(one.get("count").await.unwrap().as_deref(), Some("-1"));
    // Counting on does not put off its end: otherwise this would never begin anew.
    one.add("window", 1, SHORT).await.unwrap();
    bench
        .until("a counter begins anew", async || {
            other.add("window", 1, SHORT).await.unwrap() == 1
        })
        .await;
}

/// One in ten seconds, five at once.
fn slow(patience: Duration) -> Pace {
    Pace {
        every: Duration::from_secs(10),
        ahead: Duration::from_secs(40),
        patience,
    }
}

/// When a turn came that was to come after `spans` of ten seconds: not later, and no earlier than the time that the
/// asking itself took.
fn assert_after(admission: Admission, spans: u32, since: Instant) {
    let Admission::Granted { after } = admission else {
        panic!("refused: {admission:?}");
    };
    let latest = Duration::from_secs(10) * spans;
    let slack = since.elapsed() + Duration::from_millis(2);
    assert!(after <= latest, "{after:?}, not within {latest:?}");
    assert!(
        after + slack >= latest,
        "{after:?}, earlier than {latest:?}"
    );
}

async fn gives_turns_at_a_pace(bench: &Bench) {
    let since = Instant::now();
    let asked = (0..12).map(|number: usize| {
        let node = bench.nodes[number % 2].clone();
        async move { node.admit("pace", &slow(LONG)).await.unwrap() }
    });
    let mut turns = join_all(asked).await;
    turns.sort_by_key(|turn| match turn {
        Admission::Granted { after } => *after,
        Admission::Refused { .. } => Duration::MAX,
    });
    for (number, turn) in turns.into_iter().enumerate() {
        let spans = u32::try_from(number.saturating_sub(4)).unwrap();
        assert_after(turn, spans, since);
    }
    let other = bench.nodes[1].admit("another", &slow(Duration::ZERO)).await;
    assert_after(other.unwrap(), 0, since);
}

async fn leaves_turns_beyond_patience(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let since = Instant::now();
    for _ in 0..5 {
        one.admit("patience", &slow(Duration::ZERO)).await.unwrap();
    }
    for node in [one, other, one] {
        let five = slow(Duration::from_secs(5));
        let Admission::Refused { again } = node.admit("patience", &five).await.unwrap() else {
            panic!("a turn ten seconds away is beyond five seconds' patience");
        };
        let slack = since.elapsed() + Duration::from_millis(2);
        assert!(again <= Duration::from_secs(5) && again + slack >= Duration::from_secs(5));
    }
    let taken = other.admit("patience", &slow(LONG)).await.unwrap();
    assert_after(taken, 1, since);
}

async fn forgets_turns_that_are_over(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let quick = Pace {
        every: Duration::from_millis(20),
        ahead: Duration::ZERO,
        patience: Duration::ZERO,
    };
    one.admit("over", &quick).await.unwrap();
    bench
        .until("the next turn comes", async || {
            let turn = other.admit("over", &quick).await.unwrap();
            matches!(turn, Admission::Granted { .. })
        })
        .await;
    bench
        .until("nothing is kept of turns that are over", async || {
            one.get("over").await.unwrap().is_none()
        })
        .await;
}

/// Given out until the year 2255, by a clock that went wrong.
async fn forgets_turns_of_a_clock_that_was_set_back(bench: &Bench) {
    let [one, other] = &bench.nodes;
    one.put("back", "9000000000000000", LONG).await.unwrap();
    let since = Instant::now();
    for _ in 0..5 {
        let turn = other.admit("back", &slow(Duration::ZERO)).await.unwrap();
        assert_after(turn, 0, since);
    }
    let turn = one.admit("back", &slow(LONG)).await.unwrap();
    assert_after(turn, 1, since);
}

async fn gives_turns_further_apart_than_patience(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let hourly = Pace {
        every: LONG,
        ahead: Duration::ZERO,
        patience: Duration::ZERO,
    };
    let first = one.admit("hourly", &hourly).await.unwrap();
    assert!(matches!(first, Admission::Granted { after } if after.is_zero()));
    let second = other.admit("hourly", &hourly).await.unwrap();
    assert!(matches!(second, Admission::Refused { .. }), "{second:?}");
}

/// Whether it was let through, and else when the next may be.
fn counted(admission: Admission) -> Option<Duration> {
    match admission {
        Admission::Granted { after } => {
            assert_eq!(after, Duration::ZERO, "nobody waits for a window");
            None
        }
        Admission::Refused { again } => Some(again),
    }
}

async fn counts_in_a_window(bench: &Bench) {
    let [one, _] = &bench.nodes;
    let ten = Window {
        span: LONG,
        most: 10,
    };
    let asked = (0..64).map(|number: usize| {
        let node = bench.nodes[number % 2].clone();
        async move { node.count("ten", &ten).await.unwrap() }
    });
    let refused: Vec<_> = join_all(asked)
        .await
        .into_iter()
        .filter_map(counted)
        .collect();
    assert_eq!(refused.len(), 54, "all nodes together");
    let latest = LONG + Duration::from_millis(1);
    assert!(
        refused
            .iter()
            .all(|again| *again <= latest && !again.is_zero())
    );
    let another = one.count("another ten", &ten).await.unwrap();
    assert_eq!(counted(another), None, "each key has its own");
    let none = Window { most: 0, ..ten };
    assert_eq!(counted(one.count("none", &none).await.unwrap()), None);
    assert!(counted(one.count("none", &none).await.unwrap()).is_some());
}

/// However it is asked, no span ever has more than it may: the time of each that was let through is at least a span after
/// the third before it.
async fn slides_its_windows(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let three = Window {
        span: SHORT,
        most: 3,
    };
    let (mut through, mut refused) = (Vec::new(), 0);
    while through.len() < 10 {
        let node = if through.len() % 2 == 0 { one } else { other };
        let before = bench.now();
        match counted(node.count("slides", &three).await.unwrap()) {
            None => through.push((before, bench.now())),
            Some(again) => {
                assert!(again <= SHORT + Duration::from_millis(1), "{again:?}");
                refused += 1;
            }
        }
        bench.tick().await;
    }
    for four in through.windows(4) {
        let apart = four[3].1.saturating_sub(four[0].0);
        assert!(apart >= SHORT, "four within {apart:?}");
    }
    assert!(refused > 0);
    bench
        .until("a window that is over is empty", async || {
            counted(
                one.count("slides", &Window { most: 1, ..three })
                    .await
                    .unwrap(),
            )
            .is_none()
        })
        .await;
}

/// The last three, for long.
const THREE: Bounds = Bounds { keep: 3, ttl: LONG };

async fn keeps_the_end_of_a_list(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let nothing: [&str; 0] = [];
    assert_eq!(one.list("list").await.unwrap(), nothing);
    for number in 1..=5 {
        let entry = format!("第 {number}\r\n\0");
        one.append("list", &entry, THREE).await.unwrap();
    }
    let last = ["第 3\r\n\0", "第 4\r\n\0", "第 5\r\n\0"];
    assert_eq!(other.list("list").await.unwrap(), last);
    let one_more = Bounds { keep: 4, ..THREE };
    other.append("list", "", one_more).await.unwrap();
    assert_eq!(one.list("list").await.unwrap()[3], "");
    let none = Bounds { keep: 0, ..THREE };
    one.append("list", "the last", none).await.unwrap();
    assert_eq!(other.list("list").await.unwrap(), ["the last"]);
    one.append("list", "and one", THREE).await.unwrap();
    other.restart("list", "anew", THREE).await.unwrap();
    assert_eq!(one.list("list").await.unwrap(), ["anew"]);
    one.restart("another list", "begins", THREE).await.unwrap();
    one.drop_list("list").await.unwrap();
    one.drop_list("list").await.unwrap();
    assert_eq!(other.list("list").await.unwrap(), nothing);
    assert_eq!(other.list("another list").await.unwrap(), ["begins"]);
}

async fn forgets_lists_in_time(bench: &Bench) {
    let [one, other] = &bench.nodes;
    let brief = Bounds {
        ttl: SHORT,
        ..THREE
    };
    one.append("brief list", "gone", brief).await.unwrap();
    one.append("kept list", "first", brief).await.unwrap();
    one.append("kept list", "second", THREE).await.unwrap();
    one.restart("brief anew", "gone", brief).await.unwrap();
    bench.short_is_over("lists").await;
    for over in ["brief list", "brief anew"] {
        assert!(other.list(over).await.unwrap().is_empty(), "{over}");
    }
    let kept = other.list("kept list").await.unwrap();
    assert_eq!(kept, ["first", "second"], "each entry puts off the end");
    one.append("brief list", "anew", THREE).await.unwrap();
    let anew = other.list("brief list").await.unwrap();
    assert_eq!(anew, ["anew"], "what is over does not come back");
}

async fn adds_to_one_list_for_all(bench: &Bench) {
    let bounds = Bounds {
        keep: 100,
        ttl: LONG,
    };
    let added = (0..200).map(|number: usize| {
        let node = bench.nodes[number % 2].clone();
        async move {
            node.append("shared list", &number.to_string(), bounds)
                .await
        }
    });
    for done in join_all(added).await {
        done.unwrap();
    }
    let mut kept = bench.nodes[0].list("shared list").await.unwrap();
    assert_eq!(kept.len(), 100);
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), 100, "each entry once");
}
