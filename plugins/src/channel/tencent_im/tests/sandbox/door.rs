//! Where callbacks come in.

use std::sync::Arc;

use bridge_core::channel::{Ack, Channel, ChannelErrorKind, Delivery, Verb};
use bridge_core::clock::{Clock, SystemClock};
use bridge_core::message::Arrival;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::channel::tencent_im::TencentIm;

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
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let lower = head.to_lowercase();
    let length: usize = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let target = head.strip_prefix("POST ")?.split(' ').next()?;
    let (path, query) = target.split_once('?')?;
    assert_eq!(path, "/callback/desk");
    Some(Delivery {
        verb: Verb::Post,
        query: query.to_owned(),
        body: bytes.split_off(head_end + 4).into(),
        received_at: SystemClock.now(),
    })
}
