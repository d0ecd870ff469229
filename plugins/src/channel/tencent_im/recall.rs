//! Taking back what was sent to an agent. The administrator may do so however long ago it was. (Tencent IM, 3.2.)

use async_trait::async_trait;
use bridge_convertors::tencent_im::error_table::Class;
use bridge_convertors::tencent_im::rest::AdminMsgWithdraw;
use bridge_core::channel::{ChannelError, Recall};
use bridge_core::message::PeerId;

use super::TencentIm;
use super::send::KEY_SEPARATOR;

#[async_trait]
impl Recall for TencentIm {
    async fn recall(
        &self,
        to: &PeerId,
        sender: Option<&PeerId>,
        external_id: &str,
    ) -> Result<(), ChannelError> {
        let from = sender.map_or(self.config.admin.as_str(), PeerId::as_str);
        for msg_key in external_id.split(KEY_SEPARATOR) {
            let withdraw = AdminMsgWithdraw {
                from,
                to: to.as_str(),
                msg_key,
            };
            match self.api.call(&withdraw, |_| ()).await {
                Err(error) if error.class() == Some(Class::Done) => {}
                other => other?,
            }
        }
        Ok(())
    }
}
