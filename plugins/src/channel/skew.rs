//! How far this machine's clock is from a platform's: tokens, signatures and send windows go by time, and a clock that is
//! wrong makes errors that name everything but the clock.

use bridge_core::{
    channel::{Bilingual, Finding},
    clock::Clock,
};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Client, header::DATE};

/// What platforms and protocols bear, in seconds: signed callbacks of Tencent IM are the strictest.
const BEARABLE: i64 = 30;

/// What `kefu-bridge check` says of the clock; nothing where the platform is out of reach or tells no time.
pub(super) async fn finding(http: &Client, base: &str, clock: &dyn Clock) -> Option<Finding> {
    let before = clock.now();
    let answer = http.get(base).send().await.ok()?;
    let after = clock.now();
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let theirs = DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?
        .as_second();
    let ours = before.as_secs() + (after.as_secs() - before.as_secs()) / 2;
    Some(judged(ours - theirs))
}

fn judged(ahead: i64) -> Finding {
    let ok = ahead.abs() <= BEARABLE;
    let (zh, en) = match ahead {
        1.. => ("快", "ahead of"),
        _ => ("慢", "behind"),
    };
    let seconds = ahead.abs();
    Finding {
        ok,
        key: "api_base",
        what: match ok {
            true => Bilingual::new("系统时钟与平台一致", "the clock agrees with the platform's"),
            false => Bilingual::new(
                format!("系统时钟比平台{zh} {seconds} 秒"),
                format!("this machine's clock is {seconds} seconds {en} the platform's"),
            ),
        },
        mend: match ok {
            true => Bilingual::default(),
            false => Bilingual::new(
                "启用 NTP 校时（如 timedatectl set-ntp true）",
                "keep the clock by NTP (timedatectl set-ntp true)",
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bridge_core::clock::{SystemClock, TestClock};
    use bridge_sandbox::{Sandbox, Settings};

    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_wrong_is_found() {
        let sandbox = Sandbox::start(Settings::default()).unwrap();
        let http = crate::http::client().build().unwrap();
        let base = sandbox.wechat_base();
        let right = finding(&http, &base, &SystemClock).await.unwrap();
        assert!(right.ok, "{right:?}");
        let late = TestClock::new(SystemClock.now() - Duration::from_secs(600));
        let wrong = finding(&http, &base, &late).await.unwrap();
        assert!(!wrong.ok && wrong.what.en.contains("behind"), "{wrong:?}");
        assert!(wrong.mend.zh.contains("NTP"));
        let nobody = "http://127.0.0.1:9";
        assert_eq!(finding(&http, nobody, &SystemClock).await, None);
    }

    #[test]
    fn half_a_minute_is_borne() {
        assert!(judged(30).ok && judged(-30).ok);
        assert!(judged(31).what.zh.contains("快 31 秒"));
    }
}
