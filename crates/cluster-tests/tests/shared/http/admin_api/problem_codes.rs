//! `docs/API.md` lists the codes, and each is produced by a test.

use std::path::{Path, PathBuf};

/// Rust files below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What only tests say: files of `tests` folders, and what follows `mod tests` in others.
fn tests_of_all_crates() -> String {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    let mut text = String::new();
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let whole = file.iter().any(|part| part == "tests");
        let tests = source.split_once("\nmod tests {").map(|(_, tests)| tests);
        text.push_str(if whole {
            &source
        } else {
            tests.unwrap_or_default()
        });
    }
    text
}

#[test]
fn every_documented_code_is_produced_by_a_test() {
    let page = include_str!("../../../../../../docs/API.md");
    let (_, table) = page.split_once("## Problem codes").unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let codes: Vec<&str> = cells
        .flat_map(|line| line.split('|').next().unwrap().split('`'))
        .filter(|code| code.chars().any(char::is_alphabetic))
        .collect();
    assert!(codes.len() > 40, "the table was not read: {codes:?}");
    let tests = tests_of_all_crates();
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !tests.contains(&format!("\"{code}\"")))
        .collect();
    assert!(missing.is_empty(), "no test produces {missing:?}");
}
