//! Agents in WeCom: all customers in one chat, told apart by the number of their line.

use std::sync::Arc;

use bridge_sandbox::wecom;
use tokio::sync::watch;

use crate::hard_weather::{
    books::{Books, Left, of_a_line},
    cluster::Cluster,
};

pub(super) struct Member {
    number: usize,
    agents: usize,
    client: wecom::Member,
    books: Arc<Books>,
}

impl Member {
    pub(super) fn new(number: usize, cluster: &Arc<Cluster>, books: &Arc<Books>) -> Self {
        Self {
            number,
            agents: cluster.plan().agents,
            client: cluster.member(number),
            books: books.clone(),
        }
    }

    pub(super) async fn work(self, mut stop: watch::Receiver<bool>) {
        loop {
            let words = self.client.hears_which("a contact's words", |message| {
                of_a_line(&message.content.words()).is_some()
            });
            let heard = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                heard = words => heard,
            };
            // Nobody said anything for long: so be it.
            let Ok(heard) = heard else { continue };
            let words = heard.content.words();
            if let Some((line, (contact, number))) = of_a_line(&words) {
                self.answer(line, contact, number).await;
            }
        }
    }

    async fn answer(&self, line: &str, contact: usize, to: u32) {
        // Members are not agents of the other desk; nobody hands over to them or from them.
        let who = self.agents + self.number;
        let line = line.split(' ').next().unwrap_or_default();
        if !self.books.heard_by(contact, who, to) {
            return;
        }
        let Some(number) = self.books.next_of_agent(contact, to, "") else {
            return;
        };
        let said = self.client.says(&format!("@{line} [{contact}:{number}]"));
        let left = match said.await.delivered() {
            true => Left::Told,
            false => Left::Perhaps,
        };
        self.books.has_left(contact, number, left);
    }
}
