use std::sync::Arc;

use bridge_core::{
    conversation::ToldPosition,
    message::{AgentName, Content},
    routing::{Desk, WorkingHours},
    testkit::{NOW, answer, desk, turn_of_agent, turn_of_contact, turn_of_waiting, words},
};

use super::*;

async fn by_system(line: &str, desk: Desk) -> Vec<Effect> {
    let mut turn = turn_of_agent("system", line);
    turn.desk = Arc::new(desk);
    answer(&Transfer, &turn).await.unwrap()
}

fn assign(agent: &str, note: Option<&str>) -> Vec<Effect> {
    vec![Effect::Assign {
        agent: AgentName::new(agent),
        note: note.map(str::to_owned),
    }]
}

fn route(skill: Option<&str>, note: Option<&str>) -> Vec<Effect> {
    vec![Effect::Route {
        skill: skill.map(str::to_owned),
        note: note.map(str::to_owned),
    }]
}

#[tokio::test]
async fn orders_and_what_they_come_to() {
    for (line, effects) in [
        ("#转接 -n lin", assign("lin", None)),
        ("#转接 --name=lin", assign("lin", None)),
        ("#转接 lin", assign("lin", None)),
        ("#transfer LIN", assign("lin", None)),
        ("#转接 小林", assign("lin", None)),
        (
            "#转接 ｌｉｎ -m \"要退货，请 优先\"",
            assign("lin", Some("要退货，请 优先")),
        ),
        ("#转接 lin -m ' '", assign("lin", None)),
        ("#转接 -n lin -s 售后", assign("lin", None)),
        ("#转接", route(None, None)),
        ("#转接 -s 售后", route(Some("售后"), None)),
        (
            "#转接 --skill=售后 --note 急",
            route(Some("售后"), Some("急")),
        ),
    ] {
        assert_eq!(by_system(line, desk()).await, effects, "{line}");
    }
}

#[tokio::test]
async fn refusals_change_nothing_and_say_why() {
    let lin = AgentName::new("lin");
    let mut full = desk();
    full.loads.insert(lin.clone(), 2);
    let mut offline = desk();
    offline.offline.insert(lin.clone());
    let mut closed = desk();
    // NOW is a Thursday.
    closed.hours =
        WorkingHours::parse(&["Sun 09:00-10:00".to_owned()], jiff::tz::TimeZone::UTC).unwrap();
    let mut closed_but_on_duty = closed.clone();
    closed_but_on_duty.on_duty.push(lin);
    for (line, desk, said) in [
        (
            "#转接 lin",
            full,
            "客服 小林 的接待数已满，会话未转接。可换一位，或只发 #转接 由系统分配。",
        ),
        (
            "#转接 lin",
            offline,
            "客服 小林 当前不在线，会话未转接。可换一位，或只发 #转接 由系统分配。",
        ),
        (
            "#转接 lin",
            closed,
            "客服 小林 当前不在班，会话未转接。可换一位，或只发 #转接 由系统分配。",
        ),
        ("#转接 system", desk(), "会话已经由 默认客服 接待。"),
        (
            "#转接 -n 王五六七",
            desk(),
            "没有名为“王五六七”的客服，会话未转接。",
        ),
        (
            "#转接 -n sistem",
            desk(),
            "没有名为“sistem”的客服，会话未转接。您是不是想找：system（默认客服）？",
        ),
        (
            "#转接 -s 维修",
            desk(),
            "没有掌握“维修”技能的客服，会话未转接。",
        ),
        (
            "#转接 -n lin -s 售前",
            desk(),
            "客服 小林 没有“售前”技能，会话未转接。",
        ),
    ] {
        let effects = by_system(line, desk).await;
        assert_eq!(words(&effects), [said], "{line}");
        assert_eq!(effects.len(), 1);
    }
    assert_eq!(
        by_system("#转接 lin", closed_but_on_duty).await,
        assign("lin", None)
    );
}

#[tokio::test]
async fn a_name_two_agents_share_means_neither() {
    let mut desk = desk();
    for agent in Arc::make_mut(&mut desk.agents).values_mut() {
        agent.display_name = "客服".to_owned();
    }
    let effects = by_system("#转接 客服", desk).await;
    assert!(words(&effects)[0].contains("system（客服）"), "{effects:?}");
}

#[tokio::test]
async fn a_colleagues_conversation_cannot_be_taken_but_one_nobody_has_can() {
    let mut turn = turn_of_agent("system", "#转接 lin");
    turn.agent = Some(AgentName::new("lin"));
    let effects = answer(&Transfer, &turn).await.unwrap();
    assert_eq!(words(&effects), ["⚠ 该会话当前不由您接待，命令未执行。"]);

    turn.conversation.phase = Phase::Assisted;
    assert_eq!(answer(&Transfer, &turn).await, Ok(assign("lin", None)));

    turn.conversation.phase = Phase::Resolved { since: NOW };
    let effects = answer(&Transfer, &turn).await.unwrap();
    assert_eq!(words(&effects), ["当前状态下无法执行该操作。"]);
}

#[tokio::test]
async fn a_contact_gets_a_person_unless_one_is_there_or_on_the_way() {
    assert_eq!(
        answer(&Transfer, &turn_of_contact("转人工")).await,
        Ok(route(None, None))
    );

    let mut waiting = turn_of_waiting("转人工");
    assert_eq!(
        answer(&Transfer, &waiting).await,
        Ok(vec![Effect::TellPosition])
    );
    waiting.conversation.told_position = Some(ToldPosition {
        position: 1,
        at: NOW,
    });
    assert_eq!(answer(&Transfer, &waiting).await, Ok(Vec::new()));

    let mut assigned = turn_of_contact("转人工");
    assigned.conversation.phase = turn_of_agent("lin", "").conversation.phase;
    assert_eq!(
        answer(&Transfer, &assigned).await,
        Ok(vec![Effect::Relay(Content::text("转人工"))])
    );
}
