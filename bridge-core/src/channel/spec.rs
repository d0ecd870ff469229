//! How a channel is registered and built.

use super::Channel;
use crate::plugin::{BuildError, Plugin, Tools};

/// A [`Channel`] that can be registered: `bridge_core::register!(ChannelSpec::new::<WeChat>("wechat"))`.
pub trait ChannelPlugin: Channel + Plugin {}
impl<T: Channel + Plugin> ChannelPlugin for T {}

/// What a channel's crate registers.
#[derive(Clone, Copy)]
pub struct ChannelSpec {
    /// What `channel = "…"` says.
    pub name: &'static str,
    /// The crate it comes from.
    pub from_crate: &'static str,
    pub(crate) build:
        fn(serde_json::Value, &Tools) -> Result<std::sync::Arc<dyn Channel>, BuildError>,
    pub(crate) schema: fn() -> schemars::Schema,
}

impl ChannelSpec {
    /// Describes the channel `C` under `name`.
    pub const fn new<C: ChannelPlugin>(name: &'static str) -> Self {
        Self {
            name,
            from_crate: "",
            build: |config, tools| {
                Ok(std::sync::Arc::new(C::build(
                    crate::plugin::read_config(config)?,
                    tools,
                )?))
            },
            schema: || schemars::schema_for!(C::Config),
        }
    }

    /// Set by [`register!`](crate::register).
    pub const fn from_crate(mut self, name: &'static str) -> Self {
        self.from_crate = name;
        self
    }

    /// Builds the channel from its section.
    pub fn build(
        &self,
        config: serde_json::Value,
        tools: &Tools,
    ) -> Result<std::sync::Arc<dyn Channel>, BuildError> {
        (self.build)(config, tools)
    }

    /// The JSON Schema of its section.
    pub fn schema(&self) -> schemars::Schema {
        (self.schema)()
    }
}
