//! The load: keep-alive connections, one request at a time on each. In the open loop a request's latency counts from the
//! moment it was to be sent, so that a stall is not forgotten.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::messages::Made;

/// What a load told.
pub struct Told {
    pub rate: f64,
    pub failed: u64,
    /// Microseconds.
    pub latency: Histogram<u64>,
    /// What it cost the server in processor time: other programs on the machine change it less than they change the rest.
    pub spent: Option<Duration>,
}

impl Told {
    /// Processor time for each answer, in microseconds.
    pub fn spent_each(&self) -> String {
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / self.latency.len().max(1) as f64;
        let each = self.spent.map(each);
        each.map_or_else(|| "–".to_owned(), |each| format!("{each:.1}"))
    }
}

/// As fast as so many connections go.
pub async fn closed(
    nodes: &[SocketAddr],
    made: &mut Made,
    connections: usize,
    span: Duration,
) -> anyhow::Result<Told> {
    let shares = made.share(connections);
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for (index, share) in shares.into_iter().enumerate() {
        let address = nodes[index % nodes.len()];
        senders.spawn(async move {
            let mut line = Line::open(address).await?;
            let (mut latency, mut failed) = (Histogram::new(3)?, 0);
            for request in share {
                if started.elapsed() > span {
                    break;
                }
                let at = Instant::now();
                failed += u64::from(!line.ask(&request).await?);
                latency.record(at.elapsed().as_micros() as u64)?;
            }
            anyhow::Ok((latency, failed, started.elapsed()))
        });
    }
    gather(senders).await
}

/// So many a second, whatever the answers take.
pub async fn open(
    nodes: &[SocketAddr],
    made: &mut Made,
    rate: u64,
    connections: usize,
    span: Duration,
) -> anyhow::Result<Told> {
    let shares = made.share(connections);
    let gap = Duration::from_secs_f64(connections as f64 / rate as f64);
    let started = Instant::now() + Duration::from_millis(50);
    let mut senders = JoinSet::new();
    for (index, share) in shares.into_iter().enumerate() {
        let address = nodes[index % nodes.len()];
        senders.spawn(async move {
            let mut line = Line::open(address).await?;
            let (mut latency, mut failed) = (Histogram::new(3)?, 0);
            let first = started + gap.mul_f64(index as f64 / connections as f64);
            for (number, request) in share.into_iter().enumerate() {
                let at = first + gap * u32::try_from(number)?;
                if at.duration_since(started) > span {
                    break;
                }
                tokio::time::sleep_until(at.into()).await;
                failed += u64::from(!line.ask(&request).await?);
                latency.record(at.elapsed().as_micros() as u64)?;
            }
            anyhow::Ok((latency, failed, started.elapsed()))
        });
    }
    gather(senders).await
}

async fn gather(
    mut senders: JoinSet<anyhow::Result<(Histogram<u64>, u64, Duration)>>,
) -> anyhow::Result<Told> {
    let (mut latency, mut failed, mut longest) = (Histogram::new(3)?, 0, Duration::from_millis(1));
    while let Some(done) = senders.join_next().await {
        let (one, wrong, took) = done??;
        latency.add(one)?;
        failed += wrong;
        longest = longest.max(took);
    }
    Ok(Told {
        rate: latency.len() as f64 / longest.as_secs_f64(),
        failed,
        latency,
        spent: None,
    })
}

/// One keep-alive connection.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("the server does not take connections")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(1024),
        })
    }

    /// Sends a request and reads its answer; whether it was 200.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server hung up");
            }
            if let Some(whole) = whole(&self.buffer) {
                return Ok(whole);
            }
        }
    }
}

/// Whether an answer is there in full, and if so whether it is 200.
fn whole(bytes: &[u8]) -> Option<bool> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    })?;
    (bytes.len() >= end + 4 + length).then(|| head.starts_with("HTTP/1.1 200"))
}
