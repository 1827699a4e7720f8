//! The tree of `src/` in a document, and whether it is so.

use std::collections::{BTreeMap, BTreeSet};

/// Compares the tree in `document` with the files of `src/`: every file and every folder has one line, with a description.
///
/// The tree is the code block whose first line begins with `src/`; two spaces lead one level down, folders end with `/`, and two
/// spaces or more lead to the description.
pub fn check(name: &str, document: &str, files: &[String]) -> Vec<String> {
    let mut block = document.lines().enumerate().skip_while(|(_, line)| !line.starts_with("src/"));
    let Some((start, _)) = block.next() else {
        return vec![format!("{name}:1: no code block with the tree of `src/`. Add one, a line for each file")];
    };
    let mut offences = Vec::new();
    let mut listed: BTreeMap<String, usize> = BTreeMap::new();
    let mut folders: Vec<String> = Vec::new();
    for (index, line) in block.take_while(|(_, line)| !line.starts_with("```")) {
        let line_number = index + 1;
        let entry = line.trim_start();
        let level = (line.len() - entry.len()) / 2;
        let (entry, description) = entry.split_once("  ").unwrap_or((entry, ""));
        folders.truncate(level.saturating_sub(1));
        let path = format!("{}{entry}", folders.concat());
        if description.trim().is_empty() {
            offences.push(format!("{name}:{line_number}: `src/{path}` has no description. Say what it holds"));
        }
        if entry.ends_with('/') {
            folders.push(entry.to_owned());
        }
        if listed.insert(path.clone(), line_number).is_some() {
            offences.push(format!("{name}:{line_number}: `src/{path}` is listed twice. Remove one of the lines"));
        }
    }
    let mut exist: BTreeSet<String> = files.iter().cloned().collect();
    for file in files {
        exist.extend(file.match_indices('/').map(|(at, _)| file[..=at].to_owned()));
    }
    for path in exist.iter().filter(|path| !listed.contains_key(*path)) {
        offences.push(format!("{name}:{}: the tree lacks `src/{path}`. Add a line for it", start + 1));
    }
    for (path, line) in listed.iter().filter(|(path, _)| !exist.contains(*path)) {
        offences.push(format!("{name}:{line}: there is no `src/{path}`. Remove the line"));
    }
    offences
}
