//! The files of a crate and the arrows between them, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::circles::circles;
use crate::paths::{names, Kind, Named, Names};

pub struct House {
    pub files: Vec<File>,
    /// The index of the file of each module.
    modules: BTreeMap<Vec<String>, usize>,
}

pub struct File {
    /// In `src/`.
    pub path: String,
    module: Vec<String>,
    names: Names,
    lines: usize,
}

/// One file names something that is in another one.
struct Arrow {
    from: usize,
    to: usize,
    line: usize,
    /// As it was named, from the crate's root.
    path: Vec<String>,
    /// Where it is defined, if `path` is that of a re-export.
    definition: Option<Vec<String>>,
}

type Edges = BTreeMap<String, BTreeSet<String>>;

impl House {
    /// A crate of files: their paths in `src/`, and their text.
    pub fn new(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: Vec<File> = sources
            .into_iter()
            .map(|(path, text)| {
                let module = module_of(&path);
                File { names: names(&module, &text), lines: text.lines().count(), path, module }
            })
            .collect();
        let modules = files.iter().enumerate().map(|(index, file)| (file.module.clone(), index)).collect();
        Self { files, modules }
    }

    /// Arrows to a higher room, or to another room in the same row; and files in no room.
    pub fn turning_back(&self, rooms: &[&[&str]]) -> Vec<String> {
        let level = |path: &str| {
            let room = room(path);
            rooms.iter().position(|row| row.contains(&room))
        };
        let mut offences = Vec::new();
        for file in self.files.iter().filter(|file| level(&file.path).is_none()) {
            offences.push(format!(
                "src/{}: `{}` is in no room. Say in ROOMS in tests/house/main.rs how high it is, and in CONTRIBUTING.md",
                file.path,
                room(&file.path)
            ));
        }
        for arrow in self.arrows() {
            let (from, to) = (&self.files[arrow.from].path, &self.files[arrow.to].path);
            if room(from) == room(to) {
                continue;
            }
            if let (Some(here), Some(there)) = (level(from), level(to)) {
                if there >= here {
                    let place = if there > here { "above" } else { "beside" };
                    offences.push(format!(
                        "src/{from}:{}: names `{}`, which is in src/{to}: `{}` is {place} `{}`, and arrows point down only. \
                         Move the item down, or hand it over as an argument",
                        arrow.line,
                        in_crate(&arrow.path),
                        room(to),
                        room(from),
                    ));
                }
            }
        }
        offences
    }

    pub fn circles_of_files(&self) -> Vec<String> {
        let entry = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        circles(&self.edges()).iter().map(|circle| self.describe(circle, entry)).collect()
    }

    /// Circles between what lies side by side in a folder, if a folder is among it.
    pub fn circles_of_folders(&self) -> Vec<String> {
        let mut edges = Edges::new();
        for (from, targets) in self.edges() {
            for to in targets {
                let (from, to) = side_by_side(&from, &to);
                edges.entry(from).or_default().insert(to);
            }
        }
        let of_folders = |circle: &Vec<String>| circle.iter().any(|entry| entry.ends_with('/'));
        circles(&edges).iter().filter(|circle| of_folders(circle)).map(|c| self.describe(c, side_by_side)).collect()
    }

    fn describe(&self, circle: &[String], entry: impl Fn(&str, &str) -> (String, String)) -> String {
        let mut text = format!(
            "a circle: {}. Move what two of them need into a file below both, or make one file of them. Its arrows:",
            circle.join(" ↔ ")
        );
        for arrow in self.arrows() {
            let (from, to) = (&self.files[arrow.from].path, &self.files[arrow.to].path);
            let (from_entry, to_entry) = entry(from, to);
            if from_entry != to_entry && circle.contains(&from_entry) && circle.contains(&to_entry) {
                let _ = write!(text, "\n  src/{from}:{}: names `{}` (src/{to})", arrow.line, in_crate(&arrow.path));
            }
        }
        text
    }

    /// Imports and paths that lead through a re-export. (Re-exports themselves may.)
    pub fn through_reexports(&self) -> Vec<String> {
        let mut offences = Vec::new();
        for arrow in self.arrows() {
            if let Some(definition) = &arrow.definition {
                offences.push(format!(
                    "src/{}:{}: `{}` is a re-export. Name the definition: `{}`",
                    self.files[arrow.from].path,
                    arrow.line,
                    in_crate(&arrow.path),
                    in_crate(definition)
                ));
            }
        }
        offences
    }

    /// Glob imports outside of `mod tests`.
    pub fn globs(&self) -> Vec<String> {
        let mut offences = Vec::new();
        for file in &self.files {
            for named in file.names.named.iter().filter(|named| named.kind == Kind::Glob) {
                if !named.module[file.module.len()..].iter().any(|name| name == "tests") {
                    let (path, line, text) = (&file.path, named.line, named.path.join("::"));
                    offences.push(format!("src/{path}:{line}: `use {text}::*` hides what it imports. Name each item"));
                }
            }
        }
        offences
    }

    /// Files and modules that are named in a text, where no arrow is seen.
    pub fn hidden(&self) -> Vec<String> {
        let lines = self.files.iter().flat_map(|file| file.names.in_texts.iter().map(move |line| (&file.path, line)));
        lines
            .map(|(path, line)| format!("src/{path}:{line}: a text hides what it names. Import it by a `use` line"))
            .collect()
    }

    /// Modules whose file has another name, and files that stand in for others.
    pub fn twins(&self) -> Vec<String> {
        let mut offences = Vec::new();
        for file in &self.files {
            for line in &file.names.path_attributes {
                offences.push(format!(
                    "src/{}:{line}: a `path` attribute. A module's file has its name; put `#[cfg(…)]` on what differs",
                    file.path
                ));
            }
            if file.path.ends_with("_off.rs") {
                offences.push(format!(
                    "src/{}:1: a file for the case that a feature is off. Put `#[cfg(…)]` on what differs, in one file",
                    file.path
                ));
            }
        }
        offences
    }

