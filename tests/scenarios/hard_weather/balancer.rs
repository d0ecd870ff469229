//! What stands before the nodes: takes connections in turn to those that are up.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpStream};

/// Nodes by number, those that are up.
pub type Up = Arc<RwLock<Vec<Option<SocketAddr>>>>;

/// Starts one; its URL.
pub async fn start(up: Up) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let turn = Arc::new(AtomicUsize::new(0));
        while let Ok((mut client, _)) = listener.accept().await {
            let (up, turn) = (up.clone(), turn.clone());
            tokio::spawn(async move {
                if let Some(mut node) = connect(&up, &turn).await {
                    let _ = client.set_nodelay(true);
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
                }
            });
        }
    });
    url
}

async fn connect(up: &Up, turn: &AtomicUsize) -> Option<TcpStream> {
    let nodes: Vec<SocketAddr> = up.read().iter().flatten().copied().collect();
    for _ in 0..nodes.len() {
        let node = nodes[turn.fetch_add(1, Relaxed) % nodes.len()];
        if let Ok(stream) = TcpStream::connect(node).await {
            let _ = stream.set_nodelay(true);
            return Some(stream);
        }
    }
    None
}
