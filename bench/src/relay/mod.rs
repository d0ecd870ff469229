//! The relay: a callback in, all steps durable, a Tencent IM request out. This process plays the platforms.
//!
//! A contact's next message is offered at its time on whatever connection is free, answered or not the one before. Two
//! messages have an order only where the later was offered after the earlier was answered: of such pairs none may be heard the
//! other way round. Pairs heard against the order in which they were offered are told beside it.

mod platforms;

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use bridge_convertors::wechat::crypto::AesKey;
use hdrhistogram::Histogram;

use crate::{
    bridge::{Back, Bridge},
    load::Line,
    messages,
};

pub use platforms::{Desk, play};

/// Contacts who talk at once.
const CONTACTS: usize = 1000;

/// Whoever comes last.
const LAST: usize = usize::MAX;

/// Connections that carry their callbacks.
const LINES: usize = 64;

/// What became of a callback.
struct Asked {
    number: u64,
    offered: Instant,
    /// When it was answered with success; `None`: it was refused.
    answered: Option<Instant>,
}

impl Asked {
    /// The contact, and the number of its message.
    fn key(&self) -> (usize, u64) {
        key(self.number)
    }
}

fn key(number: u64) -> (usize, u64) {
    let contacts = CONTACTS as u64;
    ((number % contacts) as usize, number / contacts)
}

/// At each of these rates, through an endpoint that takes so many milliseconds.
pub async fn measure(
    program: &Path,
    back: &Back<'_>,
    nodes: usize,
    loads: &[(u64, u64)],
    span: Duration,
) -> anyhow::Result<()> {
    println!();
    println!(
        "| relay, {nodes} node(s) | offered/s | endpoint takes | p50 ms | p99 ms | p99.9 ms | longest ms | refused | lost | doubled | repeats of a send | out of acknowledged order | out of offered order | resident MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (rate, slow) in loads {
        one(program, back, nodes, *rate, *slow, span, false).await?;
    }
    Ok(())
}

/// One of the nodes is killed half way; whoever was connected to it says everything that it did not answer to another.
pub async fn takeover(
    program: &Path,
    back: &Back<'_>,
    nodes: usize,
    rate: u64,
    span: Duration,
) -> anyhow::Result<()> {
    println!("| one of {nodes} nodes killed under load: | | | | | | | | | | | |");
    // Through an endpoint that takes a while: something is on its way at any moment.
    one(program, back, nodes, rate, 50, span, true).await
}

async fn one(
    program: &Path,
    back: &Back<'_>,
    nodes: usize,
    rate: u64,
    slow: u64,
    span: Duration,
    kill: bool,
) -> anyhow::Result<()> {
    let (desk, platforms) = play(slow)?;
    let mut bridges = Vec::new();
    for _ in 0..nodes {
        bridges.push(Bridge::start(program, &format!("http://{platforms}"), back).await?);
    }
    let first = bridges[0].address;
    let crowd = Crowd::new()?;
    crowd.ask_for_people(first, &desk).await?;
    let count = rate * span.as_secs();
    let requests: Vec<_> = (0..LINES as u64)
        .map(|line| crowd.requests((line..count).step_by(LINES)))
        .collect();
    let begin = Instant::now() + Duration::from_millis(100);
    let due = move |number: u64| begin + Duration::from_secs_f64(number as f64 / rate as f64);
    let mut senders = tokio::task::JoinSet::new();
    for (index, mine) in requests.into_iter().enumerate() {
        let line = Line::open(bridges[index % nodes].address).await?;
        senders.spawn(offer(line, mine, due, kill.then_some(first)));
    }
    if kill && let Some(last) = bridges.last_mut() {
        tokio::time::sleep_until((begin + span / 2).into()).await;
        last.kill();
    }
    let mut asked = Vec::with_capacity(count as usize);
    while let Some(done) = senders.join_next().await {
        asked.extend(done??);
    }
    let memory = bridges.iter().map(Bridge::memory).sum();
    report(&desk, memory, rate, slow, &asked, due).await
}

/// Contacts under whose names nobody has written before, whatever the store holds.
struct Crowd {
    key: AesKey,
    run: u64,
}

impl Crowd {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            key: AesKey::parse(messages::KEY)?,
            run: std::time::UNIX_EPOCH.elapsed()?.as_millis() as u64,
        })
    }

    fn request(&self, contact: usize, id: u64, words: &str) -> Vec<u8> {
        let name = format!("oRelay{}c{contact:06}", self.run);
        messages::request(&self.key, &name, self.run * 10_000 + id, words)
    }

    /// Each asks for a person and is given one.
    async fn ask_for_people(&self, bridge: SocketAddr, desk: &Desk) -> anyhow::Result<()> {
        let mut line = Line::open(bridge).await?;
        for contact in 0..CONTACTS {
            line.ask(&self.request(contact, contact as u64, "人工"))
                .await?;
        }
        let assigned = desk.until(Duration::from_secs(60), |heard| {
            heard.shown.len() >= CONTACTS && heard.told.len() >= CONTACTS
        });
        anyhow::ensure!(assigned.await, "not every contact was given an agent");
        Ok(())
    }

    /// The messages of these numbers, each with its number.
    fn requests(&self, numbers: impl Iterator<Item = u64>) -> Vec<(u64, Vec<u8>)> {
        let request = |number: u64| {
            let (contact, id) = key(number);
            let words = format!("<{contact}:{id}>");
            (
                number,
                self.request(contact, CONTACTS as u64 + number, &words),
            )
        };
        numbers.map(request).collect()
    }
}