    pub fn long(&self, most: usize) -> Vec<String> {
        let long = self.files.iter().filter(|file| file.lines > most);
        long.map(|f| format!("src/{}:{}: more than {most} lines. Split it by its ideas", f.path, f.lines)).collect()
    }

    /// What each file names of others.
    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for arrow in self.arrows().into_iter().filter(|arrow| arrow.from != arrow.to) {
            let (from, to) = (&self.files[arrow.from].path, &self.files[arrow.to].path);
            edges.entry(from.clone()).or_default().insert(to.clone());
        }
        edges
    }

    /// All that is named in the crate, also of a file by itself.
    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, file) in self.files.iter().enumerate() {
            for named in &file.names.named {
                let Some(path) = self.absolute(file, named, 0) else { continue };
                let (to, defined_at) = self.follow(&path, 0);
                if self.is_mere_reexport(file, named, to) {
                    continue;
                }
                let definition = (defined_at != path).then_some(defined_at);
                arrows.push(Arrow { from, to, line: named.line, path, definition });
            }
            arrows.extend(self.calls(from));
        }
        arrows
    }

    /// Calls of a type's functions, on `self` or by the name of the type, that another file gives to the type. No path names that
    /// file.
    fn calls(&self, from: usize) -> impl Iterator<Item = Arrow> + '_ {
        let file = &self.files[from];
        let by_type = file.names.named.iter().filter_map(|named| match (&named.kind, &named.path[..]) {
            (Kind::Inline, [.., of, name]) => Some((of, name, named.line)),
            _ => None,
        });
        let on_self = file.names.called.iter().map(|(of, name, line)| (of, name, *line));
        on_self.chain(by_type).filter_map(move |(of, name, line)| {
            let key = (of.clone(), name.clone());
            let gives = |other: &File| other.names.given.contains(&key);
            let to = (0..self.files.len()).find(|to| gives(&self.files[*to])).filter(|_| !gives(file))?;
            let path = self.files[to].module.iter().cloned().chain([of.clone(), name.clone()]).collect();
            Some(Arrow { from, to, line, path, definition: None })
        })
    }

    /// A `pub use` in the head of a folder, of something in that folder that the head does not use itself.
    fn is_mere_reexport(&self, file: &File, named: &Named, to: usize) -> bool {
        let is_head = file.path == "lib.rs" || file.path.ends_with("mod.rs");
        match &named.kind {
            Kind::Use { name, is_public: true } => {
                is_head && self.files[to].module.starts_with(&file.module) && !file.names.words.contains(name)
            }
            _ => false,
        }
    }

    /// A path from the crate's root, unless it leads out of the crate.
    fn absolute(&self, file: &File, named: &Named, depth: usize) -> Option<Vec<String>> {
        let (first, mut rest) = named.path.split_first()?;
        let mut base = named.module.clone();
        match first.as_str() {
            "crate" => base.clear(),
            "self" | "super" => {
                if first == "super" {
                    base.pop();
                }
                while let Some((_, more)) = rest.split_first().filter(|(first, _)| *first == "super") {
                    base.pop();
                    rest = more;
                }
            }
            _ => {
                // A module below this one, or below the one around an inline module; or something imported.
                let around = (file.module.len()..=base.len()).rev();
                let below = around.map(|len| [&base[..len], std::slice::from_ref(first)].concat());
                if let Some(module) = below.into_iter().find(|module| self.modules.contains_key(module)) {
                    base = module;
                } else if depth < 8 {
                    let import =
                        file.names.named.iter().find(|other| binds(other, first) && other.path != [first.as_str()])?;
                    base = self.follow(&self.absolute(file, import, depth + 1)?, 0).1;
                } else {
                    return None;
                }
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The file in which something is, and its path there, through any number of re-exports.
    fn follow(&self, path: &[String], depth: usize) -> (usize, Vec<String>) {
        let (len, index) = (0..=path.len())
            .rev()
            .find_map(|len| self.modules.get(&path[..len]).map(|index| (len, *index)))
            .expect("a crate has a lib.rs");
        let file = &self.files[index];
        if let Some((name, rest)) = path[len..].split_first().filter(|_| depth < 8) {
            let imports = file.names.named.iter().filter(|named| named.module == file.module && binds(named, name));
            for import in imports {
                if let Some(target) = self.absolute(file, import, 0).filter(|target| target != &path[..=len]) {
                    let target = [target.as_slice(), rest].concat();
                    return self.follow(&target, depth + 1);
                }
            }
        }
        (index, path.to_vec())
    }
}

fn binds(named: &Named, name: &str) -> bool {
    matches!(&named.kind, Kind::Use { name: bound, .. } if bound == name)
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`; `lib.rs` is the root.
fn module_of(path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if stem == "lib" {
        return Vec::new();
    }
    stem.split('/').map(str::to_owned).collect()
}

/// The folder in `src/` that a file is in, or the file itself.
fn room(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Two files as the two entries of the innermost folder that has both: files, or folders (with a `/`).
fn side_by_side(from: &str, to: &str) -> (String, String) {
    let shared = from.split_inclusive('/').zip(to.split_inclusive('/')).take_while(|(a, b)| a == b).count();
    let entry = |path: &str| path.split_inclusive('/').take(shared + 1).collect();
    (entry(from), entry(to))
}

fn in_crate(path: &[String]) -> String {
    std::iter::once("crate").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("::")
}
