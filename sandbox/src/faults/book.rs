//! The order book: which faults still stand, and what they make of the next call or callback.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Fault, FaultLine, Kind};
use crate::chance::Chance;

/// What becomes of one call to a platform.
#[derive(Default)]
pub(crate) struct CallPlan {
    pub slow: Duration,
    pub fate: Option<Fate>,
    /// The faults applied, for the wire log.
    pub label: Option<String>,
}

/// How a call ends instead of well.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    Hang,
    Cut,
    CutAfter,
    Http(u16),
    Code(i64),
    Expire,
    Twist(Twist),
}

/// How something goes wrong after a good start: a stream, a page, a message already taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Twist {
    CutMid,
    Error(Option<String>),
    Mute,
    /// A page with nothing in it that is not the last.
    Empty,
    /// A page of at most so many rows.
    PageOf(u32),
    /// A page that begins so many rows too early.
    Replay(u32),
    /// A message that is taken and fails afterwards, of this type.
    SendFail(u32),
}

/// What becomes of one callback to the bridge.
#[derive(Default)]
pub(crate) struct CallbackPlan {
    pub slow: Duration,
    pub drop: bool,
    pub duplicate: bool,
    pub reorder: bool,
    pub forge: bool,
    pub label: Option<String>,
}

/// The faults ordered.
#[derive(Default)]
pub(crate) struct Book {
    /// Read without the lock: fair weather costs nothing.
    any: AtomicBool,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    last: u64,
    orders: Vec<Order>,
}

struct Order {
    id: u64,
    fault: Fault,
    left: Option<u32>,
    fired: u32,
}

impl Book {
    pub fn add(&self, faults: Vec<Fault>) -> Vec<u64> {
        let mut pages = self.pages.lock();
        let ids = faults.into_iter().map(|fault| pages.add(fault)).collect();
        self.mark(&pages);
        ids
    }

    pub fn replace(&self, faults: Vec<Fault>) -> Vec<u64> {
        self.pages.lock().orders.clear();
        self.add(faults)
    }

    pub fn remove(&self, id: u64) -> bool {
        let mut pages = self.pages.lock();
        let before = pages.orders.len();
        pages.orders.retain(|order| order.id != id);
        self.mark(&pages);
        before != pages.orders.len()
    }

    pub fn lines(&self) -> Vec<FaultLine> {
        self.pages.lock().orders.iter().map(Order::line).collect()
    }

    /// What the ordered faults make of a call. `who` is asked only when a fault is aimed at somebody.
    pub fn plan_call(
        &self,
        operation: &str,
        chance: &Chance,
        who: impl Fn() -> Vec<String>,
    ) -> CallPlan {
        let mut plan = CallPlan::default();
        let label = self.strike(operation, chance, who, |kind| match (kind, &plan.fate) {
            (Kind::Slow(time), _) => {
                plan.slow += *time;
                true
            }
            (kind, None) => {
                plan.fate = fate(kind);
                plan.fate.is_some()
            }
            _ => false,
        });
        plan.label = label;
        plan
    }

    /// What the ordered faults make of a callback.
    pub fn plan_callback(
        &self,
        operation: &str,
        chance: &Chance,
        who: impl Fn() -> Vec<String>,
    ) -> CallbackPlan {
        let mut plan = CallbackPlan::default();
        let label = self.strike(operation, chance, who, |kind| {
            match kind {
                Kind::Slow(time) => plan.slow += *time,
                Kind::Drop => plan.drop = true,
                Kind::Duplicate => plan.duplicate = true,
                Kind::Reorder => plan.reorder = true,
                Kind::Forge => plan.forge = true,
                _ => return false,
            }
            true
        });
        plan.label = label;
        plan
    }

    /// Offers each fault that applies to `take`; counts those taken and names them.
    fn strike(
        &self,
        operation: &str,
        chance: &Chance,
        who: impl Fn() -> Vec<String>,
        mut take: impl FnMut(&Kind) -> bool,
    ) -> Option<String> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let mut pages = self.pages.lock();
        let mut names = Vec::new();
        for order in &mut pages.orders {
            if order.applies(operation, &who)
                && chance.happens(order.fault.probability)
                && take(&order.fault.kind)
            {
                order.fired += 1;
                order.left = order.left.map(|left| left - 1);
                names.push(order.fault.to_string());
            }
        }
        pages.orders.retain(|order| order.left != Some(0));
        self.mark(&pages);
        (!names.is_empty()).then(|| names.join(","))
    }

    fn mark(&self, pages: &Pages) {
        self.any.store(!pages.orders.is_empty(), Ordering::Release);
    }
}

