//! The key that signs links. The store generates it for itself, once, so that links survive a restart and nobody has to
//! configure one.

use bridge_core::store::{Records, StoreError};

use crate::hash::Hash;

/// The store's own key for links; made at the first call.
pub async fn link_key(records: &dyn Records) -> Result<[u8; 32], StoreError> {
    let fresh = Hash(rand::random());
    let kept = records
        .put_fact("media.link_key", &fresh.to_string())
        .await?;
    // What is kept was written here, by this call or an earlier one; were it damaged, its hash is as good a key.
    Ok(Hash::parse(&kept)
        .unwrap_or_else(|| Hash::of(kept.as_bytes()))
        .0)
}
