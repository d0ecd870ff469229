//! Agents on Tencent IM: they answer, hand over, and say who is whom.

use std::{collections::HashMap, sync::Arc};

use bridge_sandbox::tim;
use rand::{RngExt, rngs::StdRng};
use tokio::{sync::watch, task::JoinSet};

use crate::hard_weather::{
    books::{Books, Left, from_contact},
    cluster::Cluster,
};

pub(super) struct Agent {
    number: usize,
    client: tim::Client,
    cluster: Arc<Cluster>,
    books: Arc<Books>,
    dice: StdRng,
    /// Whose stand-in is whose.
    contacts: HashMap<String, usize>,
    telling: JoinSet<()>,
}

impl Agent {
    pub(super) fn new(
        number: usize,
        cluster: &Arc<Cluster>,
        books: &Arc<Books>,
        dice: StdRng,
    ) -> Self {
        Self {
            number,
            client: cluster.agent(number),
            cluster: cluster.clone(),
            books: books.clone(),
            dice,
            contacts: HashMap::new(),
            telling: JoinSet::new(),
        }
    }

    pub(super) async fn work(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let heard = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                heard = self.client.hears() => heard,
            };
            // Nobody said anything for long: so be it.
            let Ok(heard) = heard else { continue };
            self.hears(&heard.peer, heard.text());
            while self.telling.try_join_next().is_some() {}
        }
        self.telling.join_all().await;
    }

    fn hears(&mut self, peer: &str, text: &str) {
        if let Some((contact, number)) = from_contact(text) {
            self.contacts.insert(peer.to_owned(), contact);
            // Who heard the contact's last words has the conversation, unless it is being handed over. Their number
            // counts and not when they came: what waited to be sent to one agent may come after the next has heard more.
            if self.books.heard_by(contact, self.number, number) {
                self.answer(peer, contact, number);
            }
            return;
        }
        let Some(contact) = self.contacts.get(peer) else {
            return;
        };
        // What became of a hand-over: done, or somewhere in the queue; or nothing, for that agent's seats are taken.
        if text.contains("已转接给") || text.contains("客户已进入排队") {
            self.books.handed_over(*contact, self.number, true);
        } else if text.contains("会话未转接") || text.contains("命令未执行") {
            self.books.handed_over(*contact, self.number, false);
        }
    }

    fn answer(&mut self, peer: &str, contact: usize, number: u32) {
        let agents = self.cluster.plan().agents;
        if self.dice.random_bool(0.5) {
            self.says(peer, contact, number);
        } else if agents > 1
            && self.dice.random_bool(0.2)
            && self.books.all_heard(&self.cluster, contact)
            && self.books.handing_over(contact, self.number)
        {
            let other = (self.number + self.dice.random_range(1..agents)) % agents;
            // By name, or to whoever the bridge finds.
            match self.dice.random_bool(0.8) {
                true => self.commands(peer, &format!("#转接 -n a{other}")),
                false => self.commands(peer, "#转接"),
            }
        } else if self.dice.random_bool(0.3) {
            self.ties(peer, contact);
        }
    }

    fn says(&mut self, peer: &str, contact: usize, to: u32) {
        let Some(number) = self.books.next_of_agent(contact, to, peer) else {
            return;
        };
        // Said is said: the platform has it, whether or not the bridge was told.
        let said = self.client.says(peer, &format!("[{contact}:{number}]"));
        let pushed = said.expect("the agent is online and the stand-in has an account");
        let books = self.books.clone();
        self.telling.spawn(async move {
            let left = match pushed.await.delivered() {
                true => Left::Told,
                false => Left::Late,
            };
            books.has_left(contact, number, left);
        });
    }

    /// Says that the contact is somebody else, too, or is not after all. Conversations stay where they are, whoever is whom.
    fn ties(&mut self, peer: &str, contact: usize) {
        if self.dice.random_bool(0.4) {
            self.books.parted();
            return self.commands(peer, "#拆分");
        }
        let other = self.dice.random_range(0..self.cluster.plan().contacts);
        if other != contact
            && let Some(thread) = self.cluster.thread(other)
        {
            self.books.tied();
            self.commands(peer, &format!("#合并 -c {}", thread.peer));
        }
    }

    fn commands(&mut self, peer: &str, command: &str) {
        if let Ok(pushed) = self.client.says(peer, command) {
            self.telling.spawn(async move { drop(pushed.await) });
        }
    }
}
