//! What only a disk of one's own shows: that nobody learns of anything before it is kept, and what a failing one does.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use bridge_core::{
    clock::{Clock, SystemClock},
    message::{Arrival, Author, BotName, Content, ExternalId, InboxName, PeerId, What, WorkerId},
    store::{Intake, Records, Store, StoreError},
};

use crate::{Options, Sqlite, keeper::Disk, unavailable};

/// Says that it was asked, and does as it is told then.
struct Told {
    log: File,
    asked: mpsc::Sender<()>,
    does: mpsc::Receiver<io::Result<()>>,
}

impl Disk for Told {
    fn force(&mut self) -> io::Result<()> {
        self.log.sync_data()?;
        let _ = self.asked.send(());
        self.does
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("nobody is there")))
    }
}

struct Play {
    store: Arc<Sqlite>,
    asked: mpsc::Receiver<()>,
    tell: mpsc::Sender<io::Result<()>>,
}

fn play(path: &Path) -> Play {
    let ((asks, asked), (tell, does)) = (mpsc::channel(), mpsc::channel());
    let disk = |log| Told {
        log,
        asked: asks,
        does,
    };
    let store = Sqlite::open_on(path, Arc::new(SystemClock), Options::default(), disk).unwrap();
    Play { store, asked, tell }
}

fn said(peer: &str, id: &str) -> Intake {
    let now = SystemClock.now();
    let arrival = Arrival {
        inbox: InboxName::new("mall"),
        external_id: ExternalId::new(id),
        peer: PeerId::new(peer),
        author: Author::Contact,
        what: What::Content(Content::text(id)),
        sent_at: now,
        received_at: now,
        decoded_at: None,
        profile: None,
        trigger: None,
    };
    Intake {
        arrivals: vec![arrival],
        cursor: None,
        entry: BotName::new("ai"),
    }
}

impl Play {
    fn accept(&self, peer: &str, id: &str) -> tokio::task::JoinHandle<Result<bool, StoreError>> {
        let (store, intake) = (self.store.clone(), said(peer, id));
        tokio::spawn(async move { Ok(store.accept(intake).await?[0].is_some()) })
    }

    /// Until the disk is asked to keep a group.
    async fn asked(&self) {
        while self.asked.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    }

    async fn claims(&self) -> Vec<String> {
        let mut claims = Vec::new();
        let worker = WorkerId::new("w");
        while let Some(claim) = self
            .store
            .claim(&worker, Duration::from_secs(60))
            .await
            .unwrap()
        {
            claims.push(claim.conversation.thread.peer.to_string());
        }
        claims
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_of_anything_before_the_disk_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let play = play(&folder.path().join("kefu.db"));
    let first = play.accept("a", "1");
    play.asked().await;
    let second = play.accept("b", "2");
    assert!(!first.is_finished(), "not answered");
    assert!(play.claims().await.is_empty(), "and nobody works on it");
    play.tell.send(Ok(())).unwrap();
    assert!(first.await.unwrap().unwrap());
    play.asked().await;
    assert!(!second.is_finished(), "the next group is another one");
    assert_eq!(play.claims().await, ["a"]);
    play.tell.send(Ok(())).unwrap();
    assert!(second.await.unwrap().unwrap());
    assert_eq!(play.claims().await, ["b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fails_half_way_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let play = play(&folder.path().join("kefu.db"));
    let first = play.accept("a", "1");
    play.asked().await;
    // While the disk is busy these gather in one group.
    let before = play.accept("a", "2");
    let store = play.store.clone();
    let broken = tokio::spawn(async move {
        let half = |tx: &mut crate::writer::Tx<'_>| {
            tx.run("INSERT INTO facts (key, value) VALUES ('half', 'way')", &[])?;
            Err::<(), _>(unavailable("on purpose"))
        };
        store.writer.statements(half).await
    });
    let same = play.accept("a", "1");
    let after = play.accept("c", "3");
    for _ in 0..8 {
        let _ = play.tell.send(Ok(()));
    }
    assert!(first.await.unwrap().unwrap());
    assert_eq!(broken.await.unwrap(), Err(unavailable("on purpose")));
    assert!(before.await.unwrap().unwrap());
    assert!(!same.await.unwrap().unwrap(), "known");
    assert!(after.await.unwrap().unwrap());
    assert_eq!(
        play.store.put_fact("half", "none").await,
        Ok("none".to_owned())
    );
    let mut claims = play.claims().await;
    claims.sort();
    assert_eq!(claims, ["a", "c"]);
    assert_eq!(play.store.depths().await.unwrap().arrivals, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_failed_once_is_trusted_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kefu.db");
    let play = play(&path);
    let first = play.accept("a", "1");
    play.tell.send(Err(io::Error::other("EIO"))).unwrap();
    assert!(matches!(
        first.await.unwrap(),
        Err(StoreError::Unavailable(_))
    ));
    assert!(play.claims().await.is_empty());
    play.tell.send(Ok(())).unwrap();
    assert!(
        play.accept("a", "2").await.unwrap().is_err(),
        "what the kernel dropped it says once"
    );
    assert!(play.store.ping().await.is_err(), "and it is not ready");
    drop(play);
    let store = Sqlite::open(&path, Arc::new(SystemClock), Options::default()).unwrap();
    let again = store.accept(said("a", "1")).await.unwrap();
    assert_eq!(
        again.len(),
        1,
        "a new start reads what is there, and goes on"
    );
}
