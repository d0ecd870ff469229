//! Looks names up and leaves out the addresses that may not be connected to. It is the connection's own look-up, so
//! what was checked is what is connected to: a name that changes its mind in between (DNS rebinding) gains nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::allowed::Allowed;

/// How names become addresses: the system's way, and in tests a table.
pub type Lookup = Arc<
    dyn Fn(String) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>
        + Send
        + Sync,
>;

/// Asks the system.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    })
}

/// A resolver that knows where connections may go.
pub struct GuardedResolver {
    pub allowed: Arc<Allowed>,
    pub lookup: Lookup,
}

/// All addresses of a name were refused.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no public address")]
pub struct OnlyPrivate(pub String);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, found) = (
            self.allowed.clone(),
            (self.lookup)(name.as_str().to_owned()),
        );
        Box::pin(async move {
            let mut addresses = found.await?;
            addresses.retain(|address| allowed.may_connect(name.as_str(), address.ip()));
            if addresses.is_empty() {
                return Err(OnlyPrivate(name.as_str().to_owned()).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
