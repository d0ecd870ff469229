//! When which fault was on: what explains a failure, and what excuses a message that came twice.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;

/// How long after its end a fault still shows: a connection that was silent has its timeouts, a lease its time.
const AFTERMATH: Duration = Duration::from_secs(8);

/// One fault as it happened.
struct Line {
    from: Duration,
    until: Option<Duration>,
    what: String,
    /// Whether an answer of a platform may have been lost by it, and so a message be sent again.
    loses: Loses,
}

/// Which answers of a platform a fault may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loses {
    /// None.
    Nothing,
    /// The platform did not give it, and the bridge knows that.
    OnTheWay,
    /// The node that had it is gone, or could not write it down.
    WithTheNode,
}

/// The faults of a run, by the time since its beginning.
pub struct Diary {
    began: Instant,
    /// The same moment as the platforms' clocks have it, in milliseconds.
    epoch: i64,
    lines: Mutex<Vec<Line>>,
    kinds: Mutex<BTreeMap<String, usize>>,
}

impl Default for Diary {
    fn default() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            began: Instant::now(),
            epoch: since.as_millis() as i64,
            lines: Mutex::default(),
            kinds: Mutex::default(),
        }
    }
}

impl Diary {
    /// The time since the beginning.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// The time since the beginning of a moment by the platforms' clocks.
    pub fn at(&self, millis: i64) -> Duration {
        Duration::from_millis(u64::try_from(millis - self.epoch).unwrap_or(0))
    }

    /// A fault begins; [`Diary::over`] takes what this returns.
    pub fn begins(&self, kind: &str, what: String, loses: Loses) -> usize {
        *self.kinds.lock().entry(kind.to_owned()).or_default() += 1;
        let mut lines = self.lines.lock();
        lines.push(Line {
            from: self.now(),
            until: None,
            what,
            loses,
        });
        lines.len() - 1
    }

    /// It has ended.
    pub fn over(&self, line: usize) {
        self.lines.lock()[line].until = Some(self.now());
    }

    /// How many of each kind.
    pub fn counted(&self) -> String {
        let kinds = self.kinds.lock();
        let lines = kinds
            .iter()
            .map(|(name, times)| format!("  {times:>4}  {name}"));
        let lines: Vec<String> = lines.collect();
        let sum: usize = kinds.values().sum();
        format!("faults: {sum}\n{}", lines.join("\n"))
    }

    /// The faults that were on at any time between these.
    pub fn around(&self, from: Duration, until: Duration) -> Vec<String> {
        let lines = self.lines.lock();
        let near = lines.iter().filter(|line| line.touches(from, until));
        near.map(|line| {
            let until = line.until.map_or("?".to_owned(), |until| {
                format!("{:.1}", until.as_secs_f32())
            });
            format!("{:.1} to {until} s: {}", line.from.as_secs_f32(), line.what)
        })
        .collect()
    }

    /// Whether a message that was shown at both these times may have been sent twice: something lost the first answer, and
    /// that is at least as bad as `from`.
    pub fn excuses(&self, from: Loses, first: i64, again: i64) -> bool {
        let (first, again) = (self.at(first), self.at(again));
        let lines = self.lines.lock();
        lines
            .iter()
            .any(|line| line.loses >= from && line.touches(first, again))
    }
}

impl Line {
    fn touches(&self, from: Duration, until: Duration) -> bool {
        let end = self.until.map_or(Duration::MAX, |end| end + AFTERMATH);
        self.from <= until && from <= end
    }
}

#[test]
fn only_what_loses_answers_excuses_and_only_then() {
    let diary = Diary::default();
    let at = |millis: i64| diary.epoch + millis;
    let harmless = diary.begins("x", "x".to_owned(), Loses::Nothing);
    diary.over(harmless);
    assert!(!diary.excuses(Loses::OnTheWay, at(0), at(50)));
    diary.lines.lock().push(Line {
        from: Duration::from_secs(20),
        until: Some(Duration::from_secs(21)),
        what: "y".to_owned(),
        loses: Loses::OnTheWay,
    });
    assert!(!diary.excuses(Loses::OnTheWay, at(0), at(19_000)));
    assert!(diary.excuses(Loses::OnTheWay, at(19_000), at(22_000)));
    assert!(!diary.excuses(Loses::OnTheWay, at(31_000), at(32_000)));
    assert!(!diary.excuses(Loses::WithTheNode, at(19_000), at(22_000)));
    let (from, until) = (Duration::from_secs(19), Duration::from_secs(22));
    assert_eq!(diary.around(from, until).len(), 1);
}
