//! How far this machine's clock is from the platform's: signatures, tokens and windows of hours hang on it.

use bridge_core::{
    channel::{Finding, Words},
    clock::Timestamp,
};

use super::Api;

/// More than this is worth mending; less is the way there and back.
const APART: i64 = 30;

impl Api {
    /// What `check` says of the clock; nothing where the platform does not tell the time.
    pub(in super::super) async fn clock_finding(&self, now: Timestamp) -> Option<Finding> {
        let answer = self.http.get(&self.base).send().await.ok()?;
        let told = answer.headers().get("date")?.to_str().ok()?;
        Some(finding(apart(told, now)?))
    }
}

/// Seconds by which this machine is ahead of an HTTP date.
fn apart(told: &str, now: Timestamp) -> Option<i64> {
    let there = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(told);
    Some(now.as_secs() - there.ok()?.as_second())
}

fn finding(apart: i64) -> Finding {
    let ok = apart.abs() <= APART;
    let (zh, en) = match apart {
        _ if ok => (
            "本机时间与平台一致".to_owned(),
            "this machine's clock agrees with the platform's".to_owned(),
        ),
        ahead @ 1.. => (
            format!("本机时间比平台快 {ahead} 秒"),
            format!("this machine's clock is {ahead} s ahead of the platform's"),
        ),
        behind => (
            format!("本机时间比平台慢 {} 秒", behind.abs()),
            format!(
                "this machine's clock is {} s behind the platform's",
                behind.abs()
            ),
        ),
    };
    let mend = match ok {
        true => Words::default(),
        false => Words::new(
            "启用时间同步，例如 timedatectl set-ntp true",
            "switch time synchronisation on, for example timedatectl set-ntp true",
        ),
    };
    Finding {
        ok,
        key: "api_base",
        what: Words::new(zh, en),
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_by_the_second_and_told_which_way() {
        let told = "Thu, 01 Jan 2026 00:00:00 GMT";
        let at = |seconds: i64| Timestamp::from_secs(1_767_225_600 + seconds);
        assert_eq!(apart(told, at(0)), Some(0));
        assert_eq!(apart("yesterday", at(0)), None);
        for (off, word) in [
            (0, None),
            (29, None),
            (31, Some("快 31")),
            (-90, Some("慢 90")),
        ] {
            let finding = finding(apart(told, at(off)).unwrap());
            assert_eq!(finding.ok, word.is_none());
            assert!(word.is_none_or(|word| finding.what.zh.contains(word)));
            assert_eq!(finding.mend.en.is_empty(), word.is_none());
        }
    }
}
