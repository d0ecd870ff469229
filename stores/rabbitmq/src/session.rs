//! One connection from its beginning to its end. One message is on its way at a time, and what is published meanwhile
//! leaves together with the next: under load there are fewer and larger messages, and nobody waits for a confirm but
//! this task. A confirm that does not come means that the connection is no good; and so does a [`Pulse`] that does not come
//! back, for then it leads nowhere.

use std::{pin::Pin, sync::atomic::Ordering::Relaxed, time::Duration};

use bridge_core::{broker::Notice, health::Health};
use futures_util::{Stream, StreamExt};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, Event,
    ExchangeKind,
    message::Delivery,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};
use metrics::{counter, gauge};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{HEARTBEAT, Shared, wire};

/// The longest connecting and declaring may take where the URL does not say, and a confirm.
const CONNECT: Duration = Duration::from_secs(10);
const CONFIRM: Duration = Duration::from_secs(5);
/// What a node that does not read is spared, so that the broker is: older notices go first.
const QUEUED: i32 = 10_000;
/// How long a notice is worth anything, in milliseconds: polling has found by then what it told.
const FRESH: i32 = 60_000;

/// Connects, carries notices both ways, and says why it ended.
pub(crate) async fn run(shared: &Shared) -> String {
    let patience = shared.patience();
    if shared.hung.load(Relaxed) && timeout(patience, knock(&shared.uri)).await.is_err() {
        return format!("nobody answers within {patience:?}");
    }
    let opened = timeout(patience, Session::open(shared)).await;
    shared.hung.store(opened.is_err(), Relaxed);
    let Ok(opened) = opened else {
        return format!("no connection within {patience:?}");
    };
    match opened {
        Ok(session) => {
            shared.up();
            session.carry().await
        }
        Err(error) => error.to_string(),
    }
}

/// Returns once somebody answers there, whatever it is: the protocol's next step, a refusal, an end. The library goes on by
/// itself with an attempt to connect that nobody waits for any more, in a thread and with a socket, for as long as the other
/// side is silent; so where one was, it is asked only when there is somebody again.
async fn knock(uri: &AMQPUri) {
    let place = (uri.authority.host.as_str(), uri.authority.port);
    if let Ok(mut stream) = TcpStream::connect(place).await
        && stream.write_all(b"AMQP\0\0\x09\x01").await.is_ok()
    {
        let _ = stream.read(&mut [0]).await;
    }
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

struct Session<'a> {
    shared: &'a Shared,
    channel: Channel,
    consumer: Consumer,
    /// Dropping it closes it.
    connection: Connection,
}

impl<'a> Session<'a> {
    async fn open(shared: &'a Shared) -> lapin::Result<Self> {
        let name = format!("kefu-bridge {}", &shared.node[..8]);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = Connection::connect_uri(shared.uri.clone(), properties).await?;
        let channel = connection.create_channel().await?;
        let exchange = ExchangeDeclareOptions {
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(
                shared.exchange.as_str().into(),
                ExchangeKind::Fanout,
                exchange,
                FieldTable::default(),
            )
            .await?;
        let consumer = consume(shared, &channel).await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(Self {
            shared,
            channel,
            consumer,
            connection,
        })
    }

    async fn carry(self) -> String {
        let Self {
            shared,
            channel,
            mut consumer,
            connection,
        } = self;
        let mut events = Box::pin(connection.events_listener());
        let mut sending: Option<Sending<'_>> = None;
        let (mut pulse, mut beats) = (Pulse::default(), interval(shared.pulse()));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The broker is short of memory or disk: it reads nothing more, and writes on.
        let mut blocked = false;
        loop {
            tokio::select! {
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => if hear(shared, &delivery) { pulse.back() },
                    Some(Err(error)) => return error.to_string(),
                    None => return "the queue was closed".to_owned(),
                },
                sent = finished(&mut sending), if !blocked => match sent {
                    Ok(()) => {
                        sending = None;
                        shared.outbox.left();
                    }
                    Err(why) => return why,
                },
                () = shared.outbox.filled(), if sending.is_none() && !blocked => {
                    sending = Some(Box::pin(publish(shared, &channel, shared.outbox.take())));
                }
                _ = beats.tick(), if sending.is_none() && !blocked => {
                    if !pulse.beat() {
                        return "it leads nowhere: what is said does not come back".to_owned();
                    }
                    sending = Some(Box::pin(publish(shared, &channel, Vec::new())));
                }
                event = next_event(&mut events) => match event {
                    Event::ConnectionBlocked(reason) => {
                        blocked = true;
                        shared.blocked(&reason);
                    }
                    Event::ConnectionUnblocked if blocked => {
                        // What was on its way has waited too long for its confirm to be judged.
                        (blocked, sending, pulse) = (false, None, Pulse::default());
                        shared.outbox.left();
                        shared.up();
                    }
                    Event::Error(error) => return error.to_string(),
                    _ => {}
                },
            }
        }
    }
}

