//! Reading a fault specification, with errors that say where and what is wrong.

use std::time::Duration;

use super::{Fault, Kind, OPERATIONS, PEERS};

/// The longest `slow`.
const SLOWEST_MS: u64 = 600_000;

/// Why a specification was refused: the part at fault and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault `{part}`: {reason}")]
pub struct SpecError {
    /// The part of the specification that is wrong, as it was written.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads faults separated by commas; an empty text means none.
pub fn parse(text: &str) -> Result<Vec<Fault>, SpecError> {
    let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    parts
        .map(|part| {
            fault(part).map_err(|reason| SpecError {
                part: part.to_owned(),
                reason,
            })
        })
        .collect()
}

fn fault(part: &str) -> Result<Fault, String> {
    let (aim, effect) = part
        .split_once('=')
        .ok_or("expected TARGET=KIND, such as wechat.send=45015x2")?;
    let (target, who) = target(aim.trim())?;
    let (effect, probability) = probability(effect.trim())?;
    let (effect, times) = times(effect)?;
    let (kind, certain) = kind(effect, &target)?;
    Ok(Fault {
        target,
        who,
        kind,
        times,
        probability: probability.or(certain).unwrap_or(1.0),
    })
}

fn target(aim: &str) -> Result<(String, Option<String>), String> {
    let (name, who) = match aim.split_once('(') {
        None => (aim, None),
        Some((name, rest)) => {
            let who = rest.strip_suffix(')').ok_or("`(` without `)` at its end")?;
            (name.trim_end(), Some(who.trim()))
        }
    };
    if who == Some("") {
        return Err("nobody is named between the parentheses".into());
    }
    if PEERS.contains(&name) || OPERATIONS.contains(&name) {
        return Ok((name.to_owned(), who.map(str::to_owned)));
    }
    let known = PEERS.iter().chain(OPERATIONS).copied();
    let list = known.collect::<Vec<_>>().join(", ");
    Err(format!("unknown target `{name}`; known are {list}"))
}

fn probability(effect: &str) -> Result<(&str, Option<f64>), String> {
    match effect.rsplit_once('@') {
        None => Ok((effect, None)),
        Some((rest, number)) => Ok((rest.trim_end(), Some(chance(number.trim())?))),
    }
}

fn chance(number: &str) -> Result<f64, String> {
    let value = number.parse::<f64>().ok();
    value
        .filter(|p| (0.0..=1.0).contains(p))
        .ok_or_else(|| format!("`{number}` is no probability between 0 and 1"))
}

/// A trailing `x` and digits; the x of a word such as `expire` is none.
fn times(effect: &str) -> Result<(&str, Option<u32>), String> {
    let Some((rest, count)) = effect.rsplit_once('x') else {
        return Ok((effect, None));
    };
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((effect, None));
    }
    let count = count.parse::<u32>().ok().filter(|count| *count > 0);
    let count = count.ok_or("a count is at least 1 and fits 32 bits")?;
    Ok((rest, Some(count)))
}

/// The kind, and the probability that a callback's kind carries as its argument.
fn kind(effect: &str, target: &str) -> Result<(Kind, Option<f64>), String> {
    let (word, argument) = match effect.split_once(':') {
        None => (effect, None),
        Some((word, argument)) => (word, Some(argument)),
    };
    if target.ends_with("callback") {
        return callback_kind(word, argument);
    }
    if let Some(kind) = kf_kind(word, argument, target) {
        return Ok((kind?, None));
    }
    let kind = call_kind(word, argument, target.starts_with("dify"))?;
    Ok((kind, None))
}

/// What only pages and messages of WeChat KF can suffer.
fn kf_kind(word: &str, argument: Option<&str>, target: &str) -> Option<Result<Kind, String>> {
    let count = |low: u32| {
        let number = argument.and_then(|text| text.parse().ok());
        let number = number.filter(|number| (low..=1000).contains(number));
        number.ok_or_else(|| format!("{word} needs a number from {low} to 1000, such as {word}:2"))
    };
    Some(match (target, word) {
        ("kf.sync", "empty") if argument.is_none() => Ok(Kind::Empty),
        ("kf.sync", "page") => count(1).map(Kind::PageOf),
        ("kf.sync", "replay") => count(1).map(Kind::Replay),
        ("kf.send", "fail") => count(0).map(Kind::SendFail),
        _ => return None,
    })
}

fn callback_kind(word: &str, argument: Option<&str>) -> Result<(Kind, Option<f64>), String> {
    if word == "slow" {
        return Ok((Kind::Slow(millis(argument)?), None));
    }
    let probability = argument.map(chance).transpose()?;
    let kind = match word {
        "duplicate" => Kind::Duplicate,
        "reorder" => Kind::Reorder,
        "drop" => Kind::Drop,
        "forge" => Kind::Forge,
        _ => {
            return Err(format!(
                "`{word}` does nothing to a callback; known are duplicate, reorder, drop, forge (each with :PROBABILITY), slow:MS"
            ));
        }
    };
    Ok((kind, probability))
}

