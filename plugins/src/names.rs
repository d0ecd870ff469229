//! Addresses of platforms, looked up once for all who ask. The system's own lookup holds a thread until it ends, however
//! long ago the caller has gone; where every send asked for itself, one platform whose name servers are silent would take
//! all threads from the others. What was found serves on while it is looked up again, and while that fails.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    task::AbortHandle,
    time::{Instant, timeout},
};

/// What was found is looked up again after this.
const FRESH: Duration = Duration::from_secs(30);
/// A lookup that has not ended by then never will.
const LONGEST: Duration = Duration::from_secs(60);

/// Every client's.
static NAMES: LazyLock<Arc<Names>> = LazyLock::new(|| {
    Names::by(FRESH, LONGEST, |host| {
        let look = async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) };
        look.boxed()
    })
});

type Addresses = Arc<[SocketAddr]>;
type Looking = Shared<BoxFuture<'static, Result<Addresses, Arc<str>>>>;
type Look = Box<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// For a client to resolve by.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = NAMES.find(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await.map_err(|why| why.to_string())?;
            let found: Vec<SocketAddr> = found.to_vec();
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// What is known; as many hosts as a configuration names.
struct Names {
    look: Look,
    fresh: Duration,
    longest: Duration,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Default)]
struct Known {
    found: Option<(Instant, Addresses)>,
    looking: Option<(Looking, AbortHandle)>,
}

impl Names {
    fn by(
        fresh: Duration,
        longest: Duration,
        look: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            look: Box::new(look),
            fresh,
            longest,
            known: Mutex::default(),
        })
    }

    /// A host's addresses: at once, where there were any.
    async fn find(self: &Arc<Self>, host: String) -> Result<Addresses, Arc<str>> {
        let looking = {
            let mut known = self.known.lock();
            let host_is = known.entry(host.clone()).or_default();
            if let Some((at, found)) = &host_is.found
                && at.elapsed() < self.fresh
            {
                return Ok(found.clone());
            }
            let under_way = host_is.looking.take();
            let under_way = under_way.filter(|(_, task)| !task.is_finished());
            let looking = under_way.unwrap_or_else(|| self.clone().look_up(host));
            host_is.looking = Some(looking.clone());
            match &host_is.found {
                Some((_, found)) => return Ok(found.clone()),
                None => looking.0,
            }
        };
        looking.await
    }

    /// Goes on when its callers have gone.
    fn look_up(self: Arc<Self>, host: String) -> (Looking, AbortHandle) {
        let task = tokio::spawn(async move {
            let found = match timeout(self.longest, (self.look)(host.clone())).await {
                Ok(Ok(found)) if !found.is_empty() => Ok(Addresses::from(found)),
                Ok(Ok(_)) => Err(Arc::from("it has no address")),
                Ok(Err(error)) => Err(Arc::from(error.to_string())),
                Err(_) => Err(Arc::from("its name servers do not answer")),
            };
            if let Ok(found) = &found
                && let Some(known) = self.known.lock().get_mut(&host)
            {
                known.found = Some((Instant::now(), found.clone()));
            }
            found
        });
        let handle = task.abort_handle();
        let broke_off = |_| Err(Arc::from("the lookup broke off"));
        let looking = async move { task.await.unwrap_or_else(broke_off) };
        (looking.boxed().shared(), handle)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use futures_util::future::join_all;

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    const ADDRESS: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    /// Names whose lookups end as often as given, the first ones, and then never; and how many there were.
    fn names(
        fresh: Duration,
        answers: Vec<io::Result<Vec<SocketAddr>>>,
    ) -> (Arc<Names>, Arc<AtomicUsize>) {
        let (answers, asked) = (
            Mutex::new(answers.into_iter()),
            Arc::new(AtomicUsize::new(0)),
        );
        let count = asked.clone();
        let names = Names::by(fresh, SHORT, move |_| {
            count.fetch_add(1, Relaxed);
            match answers.lock().next() {
                Some(answer) => std::future::ready(answer).boxed(),
                None => std::future::pending().boxed(),
            }
        });
        (names, asked)
    }

    #[tokio::test]
    async fn silent_name_servers_hold_one_lookup_whoever_asks() {
        let (names, asked) = names(FRESH, Vec::new());
        let all = join_all((0..500).map(|_| names.find("dead".to_owned())));
        let all = all.await;
        assert_eq!(asked.load(Relaxed), 1);
        assert!(all.into_iter().all(|one| one.is_err()));
    }

    #[tokio::test]
    async fn what_was_found_serves_on() {
        let broken = Err(io::Error::other("not now"));
        let (names, asked) = names(Duration::ZERO, vec![Ok(vec![ADDRESS]), broken]);
        let find = async || names.find("lame".to_owned()).await.unwrap()[0];
        while asked.load(Relaxed) < 3 {
            assert_eq!(find().await, ADDRESS);
            tokio::task::yield_now().await;
        }
        assert_eq!(find().await, ADDRESS, "the last lookup hangs");
    }

    #[tokio::test]
    async fn who_was_not_found_is_looked_up_again() {
        let (names, _) = names(FRESH, vec![Ok(Vec::new()), Ok(vec![ADDRESS])]);
        assert!(names.find("new".to_owned()).await.is_err());
        assert_eq!(names.find("new".to_owned()).await.unwrap()[0], ADDRESS);
    }
}