/// Whether what this node says comes back to it, as everything that is said does: an exchange that somebody deleted, or a
/// broker that was torn apart, leaves a queue behind that is there and hears nothing.
#[derive(Default)]
struct Pulse {
    waits: bool,
}

impl Pulse {
    /// Something of one's own has come back.
    fn back(&mut self) {
        self.waits = false;
    }

    /// Time for the next; whether the last came back.
    fn beat(&mut self) -> bool {
        !std::mem::replace(&mut self.waits, true)
    }
}

/// A queue of this node's own, bound and listened to.
async fn consume(shared: &Shared, channel: &Channel) -> lapin::Result<Consumer> {
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let mut bounds = FieldTable::default();
    bounds.insert("x-max-length".into(), AMQPValue::LongInt(QUEUED));
    bounds.insert("x-message-ttl".into(), AMQPValue::LongInt(FRESH));
    let queue = channel.queue_declare("".into(), options, bounds).await?;
    channel
        .queue_bind(
            queue.name().clone(),
            shared.exchange.as_str().into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    let unacknowledged = BasicConsumeOptions {
        no_ack: true,
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    channel
        .basic_consume(
            queue.name().clone(),
            "".into(),
            unacknowledged,
            FieldTable::default(),
        )
        .await
}

async fn publish(shared: &Shared, channel: &Channel, notices: Vec<Notice>) -> Result<(), String> {
    let body = wire::encode(&notices);
    let properties = BasicProperties::default().with_app_id(shared.node.as_str().into());
    let sent = async {
        let options = BasicPublishOptions::default();
        let exchange = shared.exchange.as_str().into();
        let confirm = channel.basic_publish(exchange, "".into(), options, &body, properties);
        confirm.await?.await
    };
    match timeout(CONFIRM, sent).await {
        Ok(Ok(Confirmation::Nack(_))) => {
            counter!("kefu_notices_refused_total").increment(1);
            tracing::debug!(broker = shared.place, "the broker refused notices");
            Ok(())
        }
        Ok(Ok(_)) => {
            counter!("kefu_notices_told_total").increment(notices.len() as u64);
            Ok(())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no confirm within {CONFIRM:?}")),
    }
}

/// Tells this node what another said; whether it was this one itself.
fn hear(shared: &Shared, delivery: &Delivery) -> bool {
    let from = delivery.properties.app_id().as_ref();
    let own = from.is_some_and(|node| node.as_str() == shared.node);
    if !own {
        for notice in wire::decode(&delivery.data) {
            shared.hear(notice);
        }
    }
    own
}

/// How what is being sent ends; never, where nothing is.
async fn finished(sending: &mut Option<Sending<'_>>) -> Result<(), String> {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

async fn next_event(events: &mut (impl Stream<Item = Event> + Unpin)) -> Event {
    match events.next().await {
        Some(event) => event,
        None => std::future::pending().await,
    }
}

impl Shared {
    /// How long connecting may take.
    fn patience(&self) -> Duration {
        let told = self.uri.query.connection_timeout;
        told.map_or(CONNECT, Duration::from_millis)
    }

    /// As often as the wire itself is tried.
    fn pulse(&self) -> Duration {
        let seconds = self.uri.query.heartbeat.filter(|seconds| *seconds > 0);
        Duration::from_secs(seconds.unwrap_or(HEARTBEAT).into())
    }

    fn blocked(&self, reason: &str) {
        let detail = format!("{}: the broker takes nothing: {reason}", self.place);
        let before = self.health.send_replace(Health::down(detail));
        if before.up {
            // From now on something may be missed: nobody can tell.
            self.hear(Notice::All);
        }
        gauge!("kefu_broker_up").set(0.0);
        tracing::warn!(
            broker = self.place,
            reason,
            "the broker takes nothing for now"
        );
    }
}
