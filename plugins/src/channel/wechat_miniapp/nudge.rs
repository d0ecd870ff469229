//! Subscription messages out (WeChat: 4.8): "somebody has written", to a contact who is away and has allowed it. The page it
//! opens is told which one it was, and hands that on as `session-from`: so a tap is known.

use bridge_convertors::wechat::nudge::{SubscribeSend, Value, fit};
use bridge_core::{
    channel::{ChannelError, ChannelErrorKind, Dispatch, NUDGE_KEY, Nudging, Receipt},
    clock::Timestamp,
    error::Remedy,
    message::Content,
    plugin::BuildError,
};
use jiff::tz::TimeZone;

use super::{MiniApp, config::NudgeConfig};

/// What a field says where nothing of its value fits.
const OTHERWISE: &str = "客服";

/// How contacts are nudged.
pub(super) struct Nudge {
    pub(super) rules: Nudging,
    pub(super) fields: Vec<(String, String)>,
    lang: String,
    zone: TimeZone,
}

impl Nudge {
    pub(super) fn new(config: &NudgeConfig) -> Result<Self, BuildError> {
        let zone = TimeZone::get(&config.timezone).map_err(|_| {
            let what = "is not a time zone";
            BuildError::new("nudge.timezone", what, "Asia/Shanghai").zh("不是有效的时区")
        })?;
        Ok(Self {
            rules: Nudging {
                topic: config.template.clone(),
                most_per_hour: config.most_per_hour,
                pause: config.pause.0,
            },
            fields: config
                .fields
                .iter()
                .map(|(name, says)| (name.clone(), says.clone()))
                .collect(),
            lang: config.lang.clone(),
            zone,
        })
    }

    /// Sends one; costs the contact's grant.
    pub(super) async fn send(
        &self,
        app: &MiniApp,
        dispatch: &Dispatch,
    ) -> Result<Receipt, ChannelError> {
        let Content::Nudge {
            topic,
            from,
            summary,
        } = &dispatch.content
        else {
            return Err(ChannelError::new(
                ChannelErrorKind::Refused,
                Remedy::Never,
                "it is no nudge",
            ));
        };
        let page = format!("{}?{NUDGE_KEY}={}", app.config.page, dispatch.id.0);
        let time = self.time(dispatch.created_at);
        let says = |pattern: &str| {
            pattern
                .replace("{time}", &time)
                .replace("{sender}", from)
                .replace("{summary}", summary)
        };
        let values = self.fields.iter().map(|(name, pattern)| {
            let value = fit(name, &says(pattern), OTHERWISE);
            (name.as_str(), Value { value })
        });
        let body = SubscribeSend {
            touser: dispatch.to.as_str(),
            template_id: topic,
            page: &page,
            miniprogram_state: app.config.edition.state(),
            lang: &self.lang,
            data: values.collect(),
        };
        let sent = app
            .account
            .api
            .post("/cgi-bin/message/subscribe/send", &body)
            .await;
        let answer = sent.map_err(|error| match error.code {
            Some(43101) => error.advise(
                "客户没有订阅提醒或已拒收",
                "the contact has not allowed it, or no longer",
            ),
            _ => error,
        })?;
        let id = answer["msgid"]
            .as_str()
            .map(str::to_owned)
            .or_else(|| answer["msgid"].as_u64().map(|id| id.to_string()));
        Ok(Receipt {
            external_id: id,
            lost: Vec::new(),
        })
    }

    /// `2025年1月1日 08:00` (WeChat: 4.8).
    fn time(&self, at: Timestamp) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y年%-m月%-d日 %H:%M").to_string()
    }
}