fn call_kind(word: &str, argument: Option<&str>, dify: bool) -> Result<Kind, String> {
    if let Ok(code) = word.parse::<i64>() {
        return number(code, dify);
    }
    match (word, argument) {
        ("slow", _) => Ok(Kind::Slow(millis(argument)?)),
        ("http", Some(status)) => http(status),
        ("http", None) => Err("http needs a status, such as http:502".into()),
        ("error", code) if dify => Ok(Kind::StreamError(code.map(str::to_owned))),
        (_, Some(argument)) => Err(format!("`{word}` takes no argument (`{argument}`)")),
        ("hang", None) => Ok(Kind::Hang),
        ("cut", None) => Ok(Kind::Cut),
        ("cut-after", None) => Ok(Kind::CutAfter),
        ("cut-mid", None) => Ok(Kind::CutMid),
        ("mute", None) if dify => Ok(Kind::Mute),
        ("expire", None) if !dify => Ok(Kind::Expire),
        (_, None) => Err(unknown_kind(word, dify)),
    }
}

fn unknown_kind(word: &str, dify: bool) -> String {
    let own = match dify {
        true => "error[:CODE], mute, an HTTP status",
        false => "expire, an error code",
    };
    format!(
        "unknown kind `{word}`; known are slow:MS, hang, cut, cut-mid, cut-after, http:STATUS, {own}"
    )
}

fn number(code: i64, dify: bool) -> Result<Kind, String> {
    match (dify, code) {
        (true, 400..=599) => http(&code.to_string()),
        (true, _) => Err("Dify fails with an HTTP status from 400 to 599".into()),
        (false, 0) => Err("0 means success; order an error code".into()),
        (false, code) => Ok(Kind::Code(code)),
    }
}

fn http(status: &str) -> Result<Kind, String> {
    let value = status.parse::<u16>().ok();
    let value = value.filter(|status| (400..=599).contains(status));
    value
        .map(Kind::Http)
        .ok_or_else(|| format!("`{status}` is no HTTP status from 400 to 599"))
}

fn millis(argument: Option<&str>) -> Result<Duration, String> {
    let value = argument.and_then(|ms| ms.parse::<u64>().ok());
    value
        .filter(|ms| *ms <= SLOWEST_MS)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("slow needs milliseconds up to {SLOWEST_MS}, such as slow:800"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Fault {
        parse(text).unwrap().remove(0)
    }

    #[test]
    fn the_documented_example_reads() {
        let faults =
            parse("wechat.send=45015x2,tim.send=slow:800, dify=cut ,callback=duplicate:0.1")
                .unwrap();
        let written: Vec<String> = faults.iter().map(Fault::to_string).collect();
        assert_eq!(
            written,
            [
                "wechat.send=45015x2",
                "tim.send=slow:800",
                "dify=cut",
                "callback=duplicate@0.1"
            ]
        );
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for text in [
            "wechat=-1x3@0.5",
            "wechat.send(oABC)=expire",
            "tim.send=cut-afterx1",
            "dify.chat=error:provider_quota_exceededx2",
            "dify=http:502",
            "tim.callback=reorder@0.25",
            "callback=slow:10x4",
            "kf.sync=emptyx1",
            "kf.sync=page:2",
            "kf.sync=replay:3x1",
            "kf.send(wm1)=fail:10x1",
        ] {
            assert_eq!(one(text).to_string(), text);
        }
        assert_eq!(one("dify=429").to_string(), "dify=http:429");
    }

    #[test]
    fn refusals_name_the_part_and_the_remedy() {
        for (text, expected) in [
            ("wechat.send", "expected TARGET=KIND"),
            ("wechat.sned=45015", "unknown target `wechat.sned`"),
            ("wechat.send(=45015", "`(` without `)`"),
            ("wechat.send()=45015", "nobody is named"),
            ("wechat.send=slow", "slow needs milliseconds"),
            ("wechat.send=slow:9999999", "slow needs milliseconds"),
            ("wechat.send=45015x0", "at least 1"),
            ("wechat.send=0", "0 means success"),
            ("wechat.send=45015@1.5", "no probability"),
            ("wechat.send=mute", "unknown kind `mute`"),
            ("dify=40001", "HTTP status"),
            ("tim.send=http:200", "no HTTP status"),
            ("tim.send=cut:3", "takes no argument"),
            ("callback=45015", "does nothing to a callback"),
            ("kf.sync=replay", "needs a number"),
            ("kf.send=empty", "unknown kind `empty`"),
        ] {
            let error = parse(&format!("dify=cut,{text}")).unwrap_err();
            assert_eq!(error.part, text);
            assert!(error.reason.contains(expected), "{text}: {}", error.reason);
        }
    }

    #[test]
    fn nothing_ordered_is_nothing_wrong() {
        assert_eq!(parse(" , ").unwrap(), []);
    }
}
