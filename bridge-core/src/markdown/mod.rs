//! Markdown made plain: what a model writes, as a chat that shows no formatting can show it.
//!
//! No word is lost, only marks: headings and bold lose their signs, list items get a bullet, a table becomes one line
//! per row with its column names, code keeps its lines without the fence, a link becomes `text (url)`. Written for what
//! models produce rather than to the letter of CommonMark: `**“重点”**文字` is bold to everyone but that standard.
//! Everything works in one pass over bounded windows, so that no text makes it slow.

mod block;
mod delimiter;
mod html;
mod inline;
mod reference;
mod table;

pub use reference::{Reference, rewrite};

use block::{Fence, Line};

/// `markdown` as plain text.
pub fn plain(markdown: &str) -> String {
    let mut page = Page::default();
    let mut lines = markdown.lines().peekable();
    while let Some(raw) = lines.next() {
        if let Some(fence) = Fence::opened_by(raw) {
            page.code(std::iter::once(Fence::words(raw)).filter(|words| !words.is_empty()));
            page.code(lines.by_ref().take_while(|line| !fence.is_closed_by(line)));
            continue;
        }
        if let Some(next) = lines.peek()
            && let Some(header) = table::header(raw, next)
        {
            lines.next();
            let rows = std::iter::from_fn(|| lines.next_if(|line| table::is_row(line)));
            page.table(&header, rows);
            continue;
        }
        page.line(block::read(raw));
    }
    page.text
}

/// The plain text as it grows.
#[derive(Default)]
struct Page {
    text: String,
    wants_gap: bool,
}

impl Page {
    fn line(&mut self, line: Line<'_>) {
        match line {
            Line::Blank => self.wants_gap = true,
            Line::Rule => self.push("————"),
            Line::Underline => {}
            Line::Heading(text) => {
                self.wants_gap = true;
                self.push(&inline::plain(text));
            }
            Line::Item { depth, mark, text } => self.push(&format!(
                "{}{mark}{}",
                "  ".repeat(depth),
                inline::plain(text)
            )),
            Line::Text(text) => self.push(&inline::plain(text)),
        }
    }

    fn code<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        for line in lines {
            self.push(line.trim_end());
        }
    }

    fn table<'a>(&mut self, header: &[&str], rows: impl Iterator<Item = &'a str>) {
        let lines = table::readable(header, rows);
        for line in lines {
            self.push(&line);
        }
    }

    fn push(&mut self, line: &str) {
        if !self.text.is_empty() {
            let gap = std::mem::take(&mut self.wants_gap);
            self.text.push_str(if gap { "\n\n" } else { "\n" });
        }
        self.wants_gap = false;
        self.text.push_str(line);
    }
}

#[cfg(test)]
mod tests;