impl Pages {
    fn add(&mut self, fault: Fault) -> u64 {
        self.last += 1;
        let left = fault.times;
        self.orders.push(Order {
            id: self.last,
            fault,
            left,
            fired: 0,
        });
        self.last
    }
}

impl Order {
    fn applies(&self, operation: &str, who: &impl Fn() -> Vec<String>) -> bool {
        let aimed = self.fault.aims_at(operation);
        aimed
            && self
                .fault
                .who
                .as_ref()
                .is_none_or(|name| who().contains(name))
    }

    fn line(&self) -> FaultLine {
        FaultLine {
            id: self.id,
            spec: self.fault.to_string(),
            target: self.fault.target.clone(),
            left: self.left,
            fired: self.fired,
        }
    }
}

fn fate(kind: &Kind) -> Option<Fate> {
    Some(match kind {
        Kind::Hang => Fate::Hang,
        Kind::Cut => Fate::Cut,
        Kind::CutAfter => Fate::CutAfter,
        Kind::Http(status) => Fate::Http(*status),
        Kind::Code(code) => Fate::Code(*code),
        Kind::Expire => Fate::Expire,
        Kind::CutMid => Fate::Twist(Twist::CutMid),
        Kind::StreamError(code) => Fate::Twist(Twist::Error(code.clone())),
        Kind::Mute => Fate::Twist(Twist::Mute),
        Kind::Empty => Fate::Twist(Twist::Empty),
        Kind::PageOf(rows) => Fate::Twist(Twist::PageOf(*rows)),
        Kind::Replay(rows) => Fate::Twist(Twist::Replay(*rows)),
        Kind::SendFail(kind) => Fate::Twist(Twist::SendFail(*kind)),
        Kind::Slow(_) | Kind::Duplicate | Kind::Reorder | Kind::Drop | Kind::Forge => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::parse;

    fn book(spec: &str) -> Book {
        let book = Book::default();
        book.add(parse(spec).unwrap());
        book
    }

    fn fate_of(book: &Book, operation: &str, who: &str) -> Option<Fate> {
        let chance = Chance::new(Some(1));
        book.plan_call(operation, &chance, || vec![who.to_owned()])
            .fate
    }

    #[test]
    fn a_counted_fault_strikes_that_often_where_it_aims() {
        let book = book("wechat.send=45015x2");
        assert_eq!(fate_of(&book, "wechat.typing", "o1"), None);
        assert_eq!(fate_of(&book, "wechat.send", "o1"), Some(Fate::Code(45015)));
        assert_eq!(book.lines()[0].left, Some(1));
        assert_eq!(fate_of(&book, "wechat.send", "o2"), Some(Fate::Code(45015)));
        assert_eq!(fate_of(&book, "wechat.send", "o1"), None);
        assert_eq!(book.lines(), []);
    }

    #[test]
    fn a_whole_peer_means_its_calls_but_not_its_callbacks() {
        let book = book("tim=cut");
        assert_eq!(fate_of(&book, "tim.import", ""), Some(Fate::Cut));
        assert_eq!(fate_of(&book, "tim.callback", ""), None);
        assert_eq!(fate_of(&book, "dify.chat", ""), None);
    }

    #[test]
    fn who_narrows_and_slow_adds() {
        let book = book("tim.send(a)=slow:10,tim.send=slow:5,tim.send(a)=-1");
        let plan = |who: &str| {
            let chance = Chance::new(Some(1));
            book.plan_call("tim.send", &chance, || vec![who.to_owned()])
        };
        assert_eq!(plan("b").slow, Duration::from_millis(5));
        assert_eq!(plan("b").fate, None);
        assert_eq!(plan("a").slow, Duration::from_millis(15));
        assert_eq!(plan("a").fate, Some(Fate::Code(-1)));
    }

    #[test]
    fn probability_is_kept_roughly_and_callbacks_have_their_own_kinds() {
        let book = book("callback=duplicate:0.25,wechat.callback=forge");
        let chance = Chance::new(Some(42));
        let plans: Vec<CallbackPlan> = (0..1000)
            .map(|_| book.plan_callback("tim.callback", &chance, Vec::new))
            .collect();
        let doubled = plans.iter().filter(|plan| plan.duplicate).count();
        assert!((200..300).contains(&doubled), "{doubled}");
        assert!(plans.iter().all(|plan| !plan.forge));
    }

    #[test]
    fn taking_back_clears_the_sky() {
        let book = book("dify=cut,dify=mute");
        assert!(book.remove(1) && !book.remove(1));
        assert_eq!(
            fate_of(&book, "dify.chat", ""),
            Some(Fate::Twist(Twist::Mute))
        );
        book.replace(vec![]);
        assert_eq!(fate_of(&book, "dify.chat", ""), None);
    }
}
