//! What goes wrong, one after the other, by the seed alone: whatever the run does, the same seed gives the same faults.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Faults of the platforms; each counts itself out.
const PLATFORMS: [&str; 30] = [
    "tim.send=cut-afterx3",
    "tim.send=cutx3",
    "tim.send=http:502x3",
    "tim.send=slow:700x10",
    "tim.send=60007x2",
    "tim.import=cut-afterx2",
    "wechat.send=cut-afterx1",
    "wechat.send=-1x2",
    "wechat.send=slow:500x10",
    "wechat.send=expirex1",
    "callback=duplicatex10",
    "callback=reorderx6",
    "tim.callback=dropx4",
    "kf.callback=dropx8",
    "kf.callback=duplicatex8",
    "kf.callback=reorderx6",
    "kf.callback=slow:900x8",
    "kf.sync=cut-afterx3",
    "kf.sync=http:502x3",
    "kf.sync=95007x2",
    "kf.send=cut-afterx3",
    "dify.chat=slow:1500x6",
    "dify.chat=http:503x4",
    "dify.chat=cut-midx4",
    "dify.chat=mutex2",
    "dify.chat=cut-afterx3",
    "dify.chat=errorx3",
    "wecom.send=cut-afterx1",
    "wecom.send=-1x1",
    "wecom.callback=duplicatex3",
];

/// One thing that goes wrong. Nodes and servers by their number.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// `kill -9` of a node, started again after so long.
    Kill { node: usize, away: Duration },
    /// A node that is killed as soon as it runs, again and again.
    CrashLoop { node: usize, times: usize },
    /// A node that hangs for longer than a lease, and wakes up in the belief that nothing happened.
    Stall { node: usize, long: Duration },
    /// A node is told to end, ends well, and is started again.
    Restart { node: usize },
    /// All of them are, one after the other.
    Roll,
    /// A node's connections to a server are cut.
    Cut { node: usize, server: usize },
    /// A node and a server do not hear each other for so long.
    Silence {
        node: usize,
        server: usize,
        long: Duration,
    },
    /// A node's connections to a server lead nowhere from now on, and nobody says so.
    Lose { node: usize, server: usize },
    /// Whatever goes between a node and a server is late.
    Late {
        node: usize,
        server: usize,
        by: Duration,
        long: Duration,
    },
    /// No node reaches a server.
    Refuse { server: usize, long: Duration },
    /// `kill -9` of a server.
    Crash { server: usize, away: Duration },
    /// A server hangs for longer than a lease.
    Freeze { server: usize, long: Duration },
    /// A server takes nothing new: its disk or memory is full.
    Fill { server: usize, long: Duration },
    /// A platform's, as the sandbox knows it.
    Platform(&'static str),
}

/// A fault, and how long after the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub after: Duration,
    pub fault: Fault,
}

/// One card of the deck from which faults are dealt: every kind comes before one comes again.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Kill,
    CrashLoop,
    Stall,
    Restart,
    Roll,
    Cut,
    Silence,
    Lose,
    Late,
    Refuse,
    /// Of the database, or another.
    Crash(bool),
    Freeze(bool),
    Fill(bool),
    Platform,
}

const DECK: [Kind; 24] = [
    Kind::Kill,
    Kind::Kill,
    Kind::CrashLoop,
    Kind::Stall,
    Kind::Restart,
    Kind::Roll,
    Kind::Cut,
    Kind::Silence,
    Kind::Lose,
    Kind::Late,
    Kind::Refuse,
    Kind::Crash(true),
    Kind::Crash(false),
    Kind::Freeze(true),
    Kind::Freeze(false),
    Kind::Fill(true),
    Kind::Fill(false),
    Kind::Platform,
    Kind::Platform,
    Kind::Platform,
    Kind::Platform,
    Kind::Platform,
    Kind::Platform,
    Kind::Platform,
];

/// All of them, without end.
pub struct Schedule {
    dice: StdRng,
    deck: Vec<Kind>,
    nodes: usize,
    servers: usize,
    own: usize,
}

