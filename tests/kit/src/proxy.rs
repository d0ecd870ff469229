//! A wire that can be cut: a TCP proxy between a program and its server, and what may happen to it. Tests put it before
//! PostgreSQL, Redis and RabbitMQ, because what matters is what a real client does when a real connection misbehaves.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

/// What happens to bytes and newcomers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// All is well.
    Fair,
    /// Nothing arrives, and nobody is told: the silence of a dropped packet.
    Held,
    /// Everything arrives, each piece so much later.
    Slow(Duration),
    /// Nobody is let in.
    Refused,
}

/// The weather, how often the wire was cut (a connection lives in one such age), and how often what was open then was
/// lost: such a connection stays open and leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sky {
    weather: Weather,
    age: u64,
    losses: u64,
}

/// Connections that are open, and that were let in since the beginning.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    open: usize,
    ever: usize,
}

/// The proxy. It ends when it is dropped, and everything that goes through it.
pub struct Proxy {
    address: SocketAddr,
    sky: Arc<watch::Sender<Sky>>,
    count: watch::Receiver<Count>,
    listening: AbortHandle,
}

impl Proxy {
    /// A proxy on a free loopback port before `upstream`, `host:port`.
    pub async fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fair = Sky {
            weather: Weather::Fair,
            age: 0,
            losses: 0,
        };
        let sky = Arc::new(watch::Sender::new(fair));
        let (counter, count) = watch::channel(Count::default());
        let wire = Wire {
            upstream: upstream.to_owned(),
            sky: sky.clone(),
            count: Arc::new(counter),
        };
        let listening = tokio::spawn(wire.listen(listener)).abort_handle();
        Self {
            address,
            sky,
            count,
            listening,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL whose host and port are the proxy's in place of the server's.
    pub fn in_place_of(&self, url: &str) -> String {
        let place = authority(url);
        url.replacen(place, &self.address.to_string(), 1)
    }

    /// Cuts every connection. Who comes anew is let through unless refused.
    pub fn cut(&self) {
        self.sky.send_modify(|sky| sky.age += 1);
    }

    /// Cuts every connection, and lets nobody in until [`Proxy::resume`].
    pub fn refuse(&self) {
        self.sky.send_modify(|sky| {
            sky.age += 1;
            sky.weather = Weather::Refused;
        });
    }

    /// Lets nothing through until [`Proxy::resume`]; connections stay, and newcomers are let in, to silence.
    pub fn hold(&self) {
        self.sky.send_modify(|sky| sky.weather = Weather::Held);
    }

    /// Lets everything through later by so much, piece by piece, until [`Proxy::resume`].
    pub fn slow(&self, by: Duration) {
        self.sky.send_modify(|sky| sky.weather = Weather::Slow(by));
    }

    /// The other end of every connection is gone without a word, as a machine whose power was cut: what is written
    /// vanishes, nothing comes back, and nothing is ever closed from there. Who comes anew is let through.
    pub fn lose(&self) {
        self.sky.send_modify(|sky| sky.losses += 1);
    }

    /// All is well again; what was held goes on. What was lost stays lost.
    pub fn resume(&self) {
        self.sky.send_modify(|sky| sky.weather = Weather::Fair);
    }

    /// Waits until all is well.
    pub async fn fair(&self) {
        let mut sky = self.sky.subscribe();
        // The sender lives as long as the proxy.
        let _ = sky.wait_for(|sky| sky.weather == Weather::Fair).await;
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.count.borrow().open
    }

    /// Waits until there are `wanted` connections.
    pub async fn connected(&self, wanted: usize) {
        let mut count = self.count.clone();
        // The proxy's own task holds the sender.
        let _ = count.wait_for(|count| count.open == wanted).await;
    }

    /// Waits until so many were let in since the beginning: whoever comes back quickly is not missed.
    pub async fn let_in(&self, wanted: usize) {
        let mut count = self.count.clone();
        let _ = count.wait_for(|count| count.ever >= wanted).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.refuse();
    }
}

/// `host:port` of a URL.
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or(rest);
    rest.rsplit_once('@').map_or(rest, |(_, place)| place)
}

#[derive(Clone)]
struct Wire {
    upstream: String,
    sky: Arc<watch::Sender<Sky>>,
    count: Arc<watch::Sender<Count>>,
}

