//! Whatever happens in whatever order, the cache never tells what the store does not.

use proptest::{prelude::*, strategy::Strategy as Choice};

use super::super::*;
use super::bench::Bench;
use crate::conversation::Move;

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Turn(Vec<&'static str>, u8),
    /// The first of the writes that wait is made last, is made, or is lost.
    Later,
    Write,
    Lose,
    Emptied,
    Read(usize),
}

fn step() -> impl Choice<Value = Step> {
    let said = prop::collection::vec(prop::sample::select(vec!["a", "b", "*n"]), 0..4);
    prop_oneof![
        6 => (said, 0..8_u8).prop_map(|(said, moved)| Step::Turn(said, moved)),
        2 => Just(Step::Later),
        6 => Just(Step::Write),
        2 => Just(Step::Lose),
        1 => Just(Step::Emptied),
        6 => (1..25_usize).prop_map(Step::Read),
    ]
}

proptest! {
    /// Whatever is lost, late or emptied: the context is what the store has.
    #[test]
    fn it_is_always_what_the_store_has(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            let (mut waiting, mut number) = (std::collections::VecDeque::new(), 0);
            bench.turn(&["begin"], None).await;
            for step in steps {
                waiting.extend(bench.waiting());
                match step {
                    Step::Turn(said, moved) => {
                        number += 1;
                        let said: Vec<String> = said.iter().map(|words| format!("{words}{number}")).collect();
                        let said: Vec<&str> = said.iter().map(String::as_str).collect();
                        let moved = match moved {
                            0 => Some(Move::Resolve),
                            1..4 => Some(Move::Reopen),
                            _ => None,
                        };
                        bench.turn(&said, moved).await;
                    }
                    Step::Later => if let Some(write) = waiting.pop_front() { waiting.push_back(write) },
                    Step::Write => if let Some(write) = waiting.pop_front() { bench.make(write).await },
                    Step::Lose => drop(waiting.pop_front()),
                    Step::Emptied => bench.cache.drop_list(&key(bench.id)).await.unwrap(),
                    Step::Read(wanted) => {
                        let (lines, _) = bench.engine.said(bench.id, wanted).await.unwrap();
                        let there: Vec<String> = lines.iter().map(|line| line.content.words().unwrap().to_owned()).collect();
                        assert_eq!(bench.context(wanted).await, there);
                    }
                }
            }
        });
    }
}
