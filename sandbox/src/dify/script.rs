//! What the model behind an app does with a question: a list of steps, written by a test, by markers in the question, or by the
//! shop assistant.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Holds an answer back until a test opens it.
#[derive(Clone, Debug, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self::default()
    }

    /// Lets the answer go on.
    pub fn open(&self) {
        self.0.cancel();
    }

    pub(super) async fn passed(&self) {
        self.0.cancelled().await;
    }
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Say(String),
    /// These words, and the question after them.
    Echo(String),
    Replace(String),
    Wait(Duration),
    Hold(Gate),
    Tool {
        name: String,
        found: String,
    },
    File {
        url: String,
    },
    Fail {
        code: String,
        status: u16,
        message: String,
    },
    Cut,
    /// The stream ends without any closing event.
    Vanish,
    /// Nothing but pings, for ever.
    Mute,
}

/// An answer written in advance.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) when: Option<String>,
    pub(super) user: Option<String>,
    pub(super) always: bool,
    pub(super) cut_every: Option<usize>,
}

impl Script {
    /// An empty answer to the next question.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the next question with these words, streamed in pieces.
    pub fn answer(text: &str) -> Self {
        Self::new().says(text)
    }

    /// Only for a question that contains this.
    pub fn when(mut self, part: &str) -> Self {
        self.when = Some(part.to_owned());
        self
    }

    /// Only for this `user`.
    pub fn for_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// For every question that fits, not just the next.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Cuts the stream every so many bytes, through characters and events alike.
    pub fn cut_every(mut self, bytes: usize) -> Self {
        self.cut_every = Some(bytes.max(1));
        self
    }

    /// Says more.
    pub fn says(self, text: &str) -> Self {
        self.step(Step::Say(text.to_owned()))
    }

    /// Says these words and the question after them.
    pub fn echoes(self, words: &str) -> Self {
        self.step(Step::Echo(words.to_owned()))
    }

    /// Reasons aloud, as models do that write `<think>`.
    pub fn thinks(self, text: &str) -> Self {
        self.step(Step::Say(format!("<think>{text}</think>")))
    }

    /// Replaces everything said so far (`message_replace`).
    pub fn replaces(self, text: &str) -> Self {
        self.step(Step::Replace(text.to_owned()))
    }

    /// Is silent for a while; pings go on.
    pub fn waits(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Is silent until the gate opens; pings go on.
    pub fn holds(self, gate: &Gate) -> Self {
        self.step(Step::Hold(gate.clone()))
    }

    /// Uses a tool (shown by agent apps only).
    pub fn uses_tool(self, name: &str, found: &str) -> Self {
        self.step(Step::Tool {
            name: name.to_owned(),
            found: found.to_owned(),
        })
    }

    /// Gives a file that a tool made (`message_file`).
    pub fn gives_file(self, url: &str) -> Self {
        self.step(Step::File {
            url: url.to_owned(),
        })
    }

    /// Fails: an `error` event when streaming, an error answer when blocking.
    pub fn fails(self, code: &str, status: u16, message: &str) -> Self {
        self.step(Step::Fail {
            code: code.to_owned(),
            status,
            message: message.to_owned(),
        })
    }

    /// Cuts the connection.
    pub fn cuts(self) -> Self {
        self.step(Step::Cut)
    }

    /// Ends the stream without a closing event, as a killed server does.
    pub fn vanishes(self) -> Self {
        self.step(Step::Vanish)
    }

    /// Sends pings for ever.
    pub fn mutes(self) -> Self {
        self.step(Step::Mute)
    }

    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn fits(&self, user: &str, query: &str) -> bool {
        self.when.as_ref().is_none_or(|part| query.contains(part))
            && self.user.as_ref().is_none_or(|wanted| wanted == user)
    }

    /// The behaviour that markers in a question ask for, around the answer that it would have got.
    pub(super) fn marked(query: &str, answer: &str) -> Option<Self> {
        let has = |marker: &str| query.contains(&format!("[{marker}]"));
        let overload = "[sandbox] Error: API request failed with status code 503: overloaded";
        let script = Self::new();
        Some(match () {
            () if has("error") => {
                script
                    .says("请稍")
                    .fails("completion_request_error", 400, overload)
            }
            () if has("quota") => script.fails(
                "provider_quota_exceeded",
                400,
                "Your quota has been exhausted.",
            ),
            () if has("cut") => script.says(answer).cuts(),
            () if has("vanish") => script.says(answer).vanishes(),
            () if has("mute") => script.mutes(),
            () if has("think") => script
                .thinks("用户在问什么？先想一想。\n再回答。\n")
                .says(answer),
            () if has("replace") => script.says("这句话不该被看到。").replaces(answer),
            () if has("tool") => script
                .uses_tool("order_query", "{'state': 'sent'}")
                .says(answer),
            () if has("split") => script.cut_every(1).says(answer),
            () if has("long") => script.says(&long_text()),
            () if has("empty") => script,
            () => script.waits(slow(query)?).says(answer),
        })
    }
}

/// `[slow]` means 3 s, `[slow 800]` means 800 ms; at most ten minutes.
fn slow(query: &str) -> Option<Duration> {
    let (_, rest) = query.split_once("[slow")?;
    let (argument, _) = rest.split_once(']')?;
    let millis = match argument.trim() {
        "" => 3000,
        number => number.parse::<u64>().ok()?.min(600_000),
    };
    Some(Duration::from_millis(millis))
}

fn long_text() -> String {
    let line = |n: u32| {
        format!(
            "{n}. 这是一段很长的回答，用来检验按字节和按句子拆分：商品、订单、物流与售后各有说明。\n"
        )
    };
    (1..=80).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_choose_the_behaviour() {
        let steps = |query: &str| Script::marked(query, "好").map(|script| script.steps);
        assert!(steps("你好").is_none());
        assert!(matches!(steps("[slow]").unwrap()[0], Step::Wait(time) if time.as_secs() == 3));
        assert!(
            matches!(steps("[slow 800] 在吗").unwrap()[0], Step::Wait(time) if time.as_millis() == 800)
        );
        assert!(steps("[slow x]").is_none());
        assert!(matches!(steps("[error]").unwrap()[1], Step::Fail { .. }));
        assert_eq!(Script::marked("[split]", "好").unwrap().cut_every, Some(1));
    }

    #[test]
    fn a_script_fits_its_user_and_its_question() {
        let script = Script::answer("好").when("退货").for_user("u1");
        assert!(script.fits("u1", "我要退货"));
        assert!(!script.fits("u2", "我要退货") && !script.fits("u1", "你好"));
    }
}
