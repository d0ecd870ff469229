//! One configuration laid over another, key by key: what the sandbox is told beside what it writes itself.

use std::path::Path;

use toml::{Table, Value};

use super::{Faults, Locale, wording};

/// A configuration's text with a file's laid over it: a key of the file replaces the same key, a section adds to it.
pub(crate) fn laid_over(text: &str, file: &Path) -> Result<String, Faults> {
    let wrong = |fault| Faults {
        all: vec![fault],
        locale: Locale::Zh,
    };
    let over = std::fs::read_to_string(file);
    let over = over.map_err(|error| wrong(wording::unreadable(file, &error)))?;
    let parsed = |text: &str| -> Result<Table, Faults> {
        text.parse()
            .map_err(|error| wrong(wording::of_toml(text, &error)))
    };
    let mut whole = parsed(text)?;
    lay(&mut whole, parsed(&over)?);
    Ok(whole.to_string())
}

fn lay(below: &mut Table, over: Table) {
    for (key, value) in over {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(over)) => lay(below, over),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_replaced_and_its_neighbours_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("more.toml");
        std::fs::write(&file, "[a.b]\nx = 2\n[c]\nz = [1]\n").unwrap();
        let whole = laid_over("[a]\ny = 1\n[a.b]\nx = 1\nw = 1\n", &file).unwrap();
        let whole: Table = whole.parse().unwrap();
        let wanted: Table = "[a]\ny = 1\n[a.b]\nx = 2\nw = 1\n[c]\nz = [1]\n"
            .parse()
            .unwrap();
        assert_eq!(whole, wanted);
    }

    #[test]
    fn a_file_that_is_none_says_which_and_where() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("more.toml");
        let said = laid_over("", &file).unwrap_err().to_string();
        assert!(said.contains("more.toml"), "{said}");
        std::fs::write(&file, "\n[a\n").unwrap();
        let said = laid_over("", &file).unwrap_err().to_string();
        assert!(said.contains("line 2"), "{said}");
    }
}
