//! What each error code asks for (WeChat: 5). The columns are data; the channel acts on them.

use std::time::Duration;

use crate::errcode::Action;

/// What an error code asks for.
pub fn action(code: i64) -> Action {
    use Action::{Drop, Hold, Refresh, Retry, Reupload, Slow};
    match code {
        40001 | 40014 | 42001 => Refresh,
        -1 => Retry(Duration::from_secs(1)),
        43108 => Retry(Duration::from_secs(2)),
        45011 => Slow(Duration::from_secs(60)),
        45047 => Hold,
        40007 => Reupload,
        code => recipient(code)
            .or_else(|| message(code))
            .or_else(|| set_up(code))
            .unwrap_or(Drop(
                "平台拒绝了这条消息",
                "the platform refused this message",
            )),
    }
}

/// It is about whom it goes to.
fn recipient(code: i64) -> Option<Action> {
    use Action::Drop;
    Some(match code {
        45015 => Drop(
            "客户超过 48 小时未发言或已取消关注，平台不允许下发消息",
            "the contact has not written for 48 hours or no longer follows; the platform refuses messages",
        ),
        40003 | 43104 => Drop(
            "客户的 openid 不属于这个账号",
            "the openid does not belong to this account",
        ),
        43004 => Drop(
            "客户未关注公众号",
            "the contact does not follow the account",
        ),
        43019 => Drop(
            "客户在账号的黑名单中",
            "the contact is on the account's blacklist",
        ),
        43101 => Drop(
            "客户没有同意接收这类通知，或授权次数已用完",
            "the contact has not agreed to such notices, or has no consent left",
        ),
        46004 => Drop("该用户不存在", "there is no such user"),
        48002 => Drop(
            "客户关闭了消息接收",
            "the contact has switched messages off",
        ),
        40226 | 50001 | 50002 | 50005 => Drop(
            "客户账号受限或未关注",
            "the contact's account is restricted or does not follow",
        ),
        40029 | 40163 | 42002 | 42003 | 42007 | 87009 | 61010 => Drop(
            "客户的登录状态已失效，需要重新进入",
            "the contact's login is no longer good; they must come in again",
        ),
        _ => return None,
    })
}

/// It is about what was said.
fn message(code: i64) -> Option<Action> {
    use Action::{Drop, Reword};
    Some(match code {
        45001 | 40006 | 40009 | 40010 | 40011 | 40012 => Drop(
            "文件太大，平台拒绝接收",
            "the file is too large for the platform",
        ),
        40004 | 40005 => Drop(
            "平台不支持这种文件类型",
            "the platform does not take this type of file",
        ),
        45002 => Drop(
            "内容超出平台长度限制",
            "it is longer than the platform allows",
        ),
        45008 => Drop("图文消息超过 1 条", "more than one article in a message"),
        40039 | 40066 => Drop(
            "链接无效或太长，平台拒绝接收",
            "the platform refuses the link: wrong or too long",
        ),
        40008 | 40200 | 48008 => Reword(
            "该账号不能发送这种类型的消息",
            "this account may not send this type of message",
        ),
        45162 => Drop(
            "这种消息不能主动下发",
            "this type of message cannot be sent unasked",
        ),
        45168 | 87014 => Drop(
            "内容被平台判定为违规或含敏感词",
            "the platform judges the content unfit",
        ),
        47003 => Drop(
            "模板的某个字段不符合平台规则",
            "a field of the template breaks the platform's rules",
        ),
        40033 | 40035 | 40097 | 40129 | 41005 | 43001..=43003 | 44002 | 44004 | 47001 => Drop(
            "消息格式被平台拒绝",
            "the platform refuses the message's form",
        ),
        _ => return None,
    })
}

