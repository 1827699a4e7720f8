//! `benches/table` runs this: it runs `instructions` under callgrind and `heap` beside it, and
//! - without arguments writes the counts into `benches/README.md`;
//! - with `--check` prints whether the budgets are kept, and fails if one is not;
//! - with `--profile ROW` prints the functions in which the instructions of a row of oauth-proto are spent.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use oauth_proto::redirect::MAX_REDIRECT_BYTES;
use oauth_proto_benches::inputs::{Body, KB, MB};
use oauth_proto_benches::sizes::{is_refused, lengths, BODIES, CHALLENGE, REDIRECTS};

type Outcome<T> = Result<T, Box<dyn Error>>;

const OURS: &str = "oauth-proto";
const PEER: &str = "oauth2";
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
const MARKERS: [&str; 2] = ["<!-- benches/table writes from here -->\n", "<!-- to here -->\n"];

/// Row, crate and size of the input.
type Key = (String, String, u64);

/// What one operation costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// All instructions, and those that wipe secrets.
    instructions: u64,
    wiping: u64,
    /// Blocks allocated or grown, and the octets requested for them; blocks freed; the most octets at one time.
    taken: u64,
    asked: u64,
    freed: u64,
    peak: u64,
}

impl Cost {
    fn without_wiping(&self) -> u64 {
        self.instructions.saturating_sub(self.wiping)
    }
}

/// What is kept of a login that waits for its redirect.
#[derive(Clone, Copy)]
struct Pending {
    inline: u64,
    blocks: u64,
    octets: u64,
}

#[derive(Default)]
struct Measured {
    rows: BTreeMap<Key, Cost>,
    /// The names of the rows, in the order of measuring.
    names: Vec<String>,
    pending: BTreeMap<String, Pending>,
}

struct Budget {
    what: String,
    is: u64,
    at_most: u64,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("table: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<bool> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let profiles = profiles()?;
    if let ["--profile", row] = arguments[..] {
        return profile(&profiles, row).map(|()| true);
    }
    let mut measured = Measured::default();
    instructions(&profiles, &mut measured)?;
    heap(&mut measured)?;
    let budgets = budgets(&measured)?;
    match arguments[..] {
        [] => {
            write_readme(&measured, &budgets)?;
            print!("{}", budget_table(&budgets));
            Ok(true)
        }
        ["--check"] => {
            print!("{}", budget_table(&budgets));
            Ok(budgets.iter().all(Budget::is_kept))
        }
        _ => Err("usage: benches/table [--check | --profile ROW]".into()),
    }
}

/// One profile of callgrind for each row.
struct Profile {
    key: Key,
    rounds: u64,
    text: String,
}

fn beside(name: &str) -> Outcome<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}

