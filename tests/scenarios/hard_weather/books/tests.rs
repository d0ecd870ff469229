//! Each check can fail: books that balance, and one thing after the other done to them.

use std::{collections::BTreeMap, time::Duration};

use bridge_sandbox::{Author, Content as Shown, Message, Status};

use super::{
    Account, Answer, Left, Said, To,
    found::{self, AtDesk, Found, Heard, OnPhone, Stored},
    judge::{self, Rules},
};

/// What people said and what was found.
struct Play {
    accounts: BTreeMap<usize, Account>,
    found: Found,
}

/// A contact who asks the assistant one thing and a person two, and is answered to each.
fn contact(play: &mut Play, contact: usize) {
    let mut of = Account::default();
    for number in 1..=3 {
        let to = match number {
            1 => To::Assistant,
            _ => To::Person,
        };
        let at = Duration::from_secs(u64::from(number));
        let acknowledged = true;
        of.customer.insert(
            number,
            Said {
                at,
                to,
                acknowledged,
            },
        );
    }
    for (number, to) in [(1, 2), (2, 3)] {
        let (at, left) = (Duration::from_secs(1), Left::Told);
        of.agents.insert(number, Answer { at, to, left });
    }
    play.accounts.insert(contact, of);
    let found = &mut play.found;
    found.asked.insert((contact, 1));
    for number in [2, 3] {
        found.desks.push(AtDesk {
            order: u64::from(number) * 10 + contact as u64,
            at: 1000,
            agent: "a0".to_owned(),
            chat: format!("stand-in {contact}"),
            contact,
            number,
            given: true,
            repeats: false,
        });
    }
    let phone = [
        Heard::Assistant(vec![(contact, 1)]),
        Heard::Agent(contact, 1),
        Heard::Agent(contact, 2),
    ];
    let phone = phone.map(|what| OnPhone { at: 1000, what });
    found.phones.insert(contact, phone.into());
    let stored = [
        Stored::Contact(1),
        Stored::Assistant,
        Stored::Taken,
        Stored::Contact(2),
        Stored::Agent(1),
        Stored::Contact(3),
        Stored::Agent(2),
        Stored::Over,
    ];
    found.stored.insert(contact, stored.into());
}

/// What is wrong after this was done, where WeChat's rules hold for contact 1, and nothing excuses anything before time 5000.
fn wrong_after(change: impl FnOnce(&mut Play)) -> Vec<String> {
    let mut play = Play {
        accounts: BTreeMap::new(),
        found: Found::default(),
    };
    (1..=2).for_each(|number| contact(&mut play, number));
    change(&mut play);
    let rules = Rules {
        on_phone: &|contact, _, again| contact == 1 && again >= 5000,
        at_desk: &|_, again| again >= 5000,
    };
    let wrong = judge::wrong(&play.accounts, &play.found, &rules);
    wrong.iter().map(ToString::to_string).collect()
}

/// That this is noticed, in these words.
fn notices(words: &str, change: impl FnOnce(&mut Play)) {
    let wrong = wrong_after(change);
    assert!(
        wrong.iter().any(|line| line.contains(words)),
        "{words:?} is not among {wrong:#?}"
    );
}

#[test]
fn what_balances_balances() {
    assert_eq!(wrong_after(|_| ()), Vec::<String>::new());
}

#[test]
fn a_loss_is_noticed() {
    notices(
        "<1:3> was acknowledged and did not reach an agent",
        |play| {
            play.found
                .desks
                .retain(|line| (line.contact, line.number) != (1, 3));
        },
    );
    notices("<1:3> was for a person, and reached nobody", |play| {
        play.found
            .desks
            .retain(|line| (line.contact, line.number) != (1, 3));
    });
    notices("[2:1] did not reach the phone", |play| {
        play.found.phones.get_mut(&2).unwrap().remove(1);
    });
    notices("<1:2> was acknowledged and is not stored", |play| {
        play.found.stored.get_mut(&1).unwrap().remove(3);
    });
    notices("[1:1] is not stored", |play| {
        play.found.stored.get_mut(&1).unwrap().remove(4);
    });
    notices("<1:1> reached neither the assistant nor a person", |play| {
        play.found.asked.clear();
    });
}

/// What is said in the queue is shown with the conversation to whoever gets it, and needs no line of its own.
#[test]
fn what_waits_is_lost_only_where_nobody_is_shown_it() {
    let waits = |shown: bool| {
        move |play: &mut Play| {
            let lines = play.found.stored.get_mut(&1).unwrap();
            lines.insert(3, Stored::Waits);
            lines.insert(5, Stored::Taken);
            let number = |line: &AtDesk| (line.contact, line.number);
            play.found.desks.retain(|line| number(line) != (1, 2));
            if shown {
                play.found.shown.insert((1, 2));
            }
        }
    };
    assert_eq!(wrong_after(waits(true)), Vec::<String>::new());
    notices(
        "<1:2> reached neither the assistant nor a person",
        waits(false),
    );
    notices("<1:2> was for a person, and reached nobody", |play| {
        waits(true)(play);
        play.found.stored.get_mut(&1).unwrap().remove(3);
    });
}

