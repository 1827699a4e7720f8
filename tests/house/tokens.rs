//! Rust code as tokens: without comments, and with nothing of what is in string and character literals.

#[derive(Debug, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of a file. A word (identifier, keyword or number) is one token, and so are `::` and a literal (`""`); anything else is
/// a token for each character.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut code = Code { chars: source.chars().collect(), at: 0 };
    let (mut tokens, mut line) = (Vec::new(), 1);
    while code.at < code.chars.len() {
        let begin = code.at;
        if let Some(text) = code.token() {
            tokens.push(Token { text, line });
        }
        line += code.chars[begin..code.at.min(code.chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Whether a token is an identifier or keyword.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

struct Code {
    chars: Vec<char>,
    at: usize,
}

impl Code {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Goes past one token, comment or space.
    fn token(&mut self) -> Option<String> {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => {
                while !matches!(self.peek(0), '\n' | '\0') {
                    self.at += 1;
                }
                None
            }
            ('/', '*') => {
                self.block_comment();
                None
            }
            ('"', _) => Some(self.string()),
            ('\'', _) => self.character_or_lifetime(),
            (':', ':') => {
                self.at += 2;
                Some("::".into())
            }
            (first, _) if is_word(first) => Some(self.word()),
            (first, _) => {
                self.at += 1;
                (!first.is_whitespace()).then(|| first.to_string())
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                ('\0', _) => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    /// A literal in double quotes, from its first quote.
    fn string(&mut self) -> String {
        self.at += 1;
        while !matches!(self.peek(0), '"' | '\0') {
            self.at += if self.peek(0) == '\\' { 2 } else { 1 };
        }
        self.at += 1;
        "\"\"".into()
    }

    fn character_or_lifetime(&mut self) -> Option<String> {
        if self.peek(1) != '\\' && self.peek(2) != '\'' {
            self.at += 1;
            while is_word(self.peek(0)) {
                self.at += 1;
            }
            return None;
        }
        self.at += if self.peek(1) == '\\' { 3 } else { 2 };
        while !matches!(self.peek(0), '\'' | '\0') {
            self.at += 1;
        }
        self.at += 1;
        Some("\"\"".into())
    }

    /// A word, or the literal that it begins: `b"…"`, `r#"…"#`, `b'…'`.
    fn word(&mut self) -> String {
        let begin = self.at;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        let word: String = self.chars[begin..self.at].iter().collect();
        match (word.as_str(), self.peek(0)) {
            ("b" | "c", '"') => self.string(),
            ("b", '\'') => self.character_or_lifetime().unwrap_or_default(),
            ("r" | "br" | "cr", '"' | '#') => {
                let hashes = self.chars[self.at..].iter().take_while(|c| **c == '#').count();
                if self.peek(hashes) != '"' {
                    self.at += 1; // r#name
                    return self.word();
                }
                self.at += hashes + 1;
                while self.at < self.chars.len() && !(self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#'))
                {
                    self.at += 1;
                }
                self.at += hashes + 1;
                "\"\"".into()
            }
            _ => word,
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
