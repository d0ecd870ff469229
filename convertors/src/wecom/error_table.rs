//! What each error code of a corp's API asks for (WeCom: 3.11, 5.2). The columns are data; the channels act on them, and
//! handle themselves what depends on a session's state (95013, 95016, 95018) or on a servicer (95014, 95019).

use std::time::Duration;

use crate::errcode::Action;

/// What an error code asks for.
pub fn action(code: i64) -> Action {
    use Action::{Drop, Hold, Refresh, Retry, Reupload};
    match code {
        // 40001 is a wrong secret, or a token that was taken back early (5.1): one other token is tried.
        40001 | 40014 | 42001 => Refresh,
        -1 => Retry(Duration::from_secs(2)),
        45033 => Retry(Duration::from_secs(3)),
        // Trying again within the window extends it.
        45009 => Retry(Duration::from_secs(60)),
        95001 => Hold,
        40007 => Reupload,
        95000..=95999 => customer_service(code),
        40000..=47999 => request(code),
        _ => standing(code).unwrap_or(Drop(
            "平台拒绝了这条消息",
            "the platform refused this message",
        )),
    }
}

/// WeChat KF (3.11).
fn customer_service(code: i64) -> Action {
    use Action::{Alarm, Drop};
    match code {
        95000 | 95004 => Alarm(
            "微信客服账号不存在、已删除或不属于本企业（open_kfid）",
            "the KF account does not exist, was deleted, or belongs to another corp (open_kfid)",
        ),
        95002 | 95031 => Drop(
            "客户超过 48 小时未发言，平台不允许下发消息",
            "the contact has not written for 48 hours; the platform refuses messages",
        ),
        95003 | 95027 => Alarm(
            "企业未认证，接待人数或账号数已达上限",
            "the corp is not verified and has reached its limit",
        ),
        95011 => Alarm(
            "微信客服正在企业微信客户端中使用，未交由 API 管理",
            "WeChat KF is used inside WeCom and not managed by the API",
        ),
        95012 => Alarm(
            "尚未在企业微信中启用微信客服，或账号未设为「通过API管理」",
            "WeChat KF is not used in WeCom, or the account is not managed by the API",
        ),
        95017 => Alarm(
            "应用没有微信客服的接口权限",
            "the app may not call the KF API",
        ),
        95023 => Alarm(
            "微信客服的接口权限已交给代开发应用",
            "the KF API is granted to an app developed by an agency",
        ),
        95013 | 95018 => Drop(
            "会话已结束或由企业微信接待人员处理，平台不允许下发消息",
            "the session has ended or is a servicer's in WeCom; the platform refuses messages",
        ),
        95014 | 95019 => Drop(
            "接待人员不存在、未激活或已停止接待",
            "the servicer does not exist, is not activated, or has stopped",
        ),
        95016 => Drop(
            "会话当前状态不允许这样变更",
            "the session's state does not allow this change",
        ),
        95008 | 95009 | 95022 | 95030 => Drop(
            "平台不支持这种类型的消息",
            "the platform does not take this type of message",
        ),
        95032 => Alarm(
            "会话存档组件权限已到期",
            "the component's permission has expired",
        ),
        _ => Drop("平台拒绝了这条消息", "the platform refused this message"),
    }
}

/// The request itself (5.2, 40xxx to 47xxx).
fn request(code: i64) -> Action {
    use Action::{Alarm, Drop};
    match code {
        40013 => Alarm("企业 ID（corpid）不正确", "the corp id is wrong"),
        40056 => Alarm("应用的 agentid 不正确", "the agent id is wrong"),
        40003 | 46004 => Drop("该成员不存在", "there is no such member"),
        40096 => Drop("该客户不存在", "there is no such contact"),
        40004 | 40005 | 44001 => Drop("平台不支持这种文件", "the platform does not take this file"),
        40006 | 45001 | 45007 => Drop(
            "文件太大，平台拒绝接收",
            "the file is too large for the platform",
        ),
        40058 | 44004 | 47001 => Drop(
            "消息格式被平台拒绝",
            "the platform refuses the message's form",
        ),
        45002 => Drop(
            "内容超出平台长度限制",
            "it is longer than the platform allows",
        ),
        40201 | 40204 => Drop(
            "内容被平台的反垃圾规则拦截",
            "the platform's rules against spam stop it",
        ),
        41050 | 41051 => Drop(
            "欢迎语或事件的凭证已失效",
            "the code of the welcome or event is used up",
        ),
        41001 => Alarm("调用缺少 access_token", "the call lacks its token"),
        43004 => Drop(
            "该成员未激活企业微信，也未关注微信插件",
            "the member is neither activated nor on the WeChat plug-in",
        ),
        43009 => Alarm("企业未认证", "the corp is not verified"),
        _ => Drop("平台拒绝了这条消息", "the platform refused this message"),
    }
}

/// What is wrong with the app or the corp (5.2).
fn standing(code: i64) -> Option<Action> {
    use Action::{Alarm, Drop};
    Some(match code {
        48001 => Alarm("应用没有这个接口的权限", "the app has no right to this API"),
        48002 => Alarm(
            "这个 Secret 不能调用此接口：请使用「可调用接口的应用」的 Secret",
            "this secret may not call the API: use that of an app that may",
        ),
        301002 => Alarm("Secret 与应用不匹配", "the secret belongs to another app"),
        50001 => Alarm("域名不在可信域名中", "the domain is not a trusted one"),
        50002 | 60011 => Alarm(
            "成员不在应用的可见范围内",
            "the member is outside the app's visible range",
        ),
        50003 => Alarm("应用已停用", "the app is disabled"),
        60020 => Alarm(
            "服务器 IP 不在应用的「企业可信IP」中",
            "this server's IP address is not among the app's trusted ones",
        ),
        93000 | 93004 | 93008 => Alarm(
            "群机器人的 key 不正确，或机器人已被停用、移出群聊",
            "the robot's key is wrong, or the robot was disabled or removed from its group",
        ),
        301007 => Alarm("企业已解散或被封禁", "the corp is dissolved or blocked"),
        60111 => Drop("该成员不存在", "there is no such member"),
        81013 | 82001 => Drop("没有有效的接收人", "there is no valid receiver"),
        84061 => Drop(
            "与该客户没有联系人关系",
            "there is no relation to this contact",
        ),
        _ => return None,
    })
}