fn stdout_of(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::piped()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

fn profiles() -> Outcome<Vec<Profile>> {
    let directory = env::temp_dir().join(format!("oauth-proto-callgrind-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let profiles = profiles_in(&directory);
    fs::remove_dir_all(&directory)?;
    profiles
}

fn profiles_in(directory: &Path) -> Outcome<Vec<Profile>> {
    let out = directory.join("out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"])
        .args(["--toggle-collect=*callgrind_counts*", "--toggle-collect=*callgrind_pauses*"])
        .arg("--dump-before=*callgrind_dumps*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(beside("instructions")?);
    let rows = stdout_of(&mut valgrind)?;
    let profile = |(index, line): (usize, &str)| {
        let [name, of, input, rounds] = fields(line)?;
        Ok(Profile {
            key: (name.to_owned(), of.to_owned(), input.parse()?),
            rounds: rounds.parse()?,
            text: fs::read_to_string(out.with_extension((index + 1).to_string()))?,
        })
    };
    rows.lines().enumerate().map(profile).collect()
}

fn fields<const N: usize>(line: &str) -> Outcome<[&str; N]> {
    let fields: Vec<&str> = line.split('\t').collect();
    fields.try_into().map_err(|_| format!("not {N} fields: {line}").into())
}

impl Profile {
    /// Instructions of one round for each function, and those of calls of a function by name, including what it calls.
    fn functions(&self) -> (BTreeMap<&str, u64>, BTreeMap<&str, u64>) {
        let (mut own, mut of_calls) = (BTreeMap::new(), BTreeMap::new());
        let (mut function, mut called, mut after_call) = ("", "", false);
        for line in self.text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = name;
            } else if let Some(name) = line.strip_prefix("cfn=") {
                called = name;
            } else if line.starts_with("calls=") {
                after_call = true;
            } else if line.starts_with(|first: char| first.is_ascii_digit()) {
                let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
                let entry = if after_call { of_calls.entry(called) } else { own.entry(function) };
                *entry.or_insert(0) += cost;
                after_call = false;
            }
        }
        (own, of_calls)
    }

    fn cost(&self) -> Outcome<Cost> {
        let total = self.text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total: u64 = total.ok_or("callgrind wrote no totals")?.trim().parse()?;
        // All wiping is in one function that is never inlined; its name may be mangled.
        let (own, of_calls) = self.functions();
        let wipes = |name: &&str| name.contains("secret::wipe") || name.contains("6secret4wipe");
        let wiping: u64 = of_calls.iter().filter(|(name, _)| wipes(name)).map(|(_, cost)| cost).sum();
        let (name, of, _) = &self.key;
        // The hash function for signatures checks the processor at run time, and valgrind's has no SHA instructions.
        let is_signed = name.starts_with("ID token, signed");
        if !is_signed && own.keys().any(|name| name.contains("sha2") && name.contains("x86")) {
            return Err("SHA-256 is not the software one".into());
        }
        if name == "whole login" && of == OURS && wiping == 0 {
            return Err("no wiping was found: does it still go through oauth_proto::secret::wipe?".into());
        }
        Ok(Cost { instructions: total / self.rounds, wiping: wiping / self.rounds, ..Cost::default() })
    }
}

fn profile(profiles: &[Profile], row: &str) -> Outcome<()> {
    let profile = profiles.iter().find(|profile| profile.key.0 == row && profile.key.1 == OURS);
    let profile = profile.ok_or_else(|| {
        let names: Vec<&str> = profiles.iter().map(|profile| profile.key.0.as_str()).collect();
        format!("no row {row:?}; there are {names:?}")
    })?;
    let (own, of_calls) = profile.functions();
    let mut own: Vec<_> = own.into_iter().collect();
    own.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
    println!("{:>12} {:>12}  function (instructions of one {row})", "own", "with calls");
    for (name, cost) in own.into_iter().take(40) {
        let with_calls = of_calls.get(name).copied().unwrap_or(0);
        println!("{:>12} {:>12}  {name}", thousands(cost / profile.rounds), thousands(with_calls / profile.rounds));
    }
    Ok(())
}

fn instructions(profiles: &[Profile], measured: &mut Measured) -> Outcome<()> {
    for profile in profiles {
        measured.rows.insert(profile.key.clone(), profile.cost()?);
        if !measured.names.contains(&profile.key.0) {
            measured.names.push(profile.key.0.clone());
        }
    }
    Ok(())
}

/// Adds the heap operations of every row; fails if one has none.
fn heap(measured: &mut Measured) -> Outcome<()> {
    let mut without: BTreeSet<Key> = measured.rows.keys().cloned().collect();
    for line in stdout_of(&mut Command::new(beside("heap")?))?.lines() {
        if line.starts_with("pending\t") {
            let [_, of, inline, blocks, octets] = fields(line)?;
            let pending = Pending { inline: inline.parse()?, blocks: blocks.parse()?, octets: octets.parse()? };
            measured.pending.insert(of.to_owned(), pending);
            continue;
        }
        let [name, of, input, taken, asked, freed, peak] = fields(line)?;
        let key = (name.to_owned(), of.to_owned(), input.parse()?);
        let cost = measured.rows.get_mut(&key).ok_or_else(|| format!("callgrind saw no {key:?}"))?;
        (cost.taken, cost.asked) = (taken.parse()?, asked.parse()?);
        (cost.freed, cost.peak) = (freed.parse()?, peak.parse()?);
        without.remove(&key);
    }
    match without.first() {
        Some(key) => Err(format!("heap counted no {key:?}").into()),
        None => Ok(()),
    }
}

impl Measured {
    fn cost(&self, name: &str, of: &str, input: usize) -> Option<Cost> {
        self.rows.get(&(name.to_owned(), of.to_owned(), input as u64)).copied()
    }

    /// A row that must be there.
    fn ours(&self, name: &str, input: usize) -> Outcome<Cost> {
        let cost = self.cost(name, OURS, input);
        cost.ok_or_else(|| format!("no row {name:?} of {OURS} with an input of {input} octets was measured").into())
    }

    /// A pending login that must be there.
    fn pending(&self, of: &str) -> Outcome<Pending> {
        let pending = self.pending.get(of).copied();
        pending.ok_or_else(|| format!("no row \"pending\" of {of} was measured").into())
    }
}

impl Budget {
    fn is_kept(&self) -> bool {
        self.is <= self.at_most
    }
}

/// Fails if a row that a budget is about was not measured.
fn budgets(measured: &Measured) -> Outcome<Vec<Budget>> {
    let whole = measured.ours("whole login", 0)?;
    let pending = measured.pending(OURS)?;
    let budget = |what: &str, is, at_most| Budget { what: what.to_owned(), is, at_most };
    let mut budgets = vec![
        budget("whole login: instructions, wiping not counted", whole.without_wiping(), 24_000),
        budget("whole login: heap operations", whole.taken, 14),
        budget("pending login: octets, inline and heap", pending.inline + pending.octets, 128),
    ];
    // Compared with the same response with blanks in their place. For nested ones serde_json keeps one small block.
    for (name, kind) in BODIES {
        let at_most = match kind {
            Body::SmallMembers | Body::LongText | Body::EscapedText => 0,
            Body::Nested | Body::Deep => 64,
            _ => continue,
        };
        let mut is = 0;
        for len in [KB, 16 * KB, MB] {
            let (with, without) = (measured.ours(name, len)?, measured.ours("response: blanks", len)?);
            is = with.asked.saturating_sub(without.asked).max(is);
        }
        budgets.push(Budget { what: format!("{name}: octets of heap for them"), is, at_most });
    }
    // In percent of the cost with as much per octet as at 16 KB.
    let redirects = REDIRECTS.iter().map(|(name, _)| (*name, 60 * KB));
    let longer = |len: &&usize| **len > 16 * KB;
    let bodies = BODIES.iter().flat_map(|(name, kind)| lengths(*kind).iter().filter(longer).map(|len| (*name, *len)));
    for (name, largest) in redirects.chain(bodies) {
        let (small, large) = (measured.ours(name, 16 * KB)?, measured.ours(name, largest)?);
        let percent = |of: fn(&Cost) -> u64| of(&large) * 100 * 16 * KB as u64 / (of(&small) * largest as u64).max(1);
        let is = percent(|cost| cost.instructions).max(percent(|cost| cost.peak));
        let what = format!("{name}: cost per octet at {}, in percent of that at 16 KB", size(largest));
        budgets.push(Budget { what, is, at_most: 150 });
    }
    for (name, _) in REDIRECTS {
        let what = format!("{name}: instructions to refuse 1 MB, against those to accept 1 KB");
        let (is, at_most) = (measured.ours(name, MB)?.instructions, measured.ours(name, KB)?.instructions);
        budgets.push(Budget { what, is, at_most });
    }
    let (small, large) = (measured.ours(CHALLENGE, KB)?, measured.ours(CHALLENGE, 16 * KB)?);
    let what = format!("{CHALLENGE}: cost per octet at 16 KB, in percent of that at 1 KB");
    budgets.push(Budget { what, is: large.instructions * 100 / (small.instructions * 16).max(1), at_most: 150 });
    Ok(budgets)
}

fn budget_table(budgets: &[Budget]) -> String {
    let mut out = String::from("| budget | is | at most | |\n| --- | ---: | ---: | --- |\n");
    for budget in budgets {
        let verdict = if budget.is_kept() { "kept" } else { "**over**" };
        let (is, at_most) = (thousands(budget.is), thousands(budget.at_most));
        let _ = writeln!(out, "| {} | {is} | {at_most} | {verdict} |", budget.what);
    }
    out
}

fn operation_table(measured: &Measured) -> String {
    let mut out = String::from(
        "| operation | instructions | wiping | heap operations | frees | octets at most \
         | `oauth2`: instructions | heap operations | frees | octets at most |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for name in &measured.names {
        let Some(ours) = measured.cost(name, OURS, 0) else { continue };
        let _ = write!(out, "| {name} | {} | {}", thousands(ours.without_wiping()), thousands(ours.wiping));
        let _ = write!(out, " | {} | {} | {}", ours.taken, ours.freed, thousands(ours.peak));
        let _ = match measured.cost(name, PEER, 0) {
            Some(peer) => {
                let (instructions, peak) = (thousands(peer.instructions), thousands(peer.peak));
                writeln!(out, " | {instructions} | {} | {} | {peak} |", peer.taken, peer.freed)
            }
            None => writeln!(out, " | | | | |"),
        };
    }
    out
}

fn size_table(measured: &Measured) -> String {
    let mut out = String::from(
        "| input | size | instructions | per octet | wiping | heap operations | octets asked for | octets at most |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for name in &measured.names {
        for ((_, of, input), cost) in measured.rows.iter().filter(|(key, _)| key.0 == *name && key.2 > 0) {
            let of = if of == OURS { "" } else { " (`oauth2`)" };
            let instructions = cost.without_wiping();
            let tenths = instructions * 10 / input;
            let len = usize::try_from(*input).unwrap_or(usize::MAX);
            let is_long_token = BODIES.iter().any(|(one, kind)| one == name && is_refused(*kind, len));
            let is_long_redirect = name.starts_with("redirect") && len > MAX_REDIRECT_BYTES;
            let refused = if is_long_token || is_long_redirect { ", refused" } else { "" };
            let _ = write!(out, "| {name}{of} | {}{refused}", size(len));
            let _ = write!(out, " | {} | {}.{}", thousands(instructions), thousands(tenths / 10), tenths % 10);
            let _ = write!(out, " | {} | {}", thousands(cost.wiping), thousands(cost.taken));
            let _ = writeln!(out, " | {} | {} |", thousands(cost.asked), thousands(cost.peak));
        }
    }
    out
}

fn pending_table(measured: &Measured) -> Outcome<String> {
    let mut out =
        String::from("| pending login | inline | heap blocks | heap octets |\n| --- | ---: | ---: | ---: |\n");
    for of in [OURS, PEER] {
        let pending = measured.pending(of)?;
        let _ = writeln!(out, "| {of} | {} | {} | {} |", pending.inline, pending.blocks, pending.octets);
    }
    Ok(out)
}

fn versions() -> Outcome<String> {
    let rustc = stdout_of(Command::new("rustc").arg("--version"))?;
    let valgrind = stdout_of(Command::new("valgrind").arg("--version"))?;
    let lock = fs::read_to_string(LOCK)?;
    let mut out = format!("Counted with {}, {}", rustc.trim(), valgrind.trim());
    for name in ["oauth2", "sha2", "base64ct", "serde_json", "form_urlencoded", "zeroize"] {
        let versions = lock.split("[[package]]").filter_map(|package| {
            let rest = package.trim_start().strip_prefix(&format!("name = \"{name}\"\nversion = \""))?;
            rest.split('"').next()
        });
        let versions: Vec<&str> = versions.collect();
        let _ = write!(out, ", {name} {}", versions.join(" and "));
    }
    out.push_str(".\n");
    Ok(out)
}

fn write_readme(measured: &Measured, budgets: &[Budget]) -> Outcome<()> {
    let readme = fs::read_to_string(README)?;
    let [from, to] = MARKERS;
    let (before, rest) = readme.split_once(from).ok_or("README.md has no first marker")?;
    let (_, after) = rest.split_once(to).ok_or("README.md has no second marker")?;
    let tables = [
        versions()?,
        format!("### Budgets\n\n{}", budget_table(budgets)),
        format!("### Operations\n\n{}", operation_table(measured)),
        format!("### A login that waits for its redirect\n\n{}", pending_table(measured)?),
        format!("### Inputs of growing size\n\n{}", size_table(measured)),
    ];
    fs::write(README, format!("{before}{from}\n{}\n{to}{after}", tables.join("\n")))?;
    Ok(())
}

fn size(octets: usize) -> String {
    if octets % MB == 0 {
        format!("{} MB", octets / MB)
    } else {
        format!("{} KB", octets / KB)
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
