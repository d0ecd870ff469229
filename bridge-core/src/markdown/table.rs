//! Tables as lines: a phone is too narrow for columns, so each row names what it holds.

use super::inline;

/// Cells beyond this many are taken as one.
const WIDEST: usize = 40;

/// Names longer than this, in characters, stand once above the rows: repeated in each, a long one and many rows would
/// become gigabytes.
const LONGEST_NAME: usize = 32;

/// The column names, when `line` begins a table, which the row of dashes in `next` shows.
pub(super) fn header<'a>(line: &'a str, next: &str) -> Option<Vec<&'a str>> {
    (is_row(line) && is_delimiter(next)).then(|| cells(line).collect())
}

pub(super) fn is_row(line: &str) -> bool {
    line.contains('|')
}

fn is_delimiter(line: &str) -> bool {
    let text = line.trim();
    text.contains('-')
        && text.contains('|')
        && text.bytes().all(|b| matches!(b, b'|' | b'-' | b':' | b' '))
}

/// `• name: cell; name: cell` for every row; the names alone when there are no rows.
pub(super) fn readable<'a>(header: &[&str], rows: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<String> = header.iter().map(|name| inline::plain(name)).collect();
    let mut lines: Vec<String> = rows.map(|row| readable_row(&names, row)).collect();
    if lines.is_empty()
        || names
            .iter()
            .enumerate()
            .any(|(at, _)| !is_shown(at, &lines, &names))
    {
        lines.insert(0, joined(names.iter().cloned(), " | "));
    }
    lines
}

/// Whether the name of column `at` stands in some row: a column of empty cells would lose its name otherwise.
fn is_shown(at: usize, lines: &[String], names: &[String]) -> bool {
    names[at].is_empty() || lines.iter().any(|line| line.contains(&names[at]))
}

fn readable_row(names: &[String], row: &str) -> String {
    let pairs = cells(row).enumerate().map(|(at, cell)| {
        let cell = inline::plain(cell);
        match names.get(at) {
            Some(name) if is_repeated(name) && !cell.is_empty() => format!("{name}: {cell}"),
            _ => cell,
        }
    });
    format!("• {}", joined(pairs, "; "))
}

fn is_repeated(name: &str) -> bool {
    !name.is_empty() && name.chars().nth(LONGEST_NAME).is_none()
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(between)
}

/// The cells of a row; `\|` is a character of its cell.
fn cells(row: &str) -> impl Iterator<Item = &str> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').unwrap_or(row);
    let mut escaped = false;
    row.splitn(WIDEST, move |c| {
        let splits = c == '|' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
    .map(str::trim)
}
