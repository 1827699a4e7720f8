//! What a file names of others: its `use` lines and the paths in its code.

use std::collections::BTreeSet;

use crate::tokens::{is_name, tokens, Token};

/// One leaf of a `use` line, or one path in the code.
#[derive(Debug)]
pub struct Named {
    pub line: usize,
    /// As written, with the groups around it: `crate::a::b`. Begins with `::` if it says that it is another crate's.
    pub path: Vec<String>,
    /// The module in which it stands, inline modules among it.
    pub module: Vec<String>,
    pub kind: Kind,
}

#[derive(Debug, PartialEq)]
pub enum Kind {
    Use { name: String, is_public: bool },
    Glob,
    Inline,
}

/// What is read of a file.
#[derive(Debug, Default)]
pub struct Names {
    pub named: Vec<Named>,
    /// The words of the code outside of `use` lines.
    pub words: BTreeSet<String>,
    /// Lines with an attribute that gives a module another file: `#[path = …]`, `#[cfg_attr(…, path = …)]`.
    pub path_attributes: Vec<usize>,
    /// Lines that name a file or a module in a text: `#[serde(with = "crate::…")]`, `include!("….rs")`.
    pub in_texts: Vec<usize>,
    /// Functions that the file gives to a type, by the names of both (`impl Type { fn function … }`).
    pub given: BTreeSet<(String, String)>,
    /// Functions that are called on `self` or `Self`: the name of its type and theirs, with the line.
    pub called: Vec<(String, String, usize)>,
}

