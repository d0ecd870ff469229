//! A wrong configuration is refused with the key's path, what is wrong and an example; a right one is read.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use bridge_core::{registry::Registry, texts::Text};
use kefu_bridge::settings::{EXAMPLE, read};

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The faults' paths and lines of the example with some text replaced.
fn faults(from: &str, to: &str) -> Vec<(String, String)> {
    assert!(EXAMPLE.contains(from), "{from}");
    let faults = read(&EXAMPLE.replace(from, to), &BTreeMap::new()).unwrap_err();
    let line =
        |fault: &kefu_bridge::settings::Fault| (fault.path.clone(), fault.line(faults.locale));
    faults.all.iter().map(line).collect()
}

#[test]
fn the_example_is_a_configuration() {
    let settings = read(EXAMPLE, &BTreeMap::new()).unwrap();
    assert_eq!((settings.agents.len(), settings.bots.len()), (1, 1));
    let shown: BTreeSet<&str> = settings
        .inboxes
        .values()
        .map(|inbox| inbox.channel.as_str())
        .collect();
    let linked = Registry::linked().unwrap().channels.into_keys().collect();
    assert_eq!(shown, linked, "every channel is in the example");
}

#[test]
fn a_fault_names_its_path_and_what_is_right() {
    let cases = [
        (
            "drain_timeout = \"30s\"",
            "drain_timeout = \"soon\"",
            "server.drain_timeout",
            "30s",
        ),
        (
            "listen = \"127.0.0.1:8080\"",
            "listne = \"x\"",
            "server",
            "listne",
        ),
        ("[storage]", "[storgae]", "storgae", "storage"),
        (
            "drain_timeout = \"30s\"",
            "drain_timeout = 30",
            "server.drain_timeout",
            "引号",
        ),
        (
            "locale = \"zh-CN\"",
            "locale = \"cn\"",
            "server.locale",
            "zh-CN",
        ),
        (
            "listen = \"127.0.0.1:8080\"",
            "listen = \"127.0.0.1\"",
            "server.listen",
            "127.0.0.1:8080",
        ),
        (
            "${WECHAT_SECRET:-change-me}",
            "${WECHAT_SECRET",
            "inboxes.mall.app_secret",
            "${WECHAT_SECRET}",
        ),
        (
            "listen = \"127.0.0.1:8080\"",
            "listen = 127.0.0.1:8080",
            "line 10 (listen)",
            "双引号",
        ),
        (
            "locale = \"zh-CN\"",
            "locale = “zh-CN”",
            "line 15 (locale)",
            "中文引号",
        ),
        (
            "sqlite://data/kefu.db",
            "mysql://h/db",
            "storage.url",
            "sqlite://",
        ),
        ("memory://", "memcached://h", "cache.url", "redis://"),
        ("memory://", "redis://h:port/0", "cache.url", "redis://"),
        ("embedded://", "kafka://h", "queue.url", "amqp://"),
        (
            "kefu.notices",
            "amq.topic",
            "queue.exchange",
            "kefu.notices",
        ),
        (
            "channel = \"wechat\"",
            "channel = \"wecaht\"",
            "inboxes.mall.channel",
            "wechat",
        ),
        ("[bots.ai]", "[bots.weather]", "bots.weather", "use "),
        (
            "inbox = \"desk\"",
            "inbox = \"dsk\"",
            "agents.system.inbox",
            "desk",
        ),
        (
            "user_id = \"agent_system\"\n",
            "",
            "agents.system",
            "user_id",
        ),
        (
            "Mon-Fri 09:00-18:00",
            "Mon-Fri 9-18",
            "routing.working_hours",
            "09:00-18:00",
        ),
        (
            "on_duty = [\"system\"]",
            "on_duty = [\"nobody\"]",
            "routing.on_duty",
            "nobody",
        ),
        (
            "Asia/Shanghai",
            "Asia/Shangai",
            "server.timezone",
            "Asia/Shanghai",
        ),
        ("welcome = ", "welcom = ", "texts.welcom", "welcome"),
        (
            "${WECHAT_SECRET:-change-me}",
            "${WECHAT_SECRET}",
            "inboxes.mall.app_secret",
            "WECHAT_SECRET",
        ),
        (
            "https://kefu.example.com",
            "https://kefu.example.com/",
            "server.public_url",
            "https://",
        ),
    ];
    for (from, to, path, says) in cases {
        let faults = faults(from, to);
        let found = faults.iter().find(|(at, _)| at.starts_with(path));
        let (_, line) = found.unwrap_or_else(|| panic!("{to}: {faults:?}"));
        assert!(line.contains(says), "{to}: {line}");
    }
}

