//! Emphasis: which runs of `*`, `_` and `~` are marks and which are words.
//!
//! A pair runs from one that touches the word after it to one that touches the word before it. A run of two or more that
//! touches any word is a mark even alone (bold over several lines, or cut short by the model); a lone single sign stays,
//! since `5*3` and footnotes are common, and signs inside Latin words and numbers stay, as in `snake_case`.

/// One run of equal signs, by what stands around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    sign: char,
    length: usize,
    opens: bool,
    closes: bool,
    in_latin: bool,
}

impl Run {
    pub(super) fn new(
        sign: char,
        length: usize,
        before: Option<char>,
        after: Option<char>,
    ) -> Self {
        let touches = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
        let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let in_latin = latin(before) && latin(after);
        let inside_word = in_latin && (sign == '_' || length == 1);
        let opens_here = touches(after) && !(sign == '_' && latin(before));
        let closes_here = touches(before) && !(sign == '_' && latin(after));
        Self {
            sign,
            length,
            opens: opens_here && !inside_word,
            closes: closes_here && !inside_word,
            in_latin,
        }
    }

    pub(super) fn text(self) -> String {
        self.sign.to_string().repeat(self.length)
    }

    /// Whether the run is a mark without any partner.
    fn stands_alone(self) -> bool {
        match self.sign {
            '*' => (2..=3).contains(&self.length) && (self.opens || self.closes) && !self.in_latin,
            _ => false,
        }
    }

    fn may_pair(self) -> bool {
        match self.sign {
            '~' => self.length == 2,
            _ => self.length <= 3,
        }
    }
}

/// For every run, in order, whether it is a mark.
pub(super) fn marks(runs: &[Run]) -> Vec<bool> {
    let mut is_mark: Vec<bool> = runs.iter().map(|run| run.stands_alone()).collect();
    let mut open: Vec<usize> = Vec::new();
    for (at, run) in runs.iter().enumerate().filter(|(_, run)| run.may_pair()) {
        if run.closes && close(runs, &mut open, *run, &mut is_mark) {
            is_mark[at] = true;
        } else if run.opens {
            open.push(at);
            // A window: what opened so long ago is not looked at again.
            if open.len() > NEAREST {
                open.remove(0);
            }
        }
    }
    is_mark
}

/// How many open runs are remembered.
const NEAREST: usize = 16;

/// Finds what `closing` closes: the nearest run of its length, or a single and a double for `***`.
fn close(runs: &[Run], open: &mut Vec<usize>, closing: Run, is_mark: &mut [bool]) -> bool {
    let fits =
        |at: &usize, length: usize| runs[*at].sign == closing.sign && runs[*at].length == length;
    if let Some(found) = open.iter().rposition(|at| fits(at, closing.length)) {
        is_mark[open[found]] = true;
        open.truncate(found);
        return true;
    }
    if closing.length != 3 {
        return false;
    }
    let one = open.iter().rposition(|at| fits(at, 1));
    let two = open.iter().rposition(|at| fits(at, 2));
    match (one, two) {
        (Some(one), Some(two)) => {
            is_mark[open[one]] = true;
            is_mark[open[two]] = true;
            open.truncate(one.min(two));
            true
        }
        _ => false,
    }
}
