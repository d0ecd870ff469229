//! Customers: some talk with a person from before the weather to after it, some with the assistant and then with a person,
//! again and again.

use std::{sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::hard_weather::{
    books::{ASSISTANT, Books, To, is_apology},
    cluster::Cluster,
    phone::{Channel, Phone, Shown},
};

/// How long people wait for an answer of the assistant before they ask for a person.
const TIRED: Duration = Duration::from_secs(12);

/// One customer.
pub struct Customer {
    contact: usize,
    channel: Channel,
    phone: Phone,
    cluster: Arc<Cluster>,
    books: Arc<Books>,
    dice: StdRng,
    /// How much of the phone's chat was there when the last talk had ended.
    before: usize,
    /// Whether a person has the conversation.
    talks: bool,
}

pub fn customers(cluster: &Arc<Cluster>, books: &Arc<Books>) -> Vec<Customer> {
    let plan = cluster.plan();
    let all = (0..plan.contacts).map(|contact| Customer {
        contact,
        channel: cluster.channel(contact),
        phone: cluster.phone(contact),
        cluster: cluster.clone(),
        books: books.clone(),
        dice: StdRng::seed_from_u64(plan.seed ^ (contact as u64) << 20),
        before: 0,
        talks: false,
    });
    all.collect()
}

impl Customer {
    pub fn is_at_member(&self) -> bool {
        matches!(self.channel, Channel::AtMember(_))
    }

    /// Who talks with one person all the time begins before the weather.
    pub async fn begins(mut self) -> Self {
        if self.channel.is_one_talk() {
            if let Channel::AtMember(member) = self.channel {
                assert!(self.phone.scans(&format!("agent:w{member}")).await);
            }
            self.asks_for_a_person().await;
        }
        self
    }

    /// Says its share.
    pub async fn lives(mut self, share: usize) -> Self {
        let mut said = 0;
        while said < share {
            let once = match self.channel.is_one_talk() {
                true => share,
                false => {
                    said += self.asks_the_assistant().await;
                    self.asks_for_a_person().await;
                    self.dice.random_range(5..30)
                }
            };
            for _ in 0..once.min(share.saturating_sub(said)) {
                self.says(To::Person).await;
                said += 1;
                self.pauses().await;
            }
            if !self.channel.is_one_talk() {
                self.leaves().await;
            }
        }
        self
    }

    /// A last word to a person when the weather is over, who has to hear it; and then it ends.
    pub async fn last_word(mut self) -> Self {
        if !self.talks {
            self.asks_for_a_person().await;
        }
        assert!(self.says(To::Person).await, "the weather is over");
        self.leaves().await;
        self
    }

    /// Asks for a person, without waiting for one.
    pub async fn queues(&self) {
        assert!(self.phone.says("人工").await, "the weather is over");
    }

    /// Goes, wherever it is.
    pub async fn quits(&self) {
        assert!(self.phone.says("#退出").await, "the weather is over");
    }

    /// Says something with a number; whether it was acknowledged.
    async fn says(&self, to: To) -> bool {
        let number = self.books.next_of_contact(self.contact, to);
        let taken = self
            .phone
            .says(&format!("<{}:{number}>", self.contact))
            .await;
        if taken {
            self.books.acknowledged(self.contact, number);
        }
        taken
    }

    /// People pause; that is what spreads the load over the weather. A member of a corp gets no more than 30 messages a
    /// minute, and has two customers.
    async fn pauses(&mut self) {
        let millis = match self.channel {
            Channel::AtMember(_) => self.dice.random_range(3000..4500),
            _ => self.dice.random_range(0..400),
        };
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// What was shown since the last talk.
    fn shown(&self) -> Vec<Shown> {
        let chat = self.phone.chat();
        let new = chat.into_iter().skip(self.before);
        new.filter(|line| !line.own).collect()
    }

    /// Looks until it is so, or the patience is over; whether it is.
    async fn until(&self, patience: Duration, look: impl Fn(&Self) -> bool) -> bool {
        let began = std::time::Instant::now();
        while !look(self) {
            if began.elapsed() > patience {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        true
    }

    /// The same, where it has to come about.
    async fn must(&self, what: &str, look: impl Fn(&Self) -> bool) {
        let patience = Duration::from_secs(self.cluster.plan().patience);
        if !self.until(patience, look).await {
            let lines: Vec<String> = self.shown().into_iter().map(|line| line.text).collect();
            let last = &lines[lines.len().saturating_sub(10)..];
            panic!(
                "contact {} waits for {what} for ever; last on the phone: {last:?}; {}",
                self.contact,
                self.books.state(&self.cluster, self.contact)
            );
        }
    }

    /// Asks up to three questions, and does not always wait for the answer; how many.
    async fn asks_the_assistant(&mut self) -> usize {
        let questions = self.dice.random_range(0..=3);
        for _ in 0..questions {
            let seen = answers(&self.shown());
            let taken = self.says(To::Assistant).await;
            if taken && self.dice.random_bool(0.5) {
                let answered = |it: &Self| {
                    let shown = it.shown();
                    answers(&shown) > seen || is_served(&shown)
                };
                self.until(TIRED, answered).await;
            }
        }
        questions
    }

    async fn asks_for_a_person(&mut self) {
        while !self.phone.says("人工").await {}
        self.must("a person", |it| is_served(&it.shown())).await;
        let waited = self
            .shown()
            .iter()
            .any(|line| line.text.contains("排在您前面"));
        self.books.opened(self.contact, waited);
        self.talks = true;
    }

    /// Ends the talk once everything that was said in it is heard: what an agent says to somebody who is gone is nobody's.
    async fn leaves(&mut self) {
        self.must("silence", |it| it.books.closes(it.contact)).await;
        self.must("the last words", |it| {
            it.books.all_heard(&it.cluster, it.contact)
        })
        .await;
        let over = |it: &Self| {
            let shown = it.shown();
            shown
                .iter()
                .any(|line| line.text.contains("本次服务已结束"))
        };
        while !self.phone.says("#退出").await {}
        if !self.until(TIRED, over).await {
            // Handed over to the queue, it has left that, and is with the assistant again: whoever comes now ends it.
            self.before = self.phone.chat().len();
            self.asks_for_a_person().await;
            while !self.phone.says("#退出").await {}
        }
        self.must("the end", over).await;
        self.before = self.phone.chat().len();
        self.talks = false;
    }
}

fn answers(shown: &[Shown]) -> usize {
    let answer = |line: &&Shown| line.text.starts_with(ASSISTANT) || is_apology(&line.text);
    shown.iter().filter(answer).count()
}

fn is_served(shown: &[Shown]) -> bool {
    let served = |line: &Shown| line.text.starts_with("客服 ") && line.text.contains("为您服务");
    shown.iter().any(served)
}
