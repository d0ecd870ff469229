//! Hard weather: several nodes on PostgreSQL, Redis and RabbitMQ, customers and agents who talk, and a seeded schedule of
//! faults: nodes killed, stopped and restarted, servers killed, wires cut, platforms that fail and repeat. At the end
//! the books are compared. `./dev weather` runs it long; the tests run it short and with a fixed seed.

pub mod balancer;
mod books;
mod faults;
mod nodes;
mod people;
mod phone;

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng};

use self::{books::Books, faults::Faults, nodes::Cluster};

/// How long and how hard; each from the environment, with what the tests run.
struct Plan {
    seed: u64,
    nodes: usize,
    faults: usize,
    contacts: usize,
    messages: usize,
    agents: usize,
}

fn number(name: &str, usual: usize) -> usize {
    let given = std::env::var(name).ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(usual)
}

impl Plan {
    fn given() -> Self {
        Self {
            seed: number("KEFU_WEATHER_SEED", 20_261_121) as u64,
            nodes: number("KEFU_WEATHER_NODES", 3),
            faults: number("KEFU_WEATHER_FAULTS", 12),
            contacts: number("KEFU_WEATHER_CONTACTS", 24),
            messages: number("KEFU_WEATHER_MESSAGES", 600),
            agents: number("KEFU_WEATHER_AGENTS", 3),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_and_in_order() {
    let plan = Plan::given();
    println!(
        "weather: seed {}, {} nodes, {} faults, {} messages of {} contacts, {} agents",
        plan.seed, plan.nodes, plan.faults, plan.messages, plan.contacts, plan.agents
    );
    let cluster = Arc::new(Cluster::start(plan.nodes, plan.agents).await);
    let books = Arc::new(Books::default());
    let agents = people::agents(&cluster, (plan.agents, plan.contacts), &books, plan.seed);
    people::connect_all(&cluster, plan.contacts).await;
    let customers = people::customers(&cluster, plan.contacts, plan.messages, &books, plan.seed);
    let mut faults = Faults::new(cluster.clone(), StdRng::seed_from_u64(plan.seed));
    let talking = futures_util::future::join_all(customers);
    let weather = faults.do_all(plan.faults);
    let (told, ()) = tokio::join!(talking, weather);
    let told: usize = told.into_iter().map(Result::unwrap).sum();
    println!("{}", faults.said());
    faults.all_is_well().await;
    println!("the weather is over; {told} messages were acknowledged");

    people::last_words(&cluster, plan.contacts, &books).await;
    agents.quiet().await;
    books
        .balance(
            &cluster,
            Duration::from_secs(number("KEFU_WEATHER_PATIENCE", 120) as u64),
        )
        .await;
    books.stored(&cluster).await;
    let people = cluster.people(plan.contacts).await;
    books::is_one_person_or_another(&people);
    people::close_all(&cluster, plan.contacts).await;
    cluster.settled(Duration::from_secs(120)).await;
    let depths = cluster.depths().await;
    assert_eq!(
        depths["assigned"], 0,
        "every agent's slot is free: {depths}"
    );
    assert_eq!(depths["queued"], 0, "nobody waits for ever: {depths}");
    println!("{}", books.summary(&cluster));
    println!("{}", books.ties(&people));
}
