//! What an operator sees of a message's way: how many, how long and what went wrong, by inbox and step.

use crate::stage::Stage;

/// The value of a series.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find(|line| {
        line.strip_prefix(series)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    let line = line.unwrap_or_else(|| panic!("{series} in\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_counted_and_timed_by_inbox() {
    let stage = Stage::of_people().await;
    stage
        .sandbox
        .order("wechat.send=-1x1,wechat.callback=duplicate")
        .unwrap();
    let phone = stage.phone("小周");
    assert!(phone.says("转人工").await.delivered());
    phone.hears_text("为您服务").await.unwrap();
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    agent.says(&card.peer, "在的").unwrap().await;
    phone.hears_text("在的").await.unwrap();
    stage.settled().await;

    let metrics = reqwest::get(format!("{}/metrics", stage.bridge.url));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let of = |name: &str, inbox: &str| value(&metrics, &format!("{name}{{inbox=\"{inbox}\"}}"));
    for inbox in ["mall", "desk"] {
        let accepted = of("kefu_accepted_total", inbox);
        assert!(accepted >= 1.0, "{inbox}: {accepted}");
        assert!(
            of("kefu_accept_seconds_count", inbox) >= accepted,
            "{inbox}"
        );
        assert!(of("kefu_accept_seconds_sum", inbox) > 0.0, "{inbox}");
        assert!(of("kefu_sent_total", inbox) >= 1.0, "{inbox}");
        assert!(of("kefu_send_seconds_sum", inbox) > 0.0, "{inbox}");
    }
    let (accepted, repeated) = (
        of("kefu_accepted_total", "mall"),
        of("kefu_repeated_total", "mall"),
    );
    assert!(
        repeated >= 1.0 && repeated <= accepted,
        "{repeated} of {accepted}"
    );
    assert!(
        of("kefu_turns_total", "mall") >= accepted,
        "the agent's, too"
    );
    assert!(of("kefu_turn_seconds_sum", "mall") > 0.0);
    let failed = "kefu_send_errors_total{inbox=\"mall\",code=\"-1\"}";
    assert!(value(&metrics, failed) >= 1.0);
    assert!(value(&metrics, "kefu_depth{of=\"assigned\"}") >= 1.0);
}

/// Prometheus sees no rise in what begins with its first failure: a burst that is over by then would alert nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_failed_yet_is_shown_as_nought() {
    let stage = Stage::usual().await;
    let metrics = reqwest::get(format!("{}/metrics", stage.bridge.url));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    for series in [
        "kefu_turn_errors_total",
        "kefu_chain_errors_total",
        "kefu_pull_errors_total{inbox=\"mall\"}",
        "kefu_sent_total{inbox=\"desk\"}",
        "kefu_errand_errors_total{bot=\"ai\"}",
        "kefu_callbacks_refused_total{status=\"503\"}",
        "kefu_live_closed_total{why=\"full\"}",
    ] {
        assert_eq!(value(&metrics, series), 0.0, "{series}");
    }
}
