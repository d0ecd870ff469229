//! Hard weather: several nodes on PostgreSQL, Redis and RabbitMQ, customers on every channel, an assistant and agents who
//! talk, and a seeded schedule of faults: nodes killed, stopped and restarted, servers killed, hung and full, wires cut,
//! slow and half open, clocks apart, platforms that fail and repeat. At the end the books are compared. `./dev weather`
//! runs it long; the tests run it short and with a fixed seed.

pub mod balancer;
mod books;
mod cluster;
mod diary;
mod faults;
mod people;
mod phone;
mod schedule;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use self::{books::Books, cluster::Cluster, diary::Diary, faults::Faults, people::Customer};

/// How long and how hard; each from the environment, with what the tests run.
#[derive(Debug, Clone)]
struct Plan {
    seed: u64,
    nodes: usize,
    faults: usize,
    contacts: usize,
    messages: usize,
    /// Agents on Tencent IM.
    agents: usize,
    /// Agents in WeCom.
    members: usize,
    /// How long anything may take once it is fair again, and anybody wait before, in seconds.
    patience: u64,
}

fn number(name: &str, usual: usize) -> usize {
    let given = std::env::var(name).ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(usual)
}

impl Plan {
    const SEATS_OF_A_MEMBER: usize = 2;

    fn given() -> Self {
        let contacts = number("KEFU_WEATHER_CONTACTS", 24);
        Self {
            seed: number("KEFU_WEATHER_SEED", 20_261_121) as u64,
            nodes: number("KEFU_WEATHER_NODES", 3),
            faults: number("KEFU_WEATHER_FAULTS", 24),
            contacts,
            messages: number("KEFU_WEATHER_MESSAGES", 600),
            agents: number("KEFU_WEATHER_AGENTS", 3),
            members: (contacts / 24).clamp(1, 8),
            patience: number("KEFU_WEATHER_PATIENCE", 120) as u64,
        }
    }

    /// How many contacts are with agents in WeCom.
    fn at_members(&self) -> usize {
        self.members * Self::SEATS_OF_A_MEMBER
    }

    /// The seats of an agent on Tencent IM: a little too few, so that people wait.
    fn seats(&self) -> usize {
        let contacts = self.contacts - self.at_members();
        (contacts * 7 / 10).div_ceil(self.agents).max(1)
    }

    fn all_seats(&self) -> usize {
        self.seats() * self.agents + self.at_members()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_and_in_order() {
    let plan = Plan::given();
    println!("weather: {plan:?}");
    let cluster = Arc::new(Cluster::start(plan.clone()).await);
    println!("{}", cluster.clocks);
    let diary = Arc::new(Diary::default());
    let books = Arc::new(Books::new(diary.clone()));
    let agents = people::agents(&cluster, &books);
    let customers = people::customers(&cluster, &books).into_iter();
    let customers = join_all(customers.map(Customer::begins)).await;

    let mut faults = Faults::new(cluster.clone(), diary.clone(), plan.seed);
    let share = plan.messages.div_ceil(plan.contacts);
    let shares: Vec<usize> = customers
        .iter()
        .map(|customer| share_of(&plan, customer, share))
        .collect();
    let all: usize = shares.iter().sum();
    let talks = customers.into_iter().zip(shares);
    let talks = talks.map(|(customer, share)| tokio::spawn(customer.lives(share)));
    let talking = join_all(talks);
    let far = || books.said() as f64 / all as f64;
    let (customers, ()) = tokio::join!(talking, faults.do_all(plan.faults, far));
    let customers: Vec<Customer> = customers.into_iter().map(Result::unwrap).collect();
    println!("seed {}\n{}", plan.seed, diary.counted());
    faults.all_is_well().await;
    println!(
        "the weather is over after {:.0} s; {} messages were acknowledged",
        diary.now().as_secs_f32(),
        books.taken()
    );

    let patience = Duration::from_secs(plan.patience);
    // Whose seats are a member's keep them to the last: nobody else comes to sit there, at 30 messages a minute.
    let (at_members, others): (Vec<_>, Vec<_>) =
        customers.into_iter().partition(Customer::is_at_member);
    let others = join_all(others.into_iter().map(Customer::last_word)).await;
    let at_members = join_all(at_members.into_iter().map(Customer::last_word)).await;
    agents.quiet().await;
    books.arrived(&cluster, patience).await;
    nothing_is_left(&cluster, patience).await;
    let open = cluster.open().await;
    assert!(
        open.is_empty(),
        "not everything is over:\n{}",
        open.join("\n")
    );
    books.balance(&cluster).await;
    let people = cluster.people().await;
    books::is_one_person_or_another(&people);
    println!("{}", books.ties(&people));
    every_seat_is_free(&cluster, [&at_members, &others], patience).await;
    println!("every agent's seats are free, nobody waits, nothing is left");
}

/// Members of the corp get 30 messages a minute: who is with one of them says little.
fn share_of(plan: &Plan, customer: &Customer, share: usize) -> usize {
    match customer.is_at_member() {
        true => share.min(3 + plan.faults / 6),
        false => share,
    }
}

async fn nothing_is_left(cluster: &Cluster, patience: Duration) {
    let empty = |depth: &dyn Fn(&str) -> u64| {
        [
            "arrivals",
            "dispatches",
            "held",
            "errands",
            "queued",
            "assigned",
        ]
        .iter()
        .all(|of| depth(of) == 0)
    };
    if let Err(depths) = cluster.depths_are(patience, empty).await {
        panic!("something was left unsettled: {depths}");
    }
}

/// Not only do no conversations hold seats: as many people as there are seats get one.
async fn every_seat_is_free(cluster: &Cluster, groups: [&[Customer]; 2], patience: Duration) {
    let mut asked = 0;
    for customers in groups {
        join_all(customers.iter().map(Customer::queues)).await;
        asked += customers.len();
        let served = cluster.plan().all_seats().min(asked);
        let waiting = asked - served;
        let full = |depth: &dyn Fn(&str) -> u64| {
            depth("assigned") == served as u64
                && depth("queued") == waiting as u64
                && depth("arrivals") == 0
        };
        if let Err(depths) = cluster.depths_are(patience, full).await {
            panic!("{served} seats should be taken and {waiting} people wait: {depths}");
        }
    }
    join_all(groups.into_iter().flatten().map(Customer::quits)).await;
    nothing_is_left(cluster, patience).await;
}
