//! What the command line says of itself: help and complaints in both languages, as everything else it prints before a
//! configuration says which one is wanted. clap knows the fault; its sentences are English only.

use clap::{
    Arg, Command,
    builder::StyledStr,
    error::{ContextKind as C, ContextValue, ErrorKind as K},
};

const PAGE: &str =
    "{before-help}{about-with-newline}\n用法 / Usage: {usage}\n\n{all-args}{after-help}";

/// A command whose help reads in both languages, and so does every command's below it.
pub(super) fn in_both(mut command: Command) -> Command {
    // Only then are clap's own there: help and version.
    command.build();
    headed(command)
}

fn headed(command: Command) -> Command {
    let below: Vec<String> = command
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    let command = match command.get_name() {
        "help" => command.about("显示帮助 / This page, or a command's"),
        _ => command,
    };
    let command = command
        .help_template(PAGE)
        .subcommand_help_heading("命令 / Commands")
        .mut_args(argument);
    below.iter().fold(command, |command, name| {
        command.mut_subcommand(name, headed)
    })
}

fn argument(arg: Arg) -> Arg {
    let heading = match arg.is_positional() {
        true => "参数 / Arguments",
        false => "选项 / Options",
    };
    let about = match arg.get_id().as_str() {
        "help" => Some("显示帮助 / Prints this".to_owned()),
        "version" => Some("显示版本 / Prints the version".to_owned()),
        _ => with_default(&arg),
    };
    let arg = arg.help_heading(heading).hide_default_value(true);
    match about {
        Some(about) => arg.help(about),
        None => arg,
    }
}

fn with_default(arg: &Arg) -> Option<String> {
    let default = arg.get_default_values().first()?.to_string_lossy();
    let about = arg.get_help().map(StyledStr::to_string)?;
    (!default.is_empty() && arg.get_action().takes_values())
        .then(|| format!("{about} [默认 / default: {default}]"))
}

/// What is wrong with what was typed: one line, then how it is written.
pub(super) fn complaint(error: &clap::Error) -> String {
    let (zh, en) = sentence(error);
    let mut lines = vec![format!("{zh} / {en}")];
    let nearest = [C::SuggestedSubcommand, C::SuggestedArg, C::SuggestedValue]
        .into_iter()
        .find_map(|kind| first(error, kind));
    lines.extend(nearest.map(|nearest| format!("  最接近的是 / did you mean: {nearest}")));
    if let Some(ContextValue::StyledStr(usage)) = error.get(C::Usage) {
        let usage = usage.to_string();
        let usage = usage.trim().trim_start_matches("Usage:").trim();
        lines.push(format!("  用法 / usage: {usage}"));
    }
    lines.push("  详见 / see: --help".to_owned());
    lines.join("\n")
}

fn sentence(error: &clap::Error) -> (String, String) {
    let argument = first(error, C::InvalidArg).unwrap_or_default();
    let value = first(error, C::InvalidValue).unwrap_or_default();
    match error.kind() {
        K::InvalidSubcommand => {
            let name = first(error, C::InvalidSubcommand).unwrap_or_default();
            (
                format!("没有“{name}”这个命令"),
                format!("there is no command {name}"),
            )
        }
        K::UnknownArgument if argument.starts_with('-') => (
            format!("没有 {argument} 这个选项"),
            format!("there is no option {argument}"),
        ),
        K::UnknownArgument | K::TooManyValues => (
            format!("多出了“{argument}{value}”"),
            format!("{argument}{value} is too much"),
        ),
        K::MissingRequiredArgument => {
            let missing = list(error, C::InvalidArg).join(" ");
            (format!("缺少 {missing}"), format!("{missing} is missing"))
        }
        K::MissingSubcommand => {
            let known = list(error, C::ValidSubcommand).join(" | ");
            (
                format!("缺少子命令：{known}"),
                format!("a command is missing: {known}"),
            )
        }
        K::InvalidValue | K::TooFewValues | K::WrongNumberOfValues if value.is_empty() => (
            format!("{argument} 后面缺少值"),
            format!("{argument} needs a value"),
        ),
        K::InvalidValue | K::ValueValidation => {
            let why = std::error::Error::source(error).map(|why| format!(": {why}"));
            let why = why.unwrap_or_default();
            (
                format!("{argument} 不能是“{value}”"),
                format!("{argument} cannot be {value}{why}"),
            )
        }
        K::ArgumentConflict => {
            let other = first(error, C::PriorArg).unwrap_or_default();
            (
                format!("{argument} 不能与 {other} 同时使用"),
                format!("{argument} cannot be used with {other}"),
            )
        }
        _ => (
            "命令写得不对".to_owned(),
            error
                .kind()
                .as_str()
                .unwrap_or("this cannot be read")
                .to_owned(),
        ),
    }
}

fn list(error: &clap::Error, kind: C) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn first(error: &clap::Error, kind: C) -> Option<String> {
    list(error, kind).into_iter().next()
}