/// Of the right type, and yet nothing a bridge could run by.
#[test]
fn what_makes_no_sense_is_refused_by_its_key() {
    let agent = "[agents.system]\n";
    let twice = "[agents.two]\nuser_id = \"agent_system\"\n[agents.system]\n";
    let cases = [
        ("lease = \"10s\"", "lease = \"0s\"", "server.lease", "10s"),
        (
            "idle_timeout = \"24h\"",
            "idle_timeout = \"0s\"",
            "conversation.idle_timeout",
            "24h",
        ),
        (
            "retention = \"180d\"",
            "retention = \"1s\"",
            "conversation.retention",
            "3600s",
        ),
        (
            "merge_window = \"800ms\"",
            "merge_window = \"5h\"",
            "conversation.merge_window",
            "60s",
        ),
        (
            "connections = 16",
            "connections = 0",
            "storage.connections",
            "1",
        ),
        (
            "context_messages = 20",
            "context_messages = 100000",
            "conversation.context_messages",
            "500",
        ),
        (
            "\"人工客服\"]",
            "\" \"]",
            "conversation.transfer_words",
            "空",
        ),
        (
            "max_size = \"10MB\"",
            "max_size = \"0\"",
            "media.max_size",
            "10MB",
        ),
        ("\"*.qpic.cn\"", "\"*\"", "media.fetch_hosts", "“*”"),
        ("desk = \"desk\"", "desk = \"dsk\"", "routing.desk", "dsk"),
        (
            "user_id = \"agent_system\"",
            "user_id = \"\"",
            "agents.system.user_id",
            "不能为空",
        ),
        (agent, twice, "agents.two.user_id", "agents.system"),
        (
            "capacity = 10",
            "capacity = -1",
            "agents.system.capacity",
            "0 或更大的整数",
        ),
    ];
    for (from, to, path, says) in cases {
        let faults = faults(from, to);
        let [(at, line)] = faults.as_slice() else {
            panic!("{to}: one mistake is one fault: {faults:?}");
        };
        assert!(at == path && line.contains(says), "{to}: {line}");
    }
}

/// What contacts are told to say is heard, whatever the language they are told it in.
#[test]
fn contacts_are_told_words_that_are_heard() {
    for locale in ["zh-CN", "en"] {
        let text = format!("[server]\nlocale = \"{locale}\"\n");
        let settings = read(&text, &BTreeMap::new()).unwrap();
        let words = &settings.conversation.transfer_words;
        let told = [
            Text::Welcome,
            Text::Greeting,
            Text::BackToAssistant,
            Text::NobodyThere,
            Text::NotWaiting,
        ];
        for text in told {
            let said = settings.texts.say(text, &[]);
            let quoted = said.split(['“', '”', '"']).nth(1).unwrap();
            assert!(words.iter().any(|word| word == quoted), "{said}: {words:?}");
        }
    }
    let own = "[server]\nlocale = \"en\"\n[conversation]\ntransfer_words = [\"help\"]\n";
    let settings = read(own, &BTreeMap::new()).unwrap();
    assert_eq!(settings.conversation.transfer_words, ["help"]);
}

#[test]
fn all_faults_are_listed_at_once() {
    let text = EXAMPLE
        .replace("Asia/Shanghai", "Moon")
        .replace("inbox = \"desk\"", "inbox = \"x\"");
    assert_eq!(read(&text, &BTreeMap::new()).unwrap_err().all.len(), 2);
}

#[test]
fn the_environment_fills_and_overrides() {
    let set = environment(&[
        ("KEFU__SERVER__LISTEN", "127.0.0.1:9999"),
        ("KEFU__AGENTS__SYSTEM__CAPACITY", "3"),
    ]);
    let settings = read(EXAMPLE, &set).unwrap();
    assert_eq!(settings.server.listen.port(), 9999);
    assert_eq!(settings.agents.values().next().unwrap().capacity, 3);
}

#[test]
fn no_secret_is_shown() {
    let marker = "s3cret-marker";
    let text = EXAMPLE
        .replace("${WECHAT_SECRET:-change-me}", marker)
        .replace("strategy = \"least-loaded\"", "strategy = \"x\"");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), marker).unwrap();
    let text = text
        .replace("app_secret = ", "app_secret_file = ")
        .replace(marker, &file.path().display().to_string());
    let faults = read(&text, &BTreeMap::new()).unwrap_err();
    assert!(!faults.to_string().contains(marker), "{faults}");
}