impl Wire {
    async fn listen(self, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            let sky = *self.sky.borrow();
            if sky.weather == Weather::Refused {
                reset(client);
                continue;
            }
            let wire = self.clone();
            tokio::spawn(async move {
                let mut watched = wire.sky.subscribe();
                wire.count.send_modify(|count| {
                    count.open += 1;
                    count.ever += 1;
                });
                tokio::select! {
                    () = wire.carry(client, sky.losses) => {}
                    // Dropping both ends closes them.
                    _ = watched.wait_for(|now| now.age != sky.age) => {}
                }
                wire.count.send_modify(|count| count.open -= 1);
            });
        }
    }

    async fn carry(&self, client: TcpStream, losses: u64) {
        self.until_let_through().await;
        let Ok(server) = TcpStream::connect(&self.upstream).await else {
            return reset(client);
        };
        for end in [&client, &server] {
            let _ = end.set_nodelay(true);
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // When one side is done, so is the other: no server here speaks on after its client has hung up.
        tokio::select! {
            () = self.pass(from_client, to_server, losses) => {}
            () = async {
                self.pass(from_server, to_client, losses).await;
                // Nobody hears that the other end of a lost connection has closed it.
                if self.is_lost(losses) {
                    std::future::pending::<()>().await;
                }
            } => {}
        }
    }

    async fn pass(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, losses: u64) {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            self.until_let_through().await;
            let Ok(read @ 1..) = from.read(&mut bytes).await else {
                return;
            };
            self.until_let_through().await;
            if self.is_lost(losses) {
                continue;
            }
            if to.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    }

    fn is_lost(&self, losses: u64) -> bool {
        self.sky.borrow().losses != losses
    }

    async fn until_let_through(&self) {
        let mut sky = self.sky.subscribe();
        // The proxy may be gone, and then so is this connection.
        let now = sky.wait_for(|sky| sky.weather != Weather::Held).await;
        let weather = now.map(|sky| sky.weather);
        if let Ok(Weather::Slow(by)) = weather {
            tokio::time::sleep(by).await;
        }
    }
}

/// Closes with a reset, as a host does where nobody listens.
fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says everything back.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn says_back(stream: &mut TcpStream) -> bool {
        let mut heard = [0; 5];
        stream.write_all(b"hello").await.is_ok()
            && stream.read_exact(&mut heard).await.is_ok()
            && &heard == b"hello"
    }

    #[tokio::test]
    async fn a_wire_is_cut_held_refused_and_mended() {
        let proxy = Proxy::before(&echo().await).await;
        let connect = || TcpStream::connect(proxy.address());
        let mut first = connect().await.unwrap();
        assert!(says_back(&mut first).await);
        proxy.connected(1).await;

        proxy.cut();
        assert!(!says_back(&mut first).await);
        proxy.connected(0).await;
        let mut second = connect().await.unwrap();
        assert!(says_back(&mut second).await, "newcomers get through a cut");

        proxy.hold();
        second.write_all(b"held!").await.unwrap();
        let mut third = connect().await.unwrap();
        third.write_all(b"later").await.unwrap();
        proxy.resume();
        let mut heard = [0; 5];
        second.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"held!");
        third.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"later");

        proxy.refuse();
        assert!(!says_back(&mut second).await);
        if let Ok(mut refused) = connect().await {
            assert!(!says_back(&mut refused).await);
        }
        proxy.resume();
        assert!(says_back(&mut connect().await.unwrap()).await);
    }

    #[tokio::test]
    async fn what_is_lost_stays_open_and_leads_nowhere() {
        let proxy = Proxy::before(&echo().await).await;
        let mut first = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says_back(&mut first).await);
        proxy.lose();
        first.write_all(b"hello").await.unwrap();
        let mut second = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(says_back(&mut second).await, "newcomers get through");
        let answer = tokio::time::timeout(Duration::from_millis(50), first.read_u8()).await;
        assert!(answer.is_err(), "neither an answer nor an end: {answer:?}");
        proxy.connected(2).await;
        drop(first);
        proxy.connected(1).await;
    }

    #[tokio::test]
    async fn a_slow_wire_is_late_and_whole() {
        let proxy = Proxy::before(&echo().await).await;
        let mut first = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.slow(Duration::from_millis(30));
        let began = std::time::Instant::now();
        assert!(says_back(&mut first).await);
        assert!(
            began.elapsed() >= Duration::from_millis(60),
            "there and back"
        );
        proxy.resume();
        assert!(says_back(&mut first).await);
    }

    #[test]
    fn a_url_is_turned_to_the_proxy() {
        assert_eq!(authority("redis://127.0.0.1:6379/0"), "127.0.0.1:6379");
        assert_eq!(authority("amqp://a:b@mq:5672/%2f?heartbeat=1"), "mq:5672");
    }
}