#[test]
fn who_was_told_of_a_loss_has_lost_nothing_silently() {
    let wrong = wrong_after(|play| {
        play.found.phones.get_mut(&2).unwrap().remove(1);
        play.found.told.insert((2, 1));
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn who_answers_another_s_contact_is_told_of_each_message() {
    let line = |from, text: &str| Message {
        id: 0,
        at: 0,
        from,
        status: Status::Delivered,
        key: None,
        note: None,
        content: Shown::text(text),
    };
    let warning = || line(Author::Peer, "⚠ 该会话当前不由您接待，消息未发送给客户。");
    let mut chat = vec![
        line(Author::Agent, "[2:1]"),
        line(Author::Agent, "[2:2]"),
        line(Author::Agent, "[2:3]"),
        warning(),
    ];
    let refused = |chat: &[Message]| found::refused(2, chat, |number| number == 1);
    assert_eq!(refused(&chat), [(2, 2)], "one warning, one message");
    chat.push(warning());
    assert_eq!(refused(&chat), [(2, 2), (2, 3)]);
    chat.push(warning());
    assert_eq!(refused(&chat), [(2, 2), (2, 3)], "the first has arrived");

    let failed = Message {
        status: Status::Failed,
        ..line(Author::Agent, "[2:4]")
    };
    chat.push(failed);
    assert_eq!(refused(&chat), [(2, 2), (2, 3)], "it may be found yet");
    chat.push(line(Author::Peer, "ℹ 客户已结束会话。"));
    assert_eq!(refused(&chat), [(2, 2), (2, 3), (2, 4)]);

    let mut chat = vec![
        line(Author::Agent, "@7 [2:2]"),
        line(Author::Agent, "@8 [2:3]"),
        line(Author::Agent, "@8 [5:3]"),
        line(Author::Account, "没有 9 号客户。\n您当前没有接待中的客户。"),
    ];
    assert_eq!(refused(&chat), [], "that is another line");
    chat.push(line(Author::Account, "没有 8 号客户。\n接待中的客户："));
    assert_eq!(refused(&chat), [(2, 3)]);
    let warning = "【7 客户2】⚠ 该会话当前不由您接待，消息未发送给客户。";
    chat.push(line(Author::Account, warning));
    assert_eq!(refused(&chat), [(2, 3), (2, 2)]);
}

#[test]
fn what_comes_twice_is_noticed() {
    notices("<1:2> is there twice", |play| {
        let again = play.found.desks[0].clone();
        play.found.desks.push(AtDesk { at: 9000, ..again });
    });
    let again = |contact: usize, at: i64| {
        move |play: &mut Play| {
            let phone = play.found.phones.get_mut(&contact).unwrap();
            phone.insert(
                2,
                OnPhone {
                    at,
                    what: Heard::Agent(contact, 1),
                },
            );
        }
    };
    notices("[1:1] is on the phone twice, 10 ms apart", again(1, 1010));
    notices("[2:1] is on the phone twice", again(2, 9000));
    // Where the platform has nothing to tell a repeat by, and its answer was lost.
    assert_eq!(wrong_after(again(1, 9000)), Vec::<String>::new());
    notices("<1:2> is stored twice", |play| {
        play.found
            .stored
            .get_mut(&1)
            .unwrap()
            .insert(4, Stored::Contact(2));
    });
    notices("[1:1] is stored twice", |play| {
        play.found
            .stored
            .get_mut(&1)
            .unwrap()
            .push(Stored::Agent(1));
    });
}

#[test]
fn disorder_is_noticed() {
    notices("<1:2> comes after 3 at a0", |play| {
        play.found.desks.swap(0, 1)
    });
    notices("[1:1] comes after 2 on the phone", |play| {
        play.found.phones.get_mut(&1).unwrap().swap(1, 2);
    });
    notices("<1:2> is stored after 3", |play| {
        play.found.stored.get_mut(&1).unwrap().swap(3, 5);
    });
}

#[test]
fn a_stranger_is_noticed() {
    notices("<2:2> is in somebody else's chat", |play| {
        play.found.desks[2].chat = "stand-in 1".to_owned();
    });
    notices("<2:3> is in a second chat", |play| {
        play.found.desks[3].chat = "stand-in 3".to_owned();
    });
    notices("<2:2> is at a0, who was never given it", |play| {
        play.found.desks[2].given = false;
    });
    notices("[1:1] is on the phone of 2", |play| {
        let line = play.found.phones[&1][1].clone();
        play.found.phones.get_mut(&2).unwrap().push(line);
    });
    notices("<1:1> is on the phone of 2", |play| {
        let line = play.found.phones[&1][0].clone();
        play.found.phones.get_mut(&2).unwrap().push(line);
    });
    notices("<1:2> was said to a person, and nobody had it", |play| {
        play.found.stored.get_mut(&1).unwrap().remove(2);
    });
    notices("[1:9] was never said", |play| {
        let what = Heard::Agent(1, 9);
        let line = OnPhone { at: 1000, what };
        play.found.phones.get_mut(&1).unwrap().push(line);
    });
}

#[test]
fn an_assistant_that_speaks_over_a_person_is_noticed() {
    notices(
        "answered by the assistant after a person had spoken",
        |play| {
            play.found.phones.get_mut(&1).unwrap().swap(0, 1);
        },
    );
    notices("before the assistant spoke while a person had", |play| {
        play.found.stored.get_mut(&1).unwrap().swap(1, 2);
    });
}

#[test]
fn a_page_that_complains_is_heard() {
    notices("page: line 3 is shown after line 4", |play| {
        let complaint = "line 3 is shown after line 4".to_owned();
        play.found.complaints.insert(1, vec![complaint]);
    });
}
