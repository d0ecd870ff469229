//! A RabbitMQ that answers, and will not do what it is asked, or has had taken away what it was given.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has found something"
)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bridge_broker_rabbitmq::Rabbit;
use bridge_core::{
    broker::{Broker, Notice},
    message::ConversationId,
};
use bridge_testkit::{
    broker::heard_until,
    proxy::authority,
    servers::{Own, rabbitmq, unique},
};
use lapin::{
    Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{ExchangeDeclareOptions, ExchangeDeleteOptions},
    types::FieldTable,
};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::watch, time::timeout};

/// Long enough for a busy test machine.
const LONG: Duration = Duration::from_secs(60);

fn changed(number: i64) -> Notice {
    Notice::Changed(ConversationId(number))
}

/// Waits until it is connected.
async fn is_up(node: &Rabbit) {
    let mut health = node.watch();
    let changes = health.wait_for(|health| health.up);
    timeout(LONG, changes).await.unwrap().unwrap();
}

/// Waits until it is not, and says why.
async fn says(node: &Rabbit, why: &str) {
    let mut health = node.watch();
    let said = timeout(
        LONG,
        health.wait_for(|health| !health.up && health.detail.contains(why)),
    );
    assert!(said.await.is_ok(), "{why}: {:?}", node.health());
}

/// Two nodes that notice quickly.
async fn pair(url: &str, exchange: &str) -> [Arc<Rabbit>; 2] {
    let url = format!("{url}?heartbeat=1");
    let nodes = [(); 2].map(|()| Rabbit::connect(&url, exchange).unwrap());
    for node in &nodes {
        is_up(node).await;
    }
    nodes
}

/// Somebody else at the same RabbitMQ.
async fn somebody(url: &str) -> (Connection, Channel) {
    let properties = ConnectionProperties::default();
    let connection = Connection::connect(url, properties).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Who says nothing notices by nothing else: its queue is there, and nothing leads to it any more.
#[tokio::test]
async fn who_is_cut_off_without_a_word_finds_out() {
    let (url, exchange) = (rabbitmq(), unique("deaf"));
    let [quiet, other] = pair(&url, &exchange).await;
    let mut ear = quiet.subscribe().unwrap();
    let (_connection, channel) = somebody(&url).await;
    other.publish(changed(1));
    heard_until(&mut ear, changed(1)).await;
    let delete = ExchangeDeleteOptions::default();
    channel
        .exchange_delete(exchange.as_str().into(), delete)
        .await
        .unwrap();
    // It may have missed anything, and is told so; then it hears again.
    heard_until(&mut ear, Notice::All).await;
    is_up(&other).await;
    let again = async {
        for number in 2.. {
            other.publish(changed(number));
            if let Ok(Ok(Notice::Changed(_))) =
                timeout(Duration::from_millis(100), ear.recv()).await
            {
                return;
            }
        }
    };
    timeout(LONG, again).await.unwrap();
}

#[tokio::test]
async fn an_exchange_of_another_kind_is_said_until_it_is_gone() {
    let (url, exchange) = (rabbitmq(), unique("direct"));
    let (_connection, channel) = somebody(&url).await;
    channel
        .exchange_declare(
            exchange.as_str().into(),
            ExchangeKind::Direct,
            ExchangeDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let node = Rabbit::connect(&url, &exchange).unwrap();
    says(&node, "PRECONDITION_FAILED").await;
    node.publish(changed(1)); // nobody is told, and nobody waits
    let delete = ExchangeDeleteOptions::default();
    channel
        .exchange_delete(exchange.as_str().into(), delete)
        .await
        .unwrap();
    is_up(&node).await;
}

/// Takes connections and never says anything: how many there ever were, and how many there are.
async fn silence() -> (SocketAddr, watch::Receiver<(usize, usize)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let (counter, count) = watch::channel((0, 0));
    let counter = Arc::new(counter);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.send_modify(|(ever, open)| (*ever, *open) = (*ever + 1, *open + 1));
            let counter = counter.clone();
            tokio::spawn(async move {
                while let Ok(1..) = stream.read(&mut [0; 64]).await {}
                counter.send_modify(|(_, open)| *open -= 1);
            });
        }
    });
    (place, count)
}

