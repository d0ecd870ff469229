//! What may be done about a refusal. The service answers HTTP 200 and an `ErrorCode`; this table,
//! and nothing else, says what each code asks of us. (Tencent IM, 10.)

/// What a code asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Repeat it unchanged, `MsgSeq` and `MsgRandom` too, so that the service can tell a repeat.
    Retry,
    /// Issue a new UserSig and repeat once.
    Renew,
    /// An account is not there: import it and repeat once.
    Import,
    /// Too fast: wait, then repeat.
    Throttle,
    /// This request will never be taken.
    Permanent,
    /// Too long: the same in smaller pieces might be taken.
    Split,
    /// It is already as we want it.
    Done,
    /// Judged sensitive: the author should know.
    Sensitive,
    /// The configuration or the account with Tencent is at fault: somebody must act.
    Configuration,
}

/// What `code` asks of us; codes we have never heard of are taken as permanent.
pub fn classify(code: i64) -> Class {
    match code {
        60008 | 60013 | 60014 => Class::Retry,
        70169 | 70202 | 70500 => Class::Retry,
        20004 | 20005 | 20018 | 20028 => Class::Retry,
        90992 | 90994 | 90995 | 91000 => Class::Retry,
        10002 | 40006 | 30006 | 30007 | 50004 | 50005 | 80003 => Class::Retry,

        60004 | 60005 | 70001 | 70002 | 70003 | 70005 | 20002 => Class::Renew,

        20003 | 70107 | 90008 | 90012 | 90048 | 10012 | 10019 | 40003 | 50001 => Class::Import,

        60007 | 60011 | 60018 | 60019 | 70050 | 10006 | 10023 => Class::Throttle,

        80002 | 90055 | 93000 => Class::Split,
        10013 | 10025 | 20023 => Class::Done,
        80001 | 80004 => Class::Sensitive,

        60006 | 60012 | 60009 | 60010 | 60016 | 60017 | 60020 | 60021 => Class::Configuration,
        70009 | 70013 | 70014 | 70016 | 70020 | 70398 | 70403 => Class::Configuration,
        72000 | 72001 | 90009 | 90045 | 90047 => Class::Configuration,
        10003 | 10026 | 10036 | 10037 | 10058..=10060 => Class::Configuration,

        _ => Class::Permanent,
    }
}

/// What people should read about a code: Chinese, English. Only where there is more to say than
/// that it failed.
pub fn advice(code: i64) -> Option<(&'static str, &'static str)> {
    Some(match code {
        80001 => (
            "内容被腾讯云判定为敏感，未发送",
            "judged sensitive by Tencent Cloud; not sent",
        ),
        80004 => (
            "图片被腾讯云判定为敏感，未发送",
            "picture judged sensitive by Tencent Cloud; not sent",
        ),
        80002 | 90055 | 93000 => ("消息太长，请分段发送", "too long; please send it in parts"),
        20006 | 80003 | 120_001..=130_000 => {
            ("被发送前回调拦截", "stopped by the before-send callback")
        }
        20012 | 10017 => ("发送方已被禁言", "the sender is muted"),
        20022 => ("要撤回的消息不存在", "the message to recall does not exist"),
        20016 | 10031 => ("超过可撤回时间", "too late to recall"),
        _ => return configuration_advice(code),
    })
}

fn configuration_advice(code: i64) -> Option<(&'static str, &'static str)> {
    Some(match code {
        60006 | 60012 => ("SDKAppID 无效", "the SDKAppID is invalid"),
        60010 | 90009 | 70403 => (
            "admin 不是该应用的管理员账号",
            "`admin` is not an administrator of the app",
        ),
        60016 | 60017 => ("应用已被停用", "the app is disabled"),
        60020 => ("套餐已到期", "the plan has expired"),
        60021 => (
            "本机出口 IP 不在白名单",
            "this machine's address is not on the allow list",
        ),
        70001 => (
            "UserSig 已过期，请检查本机时钟",
            "the UserSig has expired: check this machine's clock",
        ),
        70003 | 70005 => ("UserSig 无效", "the UserSig is invalid"),
        70009 => (
            "密钥与应用不符（secret_key）",
            "the key does not fit the app (secret_key)",
        ),
        70013 | 70014 => (
            "UserSig 属于其他账号或应用",
            "the UserSig belongs to another user or app",
        ),
        70016 | 70020 => (
            "应用不存在，或 api_base 不是该应用所在地域",
            "no such app, or api_base is another region's",
        ),
        70398 => (
            "体验版最多 100 个账号",
            "the trial edition ends at 100 accounts",
        ),
        72000 => (
            "体验版日活额度已用完",
            "the trial edition's daily users are used up",
        ),
        72001 => (
            "控制台未开启在线状态功能",
            "online status is switched off in the console",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the protocol notes, section 10, line by line: codes and the class they stand in.
    const NOTES: &str = include_str!("../../../tests/fixtures/tencent_im/error_codes.txt");

    #[test]
    fn every_code_of_the_notes_is_in_its_class() {
        let mut lines = 0;
        for line in NOTES
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (class, codes) = line.split_once(' ').expect("class and codes");
            for code in codes.split_whitespace().flat_map(range) {
                let found = classify(code);
                let fits = match class {
                    "R" => found == Class::Retry,
                    "S" => found == Class::Renew,
                    "A" => found == Class::Import,
                    "T" => found == Class::Throttle,
                    "C" => found == Class::Configuration,
                    "X" => matches!(
                        found,
                        Class::Permanent | Class::Split | Class::Done | Class::Sensitive
                    ),
                    other => panic!("class {other}"),
                };
                assert!(fits, "{code} is {class} in the notes and {found:?} here");
            }
            lines += 1;
        }
        assert!(lines > 60, "the whole table is read: {lines}");
    }

    #[test]
    fn unknown_codes_are_permanent() {
        assert_eq!(classify(1), Class::Permanent);
        assert_eq!(classify(i64::MIN), Class::Permanent);
    }

    fn range(codes: &str) -> std::ops::RangeInclusive<i64> {
        let (from, to) = codes.split_once("..").unwrap_or((codes, codes));
        from.parse().expect("a code")..=to.parse().expect("a code")
    }
}
