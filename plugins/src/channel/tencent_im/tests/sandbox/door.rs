//! Where callbacks come in.

use std::sync::Arc;

use bridge_core::channel::{Ack, Channel, ChannelErrorKind, Delivery, Verb};
use bridge_core::clock::{Clock, SystemClock};
use bridge_core::message::Arrival;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::channel::tencent_im::TencentIm;
use crate::request::Request;

/// Takes callbacks as the bridge's server does; arrivals are handed on before the answer.
pub(super) async fn door(channel: Arc<TencentIm>) -> (String, mpsc::UnboundedReceiver<Arrival>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (hand_on, arrivals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, channel.clone(), hand_on.clone()));
        }
    });
    (base, arrivals)
}

async fn take(
    mut stream: TcpStream,
    channel: Arc<TencentIm>,
    hand_on: mpsc::UnboundedSender<Arrival>,
) {
    while let Some(delivery) = read(&mut stream).await {
        let (status, body) = match channel.decode(&delivery) {
            Ok(decoded) => {
                for arrival in decoded.arrivals {
                    let _ = hand_on.send(arrival); // the test may have ended
                }
                let Ack { body, .. } = decoded.ack;
                (200, body)
            }
            Err(error) if error.kind == ChannelErrorKind::Forged => (401, "".into()),
            Err(_) => (400, "".into()),
        };
        let head = format!(
            "HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Delivery> {
    let request = Request::read(stream).await?;
    let (path, query) = request.posted_to()?.split_once('?')?;
    assert_eq!(path, "/callback/desk");
    Some(Delivery {
        verb: Verb::Post,
        query: query.to_owned(),
        body: request.body.into(),
        received_at: SystemClock.now(),
    })
}
