//! Comes online, goes, loses the network.

use tokio::sync::oneshot;

use super::Client;
use crate::courier::Outcome;
use crate::tim::state::Presence;

impl Client {
    /// Connects a client; other devices of the same platform are kicked by the real one, here there is one each.
    pub fn logs_in(&self, platform: &str) -> oneshot::Receiver<Outcome> {
        self.presence(platform, Some(Presence::Online));
        self.tim
            .state_changed(&self.user_id, "Login", "Register", platform)
    }

    /// Logs every client out.
    pub fn logs_out(&self) -> oneshot::Receiver<Outcome> {
        self.leave(None);
        let platform = self.tim.platform_of(&self.user_id);
        self.tim
            .state_changed(&self.user_id, "Logout", "Unregister", &platform)
    }

    /// Closes the client on one platform; others stay connected.
    pub fn closes(&self, platform: &str) -> oneshot::Receiver<Outcome> {
        {
            let mut state = self.tim.0.state.lock();
            if let Some(account) = state.accounts.get_mut(&self.user_id) {
                account.clients.remove(platform);
            }
            self.tim.announce(&state, &self.user_id);
        }
        self.tim
            .state_changed(&self.user_id, "Logout", "Unregister", platform)
    }

    /// Loses the network; push may still reach a phone.
    pub fn disconnects(&self, reachable: bool) -> oneshot::Receiver<Outcome> {
        self.leave(reachable.then_some(Presence::PushOnline));
        let platform = self.tim.platform_of(&self.user_id);
        self.tim
            .state_changed(&self.user_id, "Disconnect", "LinkClose", &platform)
    }

    fn leave(&self, as_what: Option<Presence>) {
        if let Some(account) = self.tim.0.state.lock().accounts.get_mut(&self.user_id) {
            account.clients.clear();
        }
        self.presence("iPhone", as_what);
    }

    fn presence(&self, platform: &str, presence: Option<Presence>) {
        let mut state = self.tim.0.state.lock();
        let account = state.accounts.get_mut(&self.user_id);
        if let (Some(account), Some(presence)) = (account, presence) {
            account.clients.insert(platform.to_owned(), presence);
            if presence == Presence::Online {
                account.platform = platform.to_owned();
            }
        }
        self.tim.announce(&state, &self.user_id);
    }
}