/// A broker that was frozen for a night must not have used up the node's sockets and threads by the morning.
#[tokio::test]
async fn trying_in_vain_uses_nothing_up() {
    let (place, mut count) = silence().await;
    let url = format!("amqp://guest:guest@{place}/%2f?connection_timeout=20");
    let _node = Rabbit::connect(&url, &unique("vain")).unwrap();
    let tried = timeout(LONG, count.wait_for(|(ever, _)| *ever >= 8));
    let (_, open) = *tried.await.unwrap().unwrap();
    assert!(open <= 3, "{open} are left of eight attempts");
}

/// All that an operator does to it, on one server of the test's own.
#[tokio::test]
async fn whatever_an_operator_does_it_is_said_and_got_over() {
    let server = Own::start(&["rabbitmq"]).await;
    let url = server.url("rabbitmq").unwrap();
    let [one, other] = pair(&url, "kefu").await;
    let mut ear = other.subscribe().unwrap();

    // No memory: it takes nothing, and publishing costs nothing meanwhile.
    server
        .rabbitmqctl("set_vm_memory_high_watermark absolute 1")
        .await;
    one.publish(changed(1));
    says(&one, "takes nothing").await;
    (0..100_000).for_each(|number| one.publish(changed(number)));
    server
        .rabbitmqctl("set_vm_memory_high_watermark absolute 512MB")
        .await;
    is_up(&one).await;
    is_up(&other).await;
    heard_until(&mut ear, Notice::All).await;
    one.publish(changed(-1));
    heard_until(&mut ear, changed(-1)).await;

    // Its queue is deleted, its connection is closed: both look at everything.
    for what in ["delete_queues", "close_all_connections test"] {
        match what {
            "delete_queues" => {
                let queues = server
                    .rabbitmqctl("-q --no-table-headers list_queues name")
                    .await;
                assert_eq!(queues.lines().count(), 2, "{queues}");
                for queue in queues.lines() {
                    server.rabbitmqctl(&format!("delete_queue {queue}")).await;
                }
            }
            closing => drop(server.rabbitmqctl(closing).await),
        }
        heard_until(&mut ear, Notice::All).await;
        is_up(&one).await;
        is_up(&other).await;
    }
    // Nothing is left of those that were before, once the last has found out.
    let queues = async || {
        let list = "-q --no-table-headers list_queues name";
        server.rabbitmqctl(list).await.lines().count()
    };
    let two = async { while queues().await != 2 {} };
    timeout(LONG, two).await.unwrap();

    // A user who may nothing yet, at a virtual host that is not there yet; its password wants escaping.
    server.rabbitmqctl("add_user kefu p@ss/w:rd#%?").await;
    let authority = authority(&url);
    let theirs = format!("amqp://kefu:p%40ss%2Fw%3Ard%23%25%3F@{authority}/desk%2Fone");
    let kefu = Rabbit::connect(&theirs, "kefu").unwrap();
    says(&kefu, "NOT_ALLOWED").await;
    server.rabbitmqctl("add_vhost desk/one").await;
    server
        .rabbitmqctl("set_permissions -p desk/one kefu ^$ ^$ ^$")
        .await;
    says(&kefu, "ACCESS_REFUSED").await;
    let own = "^(kefu|amq\\.gen.*)$";
    let all = format!("set_permissions -p desk/one kefu {own} {own} {own}");
    server.rabbitmqctl(&all).await;
    is_up(&kefu).await;
    assert!(
        !kefu.health().detail.contains("p%40ss"),
        "{:?}",
        kefu.health()
    );
}