impl Schedule {
    /// For so many nodes and servers, the first of which are the play's own, which may be killed.
    pub fn new(seed: u64, nodes: usize, servers: usize, own: usize) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            deck: Vec::new(),
            nodes,
            servers,
            own,
        }
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.dice.random_range(from..to))
    }

    fn own(&mut self, database: bool) -> usize {
        match database || self.own < 2 {
            true => 0,
            false => self.dice.random_range(1..self.own),
        }
    }

    fn kind(&mut self) -> Kind {
        if self.deck.is_empty() {
            self.deck = DECK.to_vec();
            self.deck.shuffle(&mut self.dice);
        }
        // Just filled.
        self.deck.pop().unwrap()
    }

    fn fault(&mut self, kind: Kind) -> Fault {
        let node = self.dice.random_range(0..self.nodes);
        let server = self.dice.random_range(0..self.servers);
        match kind {
            Kind::Kill => Fault::Kill {
                node,
                away: self.millis(100, 3000),
            },
            Kind::CrashLoop => Fault::CrashLoop {
                node,
                times: self.dice.random_range(2..5),
            },
            Kind::Stall => Fault::Stall {
                node,
                long: self.millis(2600, 5500),
            },
            Kind::Restart => Fault::Restart { node },
            Kind::Roll => Fault::Roll,
            Kind::Cut => Fault::Cut { node, server },
            Kind::Silence => Fault::Silence {
                node,
                server,
                long: self.millis(100, 5000),
            },
            Kind::Lose => Fault::Lose { node, server },
            Kind::Late => Fault::Late {
                node,
                server,
                by: self.millis(5, 60),
                long: self.millis(1000, 4000),
            },
            Kind::Refuse => Fault::Refuse {
                server,
                long: self.millis(100, 3000),
            },
            Kind::Crash(database) => Fault::Crash {
                server: self.own(database),
                away: self.millis(100, 3000),
            },
            Kind::Freeze(database) => Fault::Freeze {
                server: self.own(database),
                long: self.millis(3500, 7000),
            },
            Kind::Fill(database) => Fault::Fill {
                // A full broker is not among what can be made here cheaply.
                server: usize::from(!database && self.own > 1),
                long: self.millis(500, 3000),
            },
            Kind::Platform => {
                Fault::Platform(PLATFORMS[self.dice.random_range(0..PLATFORMS.len())])
            }
        }
    }
}

impl Iterator for Schedule {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        let after = self.millis(100, 900);
        let kind = self.kind();
        Some(Planned {
            after,
            fault: self.fault(kind),
        })
    }
}

#[test]
fn a_seed_is_a_schedule() {
    let schedule = |seed| -> Vec<Planned> { Schedule::new(seed, 3, 3, 2).take(100).collect() };
    assert_eq!(schedule(7), schedule(7));
    assert_ne!(schedule(7), schedule(8));
    // Whoever is not ours is not killed.
    let killed = |planned: &Planned| match planned.fault {
        Fault::Crash { server, .. } | Fault::Freeze { server, .. } => Some(server),
        _ => None,
    };
    assert!(
        schedule(7)
            .iter()
            .filter_map(killed)
            .all(|server| server < 2)
    );
    // A deck is dealt to its end: each kind comes.
    let first = &schedule(7)[..DECK.len()];
    let has = |which: fn(&Fault) -> bool| first.iter().any(|planned| which(&planned.fault));
    assert!(has(|fault| matches!(fault, Fault::Lose { .. })));
    assert!(has(|fault| matches!(fault, Fault::Crash { server: 0, .. })));
    assert!(has(|fault| matches!(
        fault,
        Fault::Freeze { server: 0, .. }
    )));
    assert!(has(|fault| matches!(fault, Fault::Roll)));
}

#[test]
fn the_platforms_faults_are_known_to_them() {
    for spec in PLATFORMS {
        bridge_sandbox::faults::parse(spec).unwrap();
    }
}