/// Reads the file of a module.
pub fn names(module: &[String], source: &str) -> Names {
    let tokens = tokens(source);
    let text = |index: usize| tokens.get(index).map_or("", |token: &Token| token.text.as_str());
    let is_hidden = |line: &str| {
        let line = line.trim_start();
        let path = ["\"crate::", "\"super::", "\"self::"].iter().any(|path| line.contains(path));
        !line.starts_with("//") && (path && line.contains(" = \"") || line.contains("include!("))
    };
    let in_texts = (1..).zip(source.lines()).filter(|(_, line)| is_hidden(line)).map(|(line, _)| line).collect();
    let mut names = Names { in_texts, ..Names::default() };
    let mut inline: Vec<(usize, String)> = Vec::new(); // modules in braces, with the depth of theirs
    let mut own: Option<(usize, Impl)> = None; // the `impl` block around, with the depth of its brace
    let (mut at, mut depth) = (0, 0);
    while at < tokens.len() {
        let here: Vec<String> = module.iter().cloned().chain(inline.iter().map(|(_, name)| name.clone())).collect();
        let before = |back: usize| at.checked_sub(back).map_or("", text);
        match text(at) {
            "{" => depth += 1,
            "}" => {
                if inline.last().is_some_and(|(begun, _)| *begun == depth) {
                    inline.pop();
                }
                own.take_if(|(begun, _)| *begun == depth);
                depth -= 1;
            }
            "impl" if own.is_none() && matches!(before(1), "" | ";" | "}" | "]" | "{" | "unsafe") => {
                own = Impl::read(&tokens[at + 1..]).map(|block| (depth + 1, block));
            }
            "mod" if text(at + 2) == "{" => {
                depth += 1;
                inline.push((depth, text(at + 1).into()));
                at += 2;
            }
            "use" if text(at + 1) != "<" => {
                let is_public = is_public(&tokens[..at]);
                at += 1;
                let mut leaves = Leaves { tokens: &tokens, at, is_public, module: here, named: &mut names.named };
                leaves.read(Vec::new());
                at = leaves.at;
            }
            "[" if before(1) == "#" || (before(1) == "!" && before(2) == "#") => {
                let end = at + tokens[at..].iter().position(|token| token.text == "]").unwrap_or(0);
                if (at..end).any(|index| text(index) == "path" && text(index + 1) == "=") {
                    names.path_attributes.push(tokens[at].line);
                }
            }
            word if is_name(word) => {
                names.words.insert(word.into());
                if let Some((begun, block)) = &own {
                    let is_called = text(at + 1) == "(" && before(1) == "." && before(2) == "self";
                    if before(1) == "fn" && depth == *begun && !block.is_of_trait {
                        names.given.insert((block.of.clone(), word.into()));
                    } else if is_called {
                        names.called.push((block.of.clone(), word.into(), tokens[at].line));
                    }
                }
                let is_visibility = before(1) == "in" && before(2) == "(" && before(3) == "pub";
                let is_start = before(1) != "::" && text(at + 1) == "::" && is_name(text(at + 2));
                let (line, mut path) = (tokens[at].line, vec![word.to_owned()]);
                while is_start && text(at + 1) == "::" && is_name(text(at + 2)) {
                    at += 2;
                    path.push(text(at).into());
                }
                if let (Some((_, block)), [first, called]) = (&own, &path[..]) {
                    if first == "Self" && text(at + 1) == "(" {
                        names.called.push((block.of.clone(), called.clone(), line));
                    }
                }
                if is_start && !is_visibility {
                    names.named.push(Named { line, path, module: here, kind: Kind::Inline });
                }
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// The head of an `impl` block.
struct Impl {
    /// The name of its type, without the path to it.
    of: String,
    is_of_trait: bool,
}

impl Impl {
    /// Reads what follows the word `impl`.
    fn read(tokens: &[Token]) -> Option<Self> {
        let (mut angles, mut is_of_trait, mut of) = (0, false, None);
        for (index, token) in tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" | "where" => break,
                "<" => angles += 1,
                ">" if tokens.get(index.wrapping_sub(1)).is_none_or(|before| before.text != "-") => angles -= 1,
                "for" if angles == 0 => is_of_trait = true,
                word if angles == 0 && is_name(word) => of = Some(word.to_owned()),
                _ => {}
            }
        }
        of.map(|of| Self { of, is_of_trait })
    }
}

/// Whether what follows these tokens is `pub`, `pub(crate)`, `pub(in …)`.
fn is_public(before: &[Token]) -> bool {
    let mut rest = before;
    if rest.last().is_some_and(|token| token.text == ")") {
        let open = rest.iter().rposition(|token| token.text == "(").unwrap_or(0);
        rest = &rest[..open];
    }
    rest.last().is_some_and(|token| token.text == "pub")
}

/// Reads the tree of a `use` line.
struct Leaves<'a> {
    tokens: &'a [Token],
    at: usize,
    is_public: bool,
    module: Vec<String>,
    named: &'a mut Vec<Named>,
}

impl Leaves<'_> {
    fn text(&self) -> &str {
        self.tokens.get(self.at).map_or(";", |token| token.text.as_str())
    }

    fn read(&mut self, mut path: Vec<String>) {
        loop {
            match self.text() {
                "::" => {
                    if path.is_empty() {
                        path.push("::".into());
                    }
                    self.at += 1;
                }
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(), "}" | ";") {
                        self.read(path.clone());
                        if self.text() == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    self.at += 1;
                    self.push(path, Kind::Glob);
                    return;
                }
                word if is_name(word) => {
                    let word = word.to_owned();
                    path.push(word.clone());
                    self.at += 1;
                    if self.text() == "::" {
                        continue;
                    }
                    if path.len() > 1 && word == "self" {
                        path.pop();
                    }
                    let mut name = path.last().cloned().unwrap_or_default();
                    if self.text() == "as" {
                        self.at += 1;
                        name = self.text().into();
                        self.at += 1;
                    }
                    self.push(path, Kind::Use { name, is_public: self.is_public });
                    return;
                }
                _ => {
                    self.at += 1;
                    return;
                }
            }
        }
    }

    fn push(&mut self, path: Vec<String>, kind: Kind) {
        let line = self.tokens[self.at - 1].line;
        self.named.push(Named { line, path, module: self.module.clone(), kind });
    }
}
