//! Our own UserSig: issued once, used by every call, renewed at half its life or when it is refused.

use std::sync::Arc;

use bridge_convertors::tencent_im::usersig;
use bridge_core::secret::Secret;
use parking_lot::Mutex;

/// Issues the administrator's UserSig and keeps it while it is good.
pub(super) struct Signer {
    secret_key: Secret,
    sdk_app_id: u64,
    admin: String,
    /// Seconds.
    lifetime: u64,
    current: Mutex<Option<Signed>>,
}

/// A UserSig and when it was issued.
#[derive(Clone)]
pub(super) struct Signed {
    sig: Arc<str>,
    issued: u64,
}

impl Signed {
    /// The UserSig itself: for the URL of a call and nowhere else.
    pub(super) fn expose(&self) -> &str {
        &self.sig
    }
}

impl Signer {
    pub(super) fn new(secret_key: Secret, sdk_app_id: u64, admin: String, lifetime: u64) -> Self {
        Self {
            secret_key,
            sdk_app_id,
            admin,
            lifetime,
            current: Mutex::new(None),
        }
    }

    /// The UserSig to use at `now` (Unix seconds).
    pub(super) fn current(&self, now: u64) -> Signed {
        let mut current = self.current.lock();
        match &*current {
            Some(signed) if now >= signed.issued && now - signed.issued < self.lifetime / 2 => {
                signed.clone()
            }
            _ => current.insert(self.issue(now)).clone(),
        }
    }

    /// Another UserSig than the `refused` one, if there can be another: issued meanwhile by somebody else's refusal,
    /// or now. In the second of its own issue a new one would be the same.
    pub(super) fn renewed(&self, refused: &Signed, now: u64) -> Option<Signed> {
        let mut current = self.current.lock();
        match &*current {
            Some(signed) if signed.sig != refused.sig => Some(signed.clone()),
            _ if refused.issued == now => None,
            _ => Some(current.insert(self.issue(now)).clone()),
        }
    }

    fn issue(&self, now: u64) -> Signed {
        let key = self.secret_key.expose();
        let sig = usersig::issue(key, self.sdk_app_id, &self.admin, now, self.lifetime);
        Signed {
            sig: sig.into(),
            issued: now,
        }
    }
}