/// It is about how the account is set up: the operator must act.
fn set_up(code: i64) -> Option<Action> {
    use Action::{Alarm, Fault};
    Some(match code {
        40164 => Alarm(
            "服务器 IP 不在公众号的 IP 白名单中",
            "this server's IP address is not on the account's allow-list",
        ),
        45035 | 61004 => Alarm(
            "服务器 IP 没有在平台登记",
            "this server's IP address is not registered with the platform",
        ),
        89501 | 89503 | 89506 | 89507 => Alarm(
            "调用 IP 需要管理员确认",
            "the calling IP address must be confirmed by the administrator",
        ),
        40013 | 41002 => Alarm("AppID 不正确", "the app id is wrong"),
        40125 | 41004 => Alarm("AppSecret 不正确", "the app secret is wrong"),
        40243 => Alarm("AppSecret 已被冻结", "the app secret is frozen"),
        40002 | 41001 => Alarm(
            "平台拒绝了获取 access_token 的方式",
            "the platform refuses how the access token is used",
        ),
        45009 => Alarm(
            "接口当日的调用次数已用完",
            "the day's calls of this API are used up",
        ),
        48001 => Alarm(
            "公众号没有客服消息接口权限（需要认证）",
            "the account has no right to the customer-message API (it must be verified)",
        ),
        48004 | 43107 => Alarm("接口因违规被封禁", "the API is banned for violations"),
        61007 => Alarm(
            "第三方平台没有获得该接口的授权",
            "the third-party platform was not granted this API",
        ),
        61451..=61457 | 65400..=65414 => Fault(
            "公众号的客服账号或客服会话不可用",
            "the account's service accounts or sessions cannot be used",
        ),
        40037 => Fault(
            "消息模板不存在或已被删除",
            "the message template does not exist any more",
        ),
        41030 => Fault(
            "小程序页面不存在或未发布",
            "the mini program's page does not exist or is not published",
        ),
        _ => return None,
    })
}

/// What an error code asks for where the account is a mini program. What can wait for the contact waits: opening the chat
/// lets it go, and a nudge may bring them.
pub fn mini_action(code: i64) -> Action {
    use Action::{Alarm, Drop, Hold, Reword};
    match code {
        45015 => Hold,
        // Of a subscription message: the allowance it needs is the contact's grant.
        43101 => Hold,
        40037 => Alarm(
            "订阅消息模板不存在或已删除",
            "the subscription template does not exist any more",
        ),
        43107 => Alarm(
            "小程序的订阅消息能力被封禁",
            "the mini program may not send subscription messages any more",
        ),
        45168 => Drop(
            "订阅消息含有敏感词",
            "the subscription message holds a sensitive word",
        ),
        47003 => Drop(
            "订阅消息的字段与模板不符",
            "a field of the subscription message breaks the template's rules",
        ),
        41030 => Drop(
            "小程序页面不存在或未发布",
            "the mini program has no such published page",
        ),
        40003 => Drop(
            "客户的 openid 不属于这个小程序",
            "the openid does not belong to this mini program",
        ),
        40008 | 48008 => Reword(
            "小程序客服不能发送这种类型的消息",
            "a mini program may not send this type of message",
        ),
        48001 => Alarm(
            "小程序没有客服消息接口权限（请在后台开通客服功能）",
            "the mini program has no right to this API (switch customer service on in its console)",
        ),
        _ => action(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The notes' table, a row a line.
    const ERRCODES: &str = include_str!("../../../tests/fixtures/wechat/errcodes.txt");

    #[test]
    fn every_row_of_the_error_table() {
        let name = |action| match action {
            Action::Refresh => "refresh",
            Action::Retry(_) => "retry",
            Action::Slow(_) => "slow",
            Action::Hold => "hold",
            Action::Drop(..) => "drop",
            Action::Fault(..) => "fault",
            Action::Reword(..) => "reword",
            Action::Alarm(..) => "alarm",
            Action::Reupload => "reupload",
        };
        let mut rows = 0;
        for row in ERRCODES.lines().filter(|line| !line.starts_with('#')) {
            let mut words = row.split_whitespace();
            let wanted = words.next().unwrap();
            for code in words {
                let action = action(code.parse().unwrap());
                assert_eq!(name(action), wanted, "{code}");
            }
            rows += 1;
        }
        assert_eq!(rows, 61);
    }
}
