//! Template cards: their blocks, their limits, their codes (WeCom notes, 4.1).

use std::collections::HashSet;

use serde_json::Value;

use super::errors::{Refusal, refuse, refuse_with};
use super::state::{AppState, State};
use crate::content::{CardButton, CardOption, CardQuestion, CardRow, TemplateCard};

/// Whether a media id is a living file.
type FileCheck<'a> = &'a dyn Fn(&Value) -> Result<(), Refusal>;

/// The cards with something to answer.
const INTERACTIVE: &[&str] = &[
    "button_interaction",
    "vote_interaction",
    "multiple_interaction",
];
const NOTICES: &[&str] = &["text_notice", "news_notice"];

/// Whether a card comes with a response code: it is interactive, or has a menu.
pub(super) fn answers(card: &TemplateCard) -> bool {
    INTERACTIVE.contains(&card.kind.as_str()) || !card.menu.is_empty()
}

/// A card's task id is its own within the app.
pub(super) fn claim(app: &mut AppState, card: &TemplateCard) -> Result<(), Refusal> {
    match &card.task_id {
        Some(task) if !app.tasks.insert(task.clone()) => {
            Err(refuse_with(42014, "task_id was used before"))
        }
        _ => Ok(()),
    }
}

/// The card of a message, or what is wrong with it.
pub(super) fn read(
    state: &State,
    app: usize,
    card: &Value,
    file: FileCheck<'_>,
) -> Result<TemplateCard, Refusal> {
    let kind = text(card, "card_type");
    let interactive = INTERACTIVE.contains(&kind.as_str());
    if !interactive && !NOTICES.contains(&kind.as_str()) {
        return Err(refuse(42031));
    }
    if interactive && !state.apps[app].settings.receives {
        return Err(refuse(43012));
    }
    let menu = menu(&card["action_menu"])?;
    let read = TemplateCard {
        task_id: task_id(card, interactive || !menu.is_empty())?,
        source: text(&card["source"], "desc"),
        title: text(&card["main_title"], "title"),
        description: text(&card["main_title"], "desc"),
        emphasis: words(&card["emphasis_content"]),
        quote: quote(&card["quote_area"])?,
        text: text(card, "sub_title_text"),
        picture_url: picture(card, &kind)?,
        rows: rows(state, card, file)?,
        links: links(&card["jump_list"])?,
        url: action(card, !interactive)?,
        menu,
        kind,
        ..TemplateCard::default()
    };
    let titled = !read.title.is_empty() || (read.kind == "text_notice" && !read.text.is_empty());
    match titled {
        true => answerable(read, card),
        false => Err(refuse(42033)),
    }
}

/// What a card asks: buttons, choices, a submit button.
fn answerable(mut read: TemplateCard, card: &Value) -> Result<TemplateCard, Refusal> {
    match read.kind.as_str() {
        "button_interaction" => {
            if card["button_selection"].is_object() {
                let asked = question(&card["button_selection"], 10, false)?;
                read.questions.push(asked);
            }
            read.buttons = buttons(&card["button_list"])?;
        }
        "vote_interaction" => {
            let several = card["checkbox"]["mode"] == 1;
            read.questions = vec![question(&card["checkbox"], 20, several)?];
            read.submit = Some(submit(card)?);
        }
        "multiple_interaction" => {
            let lists = list(&card["select_list"]);
            if !(1..=3).contains(&lists.len()) {
                return Err(refuse(42047));
            }
            let asked = lists.iter().map(|list| question(list, 10, false));
            read.questions = asked.collect::<Result<_, _>>()?;
            read.submit = Some(submit(card)?);
        }
        _ => {}
    }
    Ok(read)
}

fn task_id(card: &Value, needed: bool) -> Result<Option<String>, Refusal> {
    let id = text(card, "task_id");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@".contains(&byte);
    match (id.is_empty(), needed) {
        (true, false) => Ok(None),
        (true, true) => Err(refuse(42014)),
        _ if id.len() <= 128 && id.bytes().all(plain) => Ok(Some(id)),
        _ => Err(refuse(42014)),
    }
}

fn menu(menu: &Value) -> Result<Vec<CardButton>, Refusal> {
    if !menu.is_object() {
        return Ok(Vec::new());
    }
    let entries = list(&menu["action_list"]);
    if !(1..=3).contains(&entries.len()) {
        return Err(refuse_with(40058, "action_list has 1 to 3"));
    }
    let entries: Vec<CardButton> = entries
        .iter()
        .map(|entry| button(entry, 0))
        .collect::<Result<_, _>>()?;
    let keys: HashSet<&String> = entries.iter().map(|entry| &entry.key).collect();
    match keys.len() == entries.len() {
        true => Ok(entries),
        false => Err(refuse(42051)),
    }
}

fn buttons(value: &Value) -> Result<Vec<CardButton>, Refusal> {
    let buttons = list(value);
    if !(1..=6).contains(&buttons.len()) {
        return Err(refuse_with(40058, "button_list has 1 to 6"));
    }
    let read = |one: &Value| button(one, one["type"].as_i64().unwrap_or(0));
    buttons.iter().map(read).collect()
}

