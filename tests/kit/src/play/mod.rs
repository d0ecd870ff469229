//! Random interleavings: the same play, move by move, on two stores, each on a clock of its own. Whatever one says, the
//! other must say; the store in memory is the readable one of the two.

mod stage;
mod step;

use rand::{SeedableRng, rngs::StdRng};

use crate::store::Bench;
use stage::Stage;
use step::Step;

const PEERS: [&str; 4] = ["a", "b", "c", "d"];

/// Plays `moves` moves chosen by `seed` on both.
///
/// # Panics
/// Where the two do not say the same.
pub async fn plays_alike(one: Bench, other: Bench, seed: u64, moves: usize) {
    alike([one, other], true, seed, moves).await;
}

/// Likewise, where the other store's content was moved from the one's: a question that may have been asked before counts
/// one try more there.
///
/// # Panics
/// Where the two do not say the same.
pub async fn goes_on_alike(one: Bench, other: Bench, seed: u64, moves: usize) {
    alike([one, other], false, seed, moves).await;
}

async fn alike(benches: [Bench; 2], count_questions: bool, seed: u64, moves: usize) {
    let mut stages = benches.map(|bench| Stage {
        bench,
        claims: Vec::new(),
        dues: Vec::new(),
        count_questions,
    });
    let mut chance = StdRng::seed_from_u64(seed);
    let mut played = Vec::new();
    for number in 0..moves {
        let step = Step::choose(&mut chance, number, &stages[0]);
        let mut heard = Vec::new();
        for stage in &mut stages {
            heard.push(stage.play(&step).await);
        }
        played.push(format!("{number}: {step:?} -> {}", heard[0]));
        let before = played.len().saturating_sub(40);
        assert!(
            heard[0] == heard[1],
            "seed {seed}: the stores differ\n{}\nthe other: {}",
            played[before..].join("\n"),
            heard[1]
        );
    }
}

/// Plays `moves` moves on one store, then has it reopened: what it says of itself is the same.
///
/// # Panics
/// Where something was lost or came back.
pub async fn survives(
    bench: Bench,
    seed: u64,
    moves: usize,
    reopen: impl AsyncFnOnce(Bench) -> Bench,
) {
    let mut stage = Stage {
        bench,
        claims: Vec::new(),
        dues: Vec::new(),
        count_questions: true,
    };
    let mut chance = StdRng::seed_from_u64(seed);
    for number in 0..moves {
        let step = Step::choose(&mut chance, number, &stage);
        stage.play(&step).await;
    }
    let before = stage.look().await;
    stage.bench = reopen(stage.bench).await;
    assert_eq!(stage.look().await, before, "seed {seed}");
}