/// Offers each message at its time, answered or not the one before; to `other` where the line's own node is gone.
async fn offer(
    mut line: Line,
    requests: Vec<(u64, Vec<u8>)>,
    due: impl Fn(u64) -> Instant,
    other: Option<SocketAddr>,
) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::with_capacity(requests.len());
    for (number, request) in requests {
        tokio::time::sleep_until(due(number).into()).await;
        let offered = Instant::now();
        let taken = match (line.ask(&request).await, other) {
            (Err(_), Some(other)) => {
                line = Line::open(other).await?;
                line.ask(&request).await?
            }
            (taken, _) => taken?,
        };
        asked.push(Asked {
            number,
            offered,
            answered: taken.then(Instant::now),
        });
    }
    Ok(asked)
}

async fn report(
    desk: &Desk,
    memory: f64,
    rate: u64,
    slow: u64,
    asked: &[Asked],
    due: impl Fn(u64) -> Instant,
) -> anyhow::Result<()> {
    let taken = asked.iter().filter(|asked| asked.answered.is_some());
    let taken: HashMap<_, _> = taken.map(|asked| (asked.key(), asked)).collect();
    let refused = asked.len() - taken.len();
    // What is lost does not come however long one waits: it is counted below.
    desk.until(Duration::from_secs(60), |heard| {
        heard.times.len() >= taken.len()
    })
    .await;
    let heard = desk.heard.lock().await;
    let mut latency = Histogram::<u64>::new(3)?;
    let (mut lost, mut doubled, mut offered) = (0, 0, 0);
    let (mut acknowledged, mut ordered) = (0, 0);
    for (key, asked) in &taken {
        match heard.times.get(key) {
            Some(at) => {
                latency.record(at.saturating_duration_since(due(asked.number)).as_micros() as u64)?
            }
            None => lost += 1,
        }
    }
    for (contact, numbers) in &heard.by_contact {
        let unique: std::collections::BTreeSet<_> = numbers.iter().collect();
        doubled += numbers.len() - unique.len();
        offered += numbers.windows(2).filter(|pair| pair[0] > pair[1]).count();
        let heard: Vec<&Asked> = numbers
            .iter()
            .filter_map(|number| taken.get(&(*contact, *number)).copied())
            .collect();
        acknowledged += overtaken(&heard);
        ordered += comparable(&heard);
    }
    let repeats = heard.repeats;
    let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "| callback in to Tencent IM request out | {rate} | {slow} ms | {:.2} | {:.2} | {:.2} | {:.0} | {refused} | {lost} | {doubled} | {repeats} | {acknowledged} of {ordered} | {offered} | {memory:.1} |",
        ms(0.5),
        ms(0.99),
        ms(0.999),
        ms(1.0)
    );
    Ok(())
}

/// How many of a contact's messages, as they were heard, came after one that was offered when they had been answered.
fn overtaken(heard: &[&Asked]) -> usize {
    let mut latest = None;
    let mut count = 0;
    for asked in heard {
        count += usize::from(asked.answered < latest);
        latest = latest.max(Some(asked.offered));
    }
    count
}

/// How many of them could have been overtaken: another was offered after they had been answered.
fn comparable(heard: &[&Asked]) -> usize {
    let last = heard.iter().map(|asked| asked.offered).max();
    heard.iter().filter(|asked| asked.answered < last).count()
}

/// Until nothing waits for its turn: conversations have their turns in the order in which they began to wait, and what somebody
/// says who comes last has come through.
pub async fn drained(bridge: SocketAddr, desk: &Desk) -> anyhow::Result<()> {
    let key = AesKey::parse(messages::KEY)?;
    let now = std::time::UNIX_EPOCH.elapsed()?.as_micros() as u64;
    let mut line = Line::open(bridge).await?;
    let name = format!("oLast{now}");
    for (number, text) in ["人工".to_owned(), format!("<{LAST}:{now}>")]
        .iter()
        .enumerate()
    {
        let request = messages::request(&key, &name, now + number as u64, text);
        while !line.ask(&request).await? {
            // Refused while too much waits: asked again, and each answer is the wait.
        }
    }
    let through = desk.until(Duration::from_secs(300), |heard| heard.last.contains(&now));
    anyhow::ensure!(through.await, "what waits did not get less");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_answered_before_can_be_overtaken() {
        let began = Instant::now();
        let at = |offered: u64, answered: u64| Asked {
            number: 0,
            offered: began + Duration::from_millis(offered),
            answered: Some(began + Duration::from_millis(answered)),
        };
        let (one, beside, later) = (at(0, 10), at(5, 30), at(11, 20));
        assert_eq!(overtaken(&[&one, &beside, &later]), 0);
        assert_eq!(overtaken(&[&beside, &one, &later]), 0, "under way together");
        assert_eq!(overtaken(&[&one, &later, &beside]), 0, "under way together");
        assert_eq!(overtaken(&[&later, &one, &beside]), 1);
        assert_eq!(overtaken(&[&later, &beside, &one]), 1);
        assert_eq!(comparable(&[&later, &beside, &one]), 1);
    }
}
