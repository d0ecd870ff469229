//! Finds any of many words in a text. Letters are compared folded, and blanks between them are looked over, since that
//! is how such words are hidden.

use std::{collections::BTreeMap, ops::Range};

use bridge_core::bot::grammar::fold;

/// The words, by their first letter, longest first.
pub(super) struct Finder(BTreeMap<char, Vec<Vec<char>>>);

/// A letter as it is compared, and where it stands in the text.
struct Letter {
    folded: char,
    at: Range<usize>,
}

impl Finder {
    /// `None` where one of the words is empty.
    pub(super) fn new(words: &[String]) -> Option<Self> {
        let mut by_first: BTreeMap<char, Vec<Vec<char>>> = BTreeMap::new();
        for word in words {
            let letters: Vec<char> = letters(word).map(|letter| letter.folded).collect();
            by_first.entry(*letters.first()?).or_default().push(letters);
        }
        for words in by_first.values_mut() {
            words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        }
        Some(Self(by_first))
    }

    /// Where they are, in order, not overlapping.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let letters: Vec<Letter> = letters(text).collect();
        let mut found = Vec::new();
        let mut rest = letters.as_slice();
        while let Some(first) = rest.first() {
            let length = self.length_at(rest);
            if let Some(last) = length.checked_sub(1).and_then(|last| rest.get(last)) {
                found.push(first.at.start..last.at.end);
            }
            rest = &rest[length.max(1)..];
        }
        found
    }

    /// How many letters the word takes that begins here; 0: none does.
    fn length_at(&self, letters: &[Letter]) -> usize {
        let words = letters.first().and_then(|first| self.0.get(&first.folded));
        let fits = |word: &&Vec<char>| {
            word.len() <= letters.len() && word.iter().zip(letters).all(|(a, b)| *a == b.folded)
        };
        words
            .and_then(|words| words.iter().find(fits))
            .map_or(0, Vec::len)
    }
}

/// The text with each letter of these places covered.
pub(super) fn covered(text: &str, places: &[Range<usize>], cover: char) -> String {
    let mut covered = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        covered.push_str(&text[from..place.start]);
        covered.extend(text[place.clone()].chars().map(|_| cover));
        from = place.end;
    }
    covered.push_str(&text[from..]);
    covered
}

fn letters(text: &str) -> impl Iterator<Item = Letter> {
    text.char_indices()
        .filter(|(_, c)| !c.is_whitespace() && !matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}'))
        .filter_map(|(start, c)| {
            // Folding may make several letters of one (`İ`); the first is enough to compare by.
            let folded = fold(c.encode_utf8(&mut [0; 4])).chars().next()?;
            let at = start..start + c.len_utf8();
            Some(Letter { folded, at })
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finder(words: &[&str]) -> Finder {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Finder::new(&words).unwrap()
    }

    fn hidden(words: &[&str], text: &str) -> String {
        covered(text, &finder(words).find(text), '*')
    }

    #[test]
    fn the_longest_word_that_begins_here_is_taken() {
        assert_eq!(hidden(&["微信", "微信号"], "微信号是"), "***是");
        assert_eq!(hidden(&["ab", "bc"], "abc"), "**c");
        assert_eq!(hidden(&["aab"], "aaab"), "a***");
    }

    proptest! {
        /// Whatever is said: nothing is found again once it is covered, and the rest stays as it was.
        #[test]
        fn what_is_covered_is_gone(text in "[ab微信 \u{200b}ＡB]{0,40}.{0,20}") {
            let finder = finder(&["ab", "微信", "b a"]);
            let places = finder.find(&text);
            let hidden = covered(&text, &places, '*');
            prop_assert_eq!(hidden.chars().count(), text.chars().count());
            prop_assert!(finder.find(&hidden).is_empty());
        }
    }
}
