//! Code that is not the engine's own, such as a guard's or a channel's: where it panics or never answers, that is the
//! misfortune of what it was asked for, and of nothing else.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mishap {
    /// It broke.
    #[error("it panicked")]
    Panicked,
    /// It took too long.
    #[error("no answer within {0:?}")]
    Late(Duration),
}

/// What comes of `work` within that time. What is dropped unfinished is not used again: nothing is half done that anybody
/// would see.
pub(crate) async fn contained<T>(
    work: impl Future<Output = T>,
    within: Duration,
) -> Result<T, Mishap> {
    let work = AssertUnwindSafe(work).catch_unwind();
    match tokio::time::timeout(within, work).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Mishap::Panicked),
        Err(_) => Err(Mishap::Late(within)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mishap_is_an_answer() {
        let second = Duration::from_secs(1);
        assert_eq!(contained(async { 7 }, second).await, Ok(7));
        let broken = contained(async { panic!("on purpose") }, second);
        assert_eq!(broken.await, Err::<(), _>(Mishap::Panicked));
        let never = contained(std::future::pending::<()>(), Duration::ZERO);
        assert_eq!(never.await, Err(Mishap::Late(Duration::ZERO)));
    }
}
