//! Where the queues begin. What is done stays at the front of a queue's index until the last snapshot that sees it is gone,
//! and a backup holds one for as long as it takes; who walks from the front passes all of it. So a node remembers before
//! which time nothing waits (`migrations/15-horizon.sql`), and begins there.

use std::{collections::BTreeMap, time::Duration};

use bridge_core::store::StoreError;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    Time,
    link::{Link, Values},
    steps::get,
};

/// How long what was found holds.
const HOLDS: Duration = Duration::from_secs(2);
/// How often it is looked for from the very beginning: should something have entered in the past after all.
const ANEW: u32 = 150;

/// What a node knows of the queues.
pub(crate) struct Horizon {
    known: Mutex<Known>,
    holds: Duration,
}

struct Known {
    looked: Option<Instant>,
    looks: u32,
    moment: i64,
    queues: Queues,
}

/// Where each queue begins: that of turns, and those of inboxes by their names.
#[derive(Clone)]
pub(crate) struct Queues {
    pub(crate) lanes: i64,
    inboxes: BTreeMap<String, i64>,
}

impl Queues {
    /// The inboxes in order, and where each begins: two columns.
    pub(crate) fn columns(&self) -> (Vec<&str>, Vec<i64>) {
        let all = self.inboxes.iter();
        all.map(|(inbox, from)| (inbox.as_str(), *from)).unzip()
    }

    /// All from the very beginning.
    fn forget(&mut self) {
        self.lanes = i64::MIN;
        self.inboxes.values_mut().for_each(|from| *from = i64::MIN);
    }
}

impl Horizon {
    pub(crate) fn new(time: Time) -> Self {
        let queues = Queues {
            lanes: i64::MIN,
            inboxes: BTreeMap::new(),
        };
        Self {
            known: Mutex::new(Known {
                looked: None,
                looks: 0,
                moment: i64::MIN,
                queues,
            }),
            // A clock that tests own moves as it likes.
            holds: match time {
                Time::Database => HOLDS,
                Time::Given => Duration::ZERO,
            },
        }
    }

    /// Where they begin, looked for now and then.
    pub(crate) async fn queues(&self, link: &Link, now: Option<i64>) -> Result<Queues, StoreError> {
        let before = {
            let mut known = self.known.lock();
            if known
                .looked
                .is_some_and(|looked| looked.elapsed() < self.holds)
            {
                return Ok(known.queues.clone());
            }
            // Others go on with what is known meanwhile.
            known.looked = Some(Instant::now());
            known.looks += 1;
            if known.looks.is_multiple_of(ANEW) {
                known.queues.forget();
            }
            known.queues.clone()
        };
        let (inboxes, froms) = before.columns();
        let sql = "SELECT moment, lanes, froms FROM kefu_horizon($1, $2, $3, $4)";
        let values: &Values<'_> = &[&now, &before.lanes, &inboxes, &froms];
        let Some(row) = link.first(sql, values).await? else {
            return Ok(before);
        };
        let (moment, lanes, froms): (i64, i64, Vec<i64>) =
            (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
        let mut known = self.known.lock();
        let set_back = moment < known.moment;
        known.moment = moment;
        if set_back {
            // A clock that was set back: what comes now is before what was.
            known.queues.forget();
        } else {
            known.queues.lanes = lanes;
            for (inbox, from) in inboxes.into_iter().zip(froms) {
                known.queues.inboxes.insert(inbox.to_owned(), from);
            }
        }
        Ok(known.queues.clone())
    }

    /// Something is sent by this inbox.
    pub(crate) fn met(&self, inbox: &str) {
        let mut known = self.known.lock();
        if !known.queues.inboxes.contains_key(inbox) {
            known.queues.inboxes.insert(inbox.to_owned(), i64::MIN);
        }
    }
}
