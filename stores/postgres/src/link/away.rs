//! A database that gives no answer. Whoever asks first waits for as long as a call may take; from then on everybody is told
//! at once, and one alone tries the door, until somebody opens.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bridge_core::{backoff::Backoff, store::StoreError};
use deadpool_postgres::Object;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{Link, SILENT, chain};

/// A write that changes nothing: a server whose disk is stuck still answers what it has in memory.
pub(crate) const PING: &str = "INSERT INTO facts (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CASE facts.value WHEN '1' THEN '0' ELSE '1' END";

/// Pauses between knocks.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether it is held to be away.
pub(super) struct Away(Mutex<Seen>);

struct Seen {
    /// Why it is held to be away.
    why: Option<Arc<str>>,
    /// When it answered last.
    heard: Instant,
    /// Whether somebody knocks.
    knocking: bool,
}

impl Default for Away {
    fn default() -> Self {
        Self(Mutex::new(Seen {
            why: None,
            heard: Instant::now(),
            knocking: false,
        }))
    }
}

impl Away {
    /// Whether it is worth asking.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.0.lock().why {
            None => Ok(()),
            Some(why) => Err(StoreError::Unavailable(why.to_string())),
        }
    }

    /// It has answered somebody: then it is there for all, whoever has asked in vain meanwhile.
    pub(super) fn heard(&self) {
        let mut seen = self.0.lock();
        seen.heard = Instant::now();
        seen.why = None;
    }

    /// Notes it, unless somebody was answered after `asked`: then it is one wire that is dead. Whether that is news, and
    /// whether somebody has to knock.
    fn begin(&self, why: &str, asked: Instant) -> (bool, bool) {
        let mut seen = self.0.lock();
        if seen.heard >= asked {
            return (false, false);
        }
        let news = seen.why.replace(why.into()).is_none();
        (news, !std::mem::replace(&mut seen.knocking, true))
    }

    /// Whether there is still a reason to knock.
    fn lasts(&self) -> bool {
        let mut seen = self.0.lock();
        seen.knocking = seen.why.is_some();
        seen.knocking
    }
}

impl Link {
    /// Somebody has asked in vain: unless others were answered meanwhile, everybody is told so at once from now on. Nobody
    /// else gets a connection of before: where packets vanish, the next would wait on it as long.
    pub(super) fn goes_away(&self, why: &str, asked: Instant) {
        let (news, unattended) = self.away.begin(why, asked);
        if news {
            self.pool.retain(|_, _| false);
            tracing::warn!(
                why,
                "the database gives no answer; calls are refused at once until it does"
            );
        }
        if unattended {
            tokio::spawn(knock(self.me.clone()));
        }
    }

    /// Whether it answers and writes. What it refuses to do is an answer, too.
    async fn knocked(&self) -> Result<(), String> {
        let client = self.connection().await.map_err(|(why, _)| why)?;
        match timeout(self.call, client.simple_query(PING)).await {
            Ok(Err(error)) if error.code().is_none() => Err(chain(&error)),
            Ok(_) => Ok(()),
            Err(_) => {
                drop(Object::take(client));
                Err(SILENT.to_owned())
            }
        }
    }
}

/// Ends when it is opened, or when nobody asks any more.
async fn knock(link: Weak<Link>) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        tokio::time::sleep(backoff.pause()).await;
        let Some(link) = link.upgrade().filter(|link| !link.pool.is_closed()) else {
            return;
        };
        if !link.away.lasts() {
            return;
        }
        let asked = Instant::now();
        match link.knocked().await {
            Ok(()) => link.away.heard(),
            Err(why) => link.goes_away(&why, asked),
        }
        if !link.away.lasts() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dead_wire_is_not_the_database() {
        let away = Away::default();
        let asked = Instant::now();
        away.heard();
        assert_eq!(away.begin("one wire", asked), (false, false));
        assert!(away.check().is_ok(), "another was answered since");
    }

    #[test]
    fn who_is_answered_after_all_ends_it() {
        let away = Away::default();
        let later = || Instant::now() + Duration::from_secs(1);
        assert_eq!(away.begin("silent", later()), (true, true));
        assert!(away.check().is_err());
        assert_eq!(away.begin("silent", later()), (false, false), "one knocks");
        away.heard();
        assert!(away.check().is_ok(), "without a knock");
        assert_eq!(
            away.begin("again", later()),
            (true, false),
            "one knocks still"
        );
        away.heard();
        assert!(!away.lasts(), "who knocks goes");
        assert_eq!(away.begin("again", later()), (true, true));
    }
}