/// A button: type 1 opens a page, the others come back with their key.
fn button(button: &Value, kind: i64) -> Result<CardButton, Refusal> {
    let label = needed(button, "text", 42038)?;
    let style = button["style"].as_i64().unwrap_or(1);
    if !(1..=4).contains(&style) {
        return Err(refuse_with(40058, "style is 1 to 4"));
    }
    let (key, url) = match kind {
        1 => (String::new(), Some(needed(button, "url", 42028)?)),
        _ => (needed(button, "key", 42039)?, None),
    };
    if key.len() > 1024 {
        return Err(refuse_with(40058, "key is longer than 1024 bytes"));
    }
    Ok(CardButton {
        text: label,
        key,
        style,
        url,
    })
}

fn submit(card: &Value) -> Result<CardButton, Refusal> {
    let button = &card["submit_button"];
    Ok(CardButton {
        text: needed(button, "text", 42049)?,
        key: needed(button, "key", 42046)?,
        style: 1,
        url: None,
    })
}

fn question(asked: &Value, most: usize, several: bool) -> Result<CardQuestion, Refusal> {
    let options = list(&asked["option_list"]);
    if !(1..=most).contains(&options.len()) {
        return Err(refuse(42037));
    }
    let mut chosen = Vec::new();
    if let Some(id) = asked["selected_id"].as_str() {
        chosen.push(id.to_owned());
    }
    let mut read = Vec::new();
    for option in options {
        let id = needed(option, "id", 42040)?;
        let text = needed(option, "text", 42041)?;
        if option["is_checked"] == true {
            chosen.push(id.clone());
        }
        read.push(CardOption { id, text });
    }
    Ok(CardQuestion {
        key: needed(asked, "question_key", 42043)?,
        title: text(asked, "title"),
        options: read,
        several,
        chosen,
    })
}

fn rows(state: &State, card: &Value, file: FileCheck<'_>) -> Result<Vec<CardRow>, Refusal> {
    let (across, down) = (
        list(&card["horizontal_content_list"]),
        list(&card["vertical_content_list"]),
    );
    if across.len() > 6 {
        return Err(refuse(42035));
    }
    if down.len() > 4 {
        return Err(refuse(42036));
    }
    let mut rows = Vec::new();
    for row in across {
        let name = needed(row, "keyname", 42027)?;
        let url = match row["type"].as_i64().unwrap_or(0) {
            1 => Some(needed(row, "url", 42028)?),
            2 => {
                needed(row, "media_id", 42029)?;
                file(&row["media_id"])?;
                None
            }
            3 => {
                let user = needed(row, "userid", 42050)?;
                state.member(&user).ok_or_else(|| refuse(42050))?;
                None
            }
            _ => None,
        };
        let value = text(row, "value");
        rows.push(CardRow { name, value, url });
    }
    for row in down {
        rows.push(CardRow {
            name: needed(row, "title", 42033)?,
            value: text(row, "desc"),
            url: None,
        });
    }
    Ok(rows)
}

fn links(value: &Value) -> Result<Vec<CardRow>, Refusal> {
    let links = list(value);
    if links.len() > 3 {
        return Err(refuse(42042));
    }
    let read = |link: &Value| {
        let name = needed(link, "title", 42033)?;
        let url = opens(link)?;
        let value = String::new();
        Ok(CardRow { name, value, url })
    };
    links.iter().map(read).collect()
}

/// Where something leads: type 1 a page, 2 a mini program, else nowhere.
fn opens(value: &Value) -> Result<Option<String>, Refusal> {
    match value["type"].as_i64() {
        Some(1) => needed(value, "url", 42028).map(Some),
        Some(2) => needed(value, "appid", 42030).map(|_| None),
        _ => Ok(None),
    }
}

fn action(card: &Value, needed: bool) -> Result<Option<String>, Refusal> {
    let action = &card["card_action"];
    let leads = matches!(action["type"].as_i64(), Some(1 | 2));
    match needed && !leads {
        true => Err(refuse(42045)),
        false => opens(action),
    }
}

fn quote(quote: &Value) -> Result<String, Refusal> {
    opens(quote)?;
    let (title, words) = (text(quote, "title"), text(quote, "quote_text"));
    Ok([title, words].join("\n").trim().to_owned())
}

fn picture(card: &Value, kind: &str) -> Result<Option<String>, Refusal> {
    if kind != "news_notice" {
        return Ok(None);
    }
    let image = &card["card_image"];
    let beside = &card["image_text_area"];
    if !image.is_object() && beside.is_object() {
        return needed(beside, "image_url", 42044).map(Some);
    }
    let ratio = image["aspect_ratio"].as_f64().unwrap_or(1.3);
    match (1.3..=2.25).contains(&ratio) {
        true => needed(image, "url", 42044).map(Some),
        false => Err(refuse_with(40058, "aspect_ratio is 1.3 to 2.25")),
    }
}

/// A title and what is under it.
fn words(value: &Value) -> String {
    let (title, desc) = (text(value, "title"), text(value, "desc"));
    [title, desc].join(" ").trim().to_owned()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// A text that has a code of its own where it is missing.
fn needed(value: &Value, key: &str, code: i64) -> Result<String, Refusal> {
    match text(value, key) {
        text if text.is_empty() => Err(refuse(code)),
        text => Ok(text),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
