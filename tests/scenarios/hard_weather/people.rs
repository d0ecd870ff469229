//! Customers who number what they say, and agents who answer and hand over.

use std::{sync::Arc, time::Duration};

use bridge_sandbox::tim;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    books::{Books, from_contact},
    nodes::Cluster,
};

/// Every customer asks for a person, and gets one.
pub async fn connect_all(cluster: &Arc<Cluster>, contacts: usize) {
    let all = (0..contacts).map(|number| {
        let phone = cluster.phone(number);
        async move {
            assert!(phone.says("人工").await);
            phone.hears_text("为您服务").await;
        }
    });
    futures_util::future::join_all(all).await;
}

/// Each says its share, the next once the phone shows the last as sent or failed; how many were acknowledged.
pub fn customers(
    cluster: &Arc<Cluster>,
    contacts: usize,
    messages: usize,
    books: &Arc<Books>,
    seed: u64,
) -> Vec<JoinHandle<usize>> {
    let share = messages.div_ceil(contacts);
    (0..contacts)
        .map(|contact| {
            let (phone, books) = (cluster.phone(contact), books.clone());
            let mut dice = StdRng::seed_from_u64(seed ^ (contact as u64) << 20);
            tokio::spawn(async move {
                let mut acknowledged = 0;
                for _ in 0..share {
                    let number = books.next_of_contact(contact);
                    if phone.says(&format!("<{contact}:{number}>")).await {
                        books.acknowledged(contact, number);
                        acknowledged += 1;
                    }
                    // People pause; that is what spreads the load over the weather.
                    let pause = Duration::from_millis(dice.random_range(0..400));
                    tokio::time::sleep(pause).await;
                }
                acknowledged
            })
        })
        .collect()
}

/// What is said when the weather is over; it has to be taken.
pub async fn last_words(cluster: &Arc<Cluster>, contacts: usize, books: &Arc<Books>) {
    let all = (0..contacts).map(|contact| {
        let phone = cluster.phone(contact);
        async move {
            let number = books.next_of_contact(contact);
            let text = format!("<{contact}:{number}>");
            assert!(phone.says(&text).await, "the weather is over");
            books.acknowledged(contact, number);
        }
    });
    futures_util::future::join_all(all).await;
}

/// Agents at work.
pub struct AtWork {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

pub fn agents(
    cluster: &Arc<Cluster>,
    (count, contacts): (usize, usize),
    books: &Arc<Books>,
    seed: u64,
) -> AtWork {
    let stop = watch::Sender::new(false);
    let tasks = (0..count).map(|number| {
        let agent = Agent {
            number,
            count,
            contacts,
            client: cluster.agent(number),
            phones: cluster.clone(),
            books: books.clone(),
            dice: StdRng::seed_from_u64(seed.wrapping_mul(31) + number as u64),
        };
        tokio::spawn(agent.work(stop.subscribe()))
    });
    AtWork {
        tasks: tasks.collect(),
        stop,
    }
}

impl AtWork {
    /// They say no more.
    pub async fn quiet(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

struct Agent {
    number: usize,
    count: usize,
    contacts: usize,
    client: tim::Client,
    phones: Arc<Cluster>,
    books: Arc<Books>,
    dice: StdRng,
}

impl Agent {
    async fn work(mut self, mut stop: watch::Receiver<bool>) {
        let mut telling = tokio::task::JoinSet::new();
        loop {
            let heard = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                heard = self.client.hears() => heard,
            };
            // Nobody said anything for long: so be it.
            let Ok(heard) = heard else { continue };
            // Who heard the contact's last words has the conversation, unless it is being handed over. Their number
            // counts and not when they came: what waited to be sent to one agent may come after the next has heard more.
            if let Some((contact, number)) = from_contact(heard.text())
                && self.books.heard_by(contact, self.number, number)
            {
                self.answer(&heard.peer, contact, &mut telling);
            }
        }
        telling.join_all().await;
    }

    fn answer(&mut self, peer: &str, contact: usize, telling: &mut tokio::task::JoinSet<()>) {
        if !self.books.may_type(contact) {
            return;
        }
        if self.dice.random_bool(0.5) {
            let number = self.books.next_of_agent(contact);
            // Said is said: the platform has it, whether or not the bridge was told.
            if let Ok(pushed) = self.client.says(peer, &format!("[{contact}:{number}]")) {
                self.books.said(contact, number);
                self.books.typing(contact, true);
                let books = self.books.clone();
                telling.spawn(async move {
                    if !pushed.await.delivered() {
                        books.untold(contact, number);
                    }
                    books.typing(contact, false);
                });
            }
        } else if self.count > 1
            && self.dice.random_bool(0.2)
            && self.books.all_heard(&self.phones, contact)
        {
            let other = (self.number + self.dice.random_range(1..self.count)) % self.count;
            self.books.handing_over(contact, self.number);
            self.commands(peer, &format!("#转接 -n a{other}"), telling);
        } else if self.dice.random_bool(0.3) {
            self.ties(peer, contact, telling);
        }
    }

    /// Says that the contact is somebody else, too, or is not after all. Conversations stay where they are, whoever is whom.
    fn ties(&mut self, peer: &str, contact: usize, telling: &mut tokio::task::JoinSet<()>) {
        if self.dice.random_bool(0.4) {
            self.books.parted();
            return self.commands(peer, "#拆分", telling);
        }
        let other = self.dice.random_range(0..self.contacts);
        if other != contact {
            self.books.tied();
            let who = self.phones.thread(other).peer;
            self.commands(peer, &format!("#合并 -c {who}"), telling);
        }
    }

    fn commands(&self, peer: &str, command: &str, telling: &mut tokio::task::JoinSet<()>) {
        if let Ok(pushed) = self.client.says(peer, command) {
            telling.spawn(async move { drop(pushed.await) });
        }
    }
}

/// Every conversation is ended by the customer; whoever has it is free.
pub async fn close_all(cluster: &Arc<Cluster>, contacts: usize) {
    let all = (0..contacts).map(|contact| {
        let phone = cluster.phone(contact);
        async move {
            assert!(phone.says("#退出").await);
        }
    });
    futures_util::future::join_all(all).await;
}
