//! What every account's section is held to, whatever the platform.

use bridge_core::plugin::BuildError;

/// The platforms cut or refuse longer texts at 2048 bytes; below 64 a split would leave crumbs.
pub(in super::super) fn check_text_bytes(bytes: usize) -> Result<(), BuildError> {
    if (64..=2048).contains(&bytes) {
        return Ok(());
    }
    let fault = BuildError::new("text_bytes", "must be 64 to 2048", "2000");
    Err(fault.zh("应在 64 到 2048 之间"))
}

/// Where the API is; `example` is the platform's own address.
pub(in super::super) fn check_api_base(api_base: &str, example: &str) -> Result<(), BuildError> {
    if api_base.starts_with("http://") || api_base.starts_with("https://") {
        return Ok(());
    }
    let fault = BuildError::new("api_base", "must begin with https:// or http://", example);
    Err(fault.zh("应以 https:// 或 http:// 开头"))
}
