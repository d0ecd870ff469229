//! What each error code asks for (WeChat: 5). The columns are data; the channel acts on them.

use std::time::Duration;

use crate::errcode::Action;

/// What an error code asks for.
pub fn action(code: i64) -> Action {
    use Action::{Alarm, Drop, Hold, Refresh, Retry, Reupload};
    match code {
        40001 | 40014 | 42001 => Refresh,
        -1 => Retry(Duration::from_secs(1)),
        43108 => Retry(Duration::from_secs(2)),
        45011 => Retry(Duration::from_secs(60)),
        45009 => Retry(Duration::from_secs(300)),
        45047 => Hold,
        40007 => Reupload,
        45015 => Drop(
            "客户超过 48 小时未发言或已取消关注，平台不允许下发消息",
            "the contact has not written for 48 hours or no longer follows; the platform refuses messages",
        ),
        40003 => Drop(
            "客户的 openid 不属于这个公众号",
            "the openid does not belong to this account",
        ),
        43004 => Drop(
            "客户未关注公众号",
            "the contact does not follow the account",
        ),
        43019 => Drop(
            "客户在公众号的黑名单中",
            "the contact is on the account's blacklist",
        ),
        46004 => Drop("该用户不存在", "there is no such user"),
        48002 => Drop(
            "客户关闭了消息接收",
            "the contact has switched messages off",
        ),
        50001 | 50002 | 50005 => Drop(
            "客户账号受限或未关注",
            "the contact's account is restricted or does not follow",
        ),
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
        40008 | 48008 => Drop(
            "该公众号不能发送这种类型的消息",
            "this account may not send this type of message",
        ),
        87014 => Drop(
            "内容被平台判定为违规",
            "the platform judges the content unfit",
        ),
        44002 | 44004 | 47001 | 40033 | 40035 | 40097 => Drop(
            "消息格式被平台拒绝",
            "the platform refuses the message's form",
        ),
        40164 => Alarm(
            "服务器 IP 不在公众号的 IP 白名单中",
            "this server's IP address is not on the account's allow-list",
        ),
        40013 => Alarm("AppID 不正确", "the app id is wrong"),
        40125 | 41004 => Alarm("AppSecret 不正确", "the app secret is wrong"),
        40243 => Alarm("AppSecret 已被冻结", "the app secret is frozen"),
        48001 => Alarm(
            "公众号没有客服消息接口权限（需要认证）",
            "the account has no right to the customer-message API (it must be verified)",
        ),
        48004 => Alarm("接口因违规被封禁", "the API is banned for violations"),
        89501 | 89503 | 89506 | 89507 => Alarm(
            "调用 IP 需要管理员确认",
            "the calling IP address must be confirmed by the administrator",
        ),
        _ => Drop("平台拒绝了这条消息", "the platform refused this message"),
    }
}

/// What an error code asks for where the account is a mini program. What can wait for the contact waits: opening the chat
/// lets it go, and a nudge may bring them.
pub fn mini_action(code: i64) -> Action {
    use Action::{Alarm, Drop, Hold};
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
        40008 | 48008 => Drop(
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
