//! What a corp's apps may ask of one API, kept by all nodes together: 10,000 calls a minute and 150,000 an hour (WeCom: 5.2, doc
//! 90312). Who goes beyond is refused for the rest of the span, and makes it longer by asking; so calls wait here instead.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use bridge_core::{
    cache::Cache,
    channel::{ChannelError, ChannelErrorKind},
    clock::Clock,
    error::Remedy,
    plugin::Tools,
    rate::{Lane, Rate, RateLimiter},
};
use parking_lot::Mutex;

use super::Grant;

/// So many a second in the long run, and so many at once after a pause: one pace for both limits.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(40).expect("it is not 0");
const BURST: NonZeroU32 = NonZeroU32::new(2000).expect("it is not 0");
const _: () = assert!(
    BURST.get() + PER_SECOND.get() * 60 <= 10_000
        && BURST.get() + PER_SECOND.get() * 3600 <= 150_000
);

/// How long a call waits for its turn; after that it is tried again later.
const PATIENCE: Duration = Duration::from_secs(5);

/// The limits of one corp.
pub(super) struct Ceiling {
    corp_id: String,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    /// By the API's path, of which the program knows a dozen.
    apis: Mutex<BTreeMap<String, Arc<RateLimiter>>>,
}

impl Ceiling {
    /// Official accounts and mini programs have limits by the day, which they can be asked for, and none by the minute.
    pub(super) fn of(grant: &Grant, tools: &Tools) -> Option<Self> {
        let Grant::Corp { corp_id, .. } = grant else {
            return None;
        };
        Some(Self {
            corp_id: corp_id.clone(),
            cache: tools.cache.clone(),
            clock: tools.clock.clone(),
            apis: Mutex::default(),
        })
    }

    /// Returns when the API may be called.
    ///
    /// # Errors
    /// `Busy` where that is too far away: it waits its turn, and loses no try by that.
    pub(super) async fn turn(&self, path: &str) -> Result<(), ChannelError> {
        let turn = self.limiter(path).turn(Lane::Interactive).await;
        turn.map_err(|busy| {
            let remedy = Remedy::Retry { after: busy.again };
            ChannelError::new(
                ChannelErrorKind::Busy,
                remedy,
                format!("not called: {busy}"),
            )
        })
    }

    fn limiter(&self, path: &str) -> Arc<RateLimiter> {
        let mut apis = self.apis.lock();
        if let Some(known) = apis.get(path) {
            return known.clone();
        }
        let rate = Rate {
            per_second: PER_SECOND,
            burst: BURST,
            patience: PATIENCE,
            bulk_patience: PATIENCE,
        };
        let key = format!("wecom:{}:{path}", self.corp_id);
        let (cache, clock) = (self.cache.clone(), self.clock.clone());
        let limiter = Arc::new(RateLimiter::new(&key, rate, cache, clock));
        apis.insert(path.to_owned(), limiter.clone());
        limiter
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::{clock::TestClock, secret::Secret, testkit::tools_at};
    use futures_util::FutureExt;

    use super::*;

    fn corp(name: &str) -> Grant {
        Grant::Corp {
            corp_id: name.to_owned(),
            secret: Secret::new("s"),
        }
    }

    /// How many calls pass without waiting.
    fn pass(nodes: &[Ceiling], path: &str) -> u32 {
        let mut turns = nodes.iter().cycle();
        let mut passed = 0;
        while turns
            .next()
            .is_some_and(|node| node.turn(path).now_or_never() == Some(Ok(())))
        {
            passed += 1;
        }
        passed
    }

    #[tokio::test]
    async fn nodes_keep_a_corp_s_limit_together_for_each_api() {
        let clock = Arc::new(TestClock::default());
        let tools = tools_at(clock.clone());
        let nodes = [(); 2].map(|()| Ceiling::of(&corp("ww1"), &tools).unwrap());
        assert_eq!(pass(&nodes, "/cgi-bin/kf/send_msg"), 2000);
        assert_eq!(pass(&nodes, "/cgi-bin/kf/sync_msg"), 2000, "another API");
        let other = [Ceiling::of(&corp("ww2"), &tools).unwrap()];
        assert_eq!(pass(&other, "/cgi-bin/kf/send_msg"), 2000, "another corp");
        // One turn was promised to who asked in vain above; a second gives forty.
        clock.advance(Duration::from_secs(1));
        assert_eq!(pass(&nodes, "/cgi-bin/kf/send_msg"), 39);
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_when_to_come_again() {
        let tools = tools_at(Arc::new(TestClock::default()));
        let ceiling = Ceiling::of(&corp("ww1"), &tools).unwrap();
        let refused = loop {
            if let Some(Err(refused)) = ceiling.turn("/cgi-bin/message/send").now_or_never() {
                break refused;
            }
        };
        assert_eq!(refused.kind, ChannelErrorKind::Busy);
        assert!(matches!(refused.remedy, Remedy::Retry { after } if !after.is_zero()));
    }

    #[test]
    fn others_have_none() {
        let grant = Grant::Stable {
            app_id: "wx1".to_owned(),
            app_secret: Secret::new("s"),
        };
        assert!(Ceiling::of(&grant, &bridge_core::testkit::tools()).is_none());
    }
}
