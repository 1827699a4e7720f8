//! A state graph with a place for everything, and its SVG.

use std::fmt::Write;

/// One row of a table of transitions, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub from: String,
    pub on: String,
    pub to: String,
    /// The action that it gives back, if the table says.
    pub yields: Option<String>,
}

/// How strongly a phase or an arrow is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The main path.
    Main,
    /// Everything else that is neither a failure nor an end.
    Side,
    /// Failures and ends.
    End,
}

/// A phase: a box round this centre.
pub struct Node {
    pub phase: &'static str,
    pub weight: Weight,
    pub center: (i32, i32),
    pub size: (i32, i32),
}

/// A frame round several phases; an arrow that starts at it stands for one from each.
pub struct Frame {
    pub phases: &'static [&'static str],
    pub corner: (i32, i32),
    pub size: (i32, i32),
}

/// An arrow from one phase, or from all phases of a frame. Which triggers it has is in the rows.
pub struct Arrow {
    pub from: &'static [&'static str],
    pub to: &'static str,
    pub weight: Weight,
    /// The corners of the line; every piece of it is level or upright.
    pub line: &'static [(i32, i32)],
    pub label: Label,
}

/// Where an arrow's triggers are written.
pub struct Label {
    pub at: (i32, i32),
    pub align: Align,
    pub grows: Grows,
    pub per_line: usize,
    pub action: Action,
}

#[derive(Clone, Copy)]
pub enum Align {
    Start,
    Middle,
}

/// `Down`: the first line is at this place. `Up`: the last one is.
#[derive(Clone, Copy)]
pub enum Grows {
    Down,
    Up,
}

/// Where the action is written that a transition gives back.
#[derive(Clone, Copy)]
pub enum Action {
    /// Nowhere: the table has none, or it is the fatal error that `Failed` stands for.
    Hidden,
    /// In the line of its trigger.
    Beside,
    /// Once for the arrow, at this place.
    At(i32, i32),
}

pub struct Picture {
    /// The name of the file in `docs/`, and the prefix of the ids in it.
    pub name: &'static str,
    pub title: &'static str,
    pub size: (i32, i32),
    pub nodes: &'static [Node],
    pub frames: &'static [Frame],
    pub arrows: &'static [Arrow],
    /// How to read the picture, one item a line.
    pub legend: &'static [&'static str],
}

/// A line of text as it is drawn.
pub struct Text {
    pub at: (i32, i32),
    pub align: Align,
    /// Triggers, a phase, or the legend.
    pub plain: String,
    /// The action after them.
    pub action: String,
}

pub const LINE_HEIGHT: i32 = 17;
const FONT_SIZE: i32 = 13;
const RADIUS: i32 = 10;

impl Picture {
    /// The rows of the arrow's first phase that this arrow stands for: those that all of its phases have. A row that an arrow
    /// from a wider frame to the same phase stands for is left to that one.
    pub fn carried<'r>(&self, arrow: &Arrow, rows: &'r [Row]) -> Vec<&'r Row> {
        let by_all = |arrow: &Arrow, row: &Row| {
            let has = |from: &&str| {
                rows.iter().any(|r| r.from == **from && r.on == row.on && r.to == row.to && r.yields == row.yields)
            };
            row.to == arrow.to && arrow.from.iter().all(has)
        };
        let wider = |other: &&Arrow| {
            other.from.len() > arrow.from.len() && arrow.from.iter().all(|from| other.from.contains(from))
        };
        let from_first = rows.iter().filter(|row| row.from == arrow.from[0] && by_all(arrow, row));
        from_first.filter(|row| !self.arrows.iter().filter(wider).any(|other| by_all(other, row))).collect()
    }

    /// All rows that the arrows stand for, of all their phases. A row that two arrows stand for is there twice.
    pub fn placed(&self, rows: &[Row]) -> Vec<Row> {
        let mut placed = Vec::new();
        for arrow in self.arrows {
            for row in self.carried(arrow, rows) {
                placed.extend(arrow.from.iter().map(|from| Row { from: (*from).to_owned(), ..row.clone() }));
            }
        }
        placed
    }

    /// The lines of text at an arrow.
    pub fn label(&self, arrow: &Arrow, rows: &[Row]) -> Vec<Text> {
        let label = &arrow.label;
        let carried = self.carried(arrow, rows);
        let lines: Vec<(String, String)> = carried
            .chunks(label.per_line)
            .map(|rows| {
                let names: Vec<&str> = rows.iter().map(|row| row.on.as_str()).collect();
                let action = match (label.action, rows) {
                    (Action::Beside, [row]) => row.yields.as_deref().map(|action| format!("→ {action}")),
                    (Action::Beside, _) => panic!("{:?}: one trigger in a line with its action", arrow.from),
                    (Action::Hidden | Action::At(..), _) => None,
                };
                (names.join(" · "), action.unwrap_or_default())
            })
            .collect();
        let first = match label.grows {
            Grows::Down => label.at.1,
            Grows::Up => label.at.1 - LINE_HEIGHT * (lines.len() as i32 - 1),
        };
        let ys = (0..).map(|index| first + LINE_HEIGHT * index);
        let mut texts: Vec<Text> = std::iter::zip(ys, lines)
            .map(|(y, (plain, action))| Text { at: (label.at.0, y), align: label.align, plain, action })
            .collect();
        if let Action::At(x, y) = label.action {
            let mut actions: Vec<&str> = carried.iter().filter_map(|row| row.yields.as_deref()).collect();
            actions.dedup();
            let [action] = actions[..] else { panic!("{:?}: one action for all triggers: {actions:?}", arrow.from) };
            texts.push(Text { at: (x, y), align: label.align, plain: String::new(), action: format!("→ {action}") });
        }
        texts
    }

    /// The content of the file. It has no empty line, which would end the HTML in Markdown.
    pub fn svg(&self, rows: &[Row]) -> String {
        let Self { name, title, size: (width, height), .. } = self;
        let mut svg = String::new();
        let out = &mut svg;
        line(out, format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-labelledby=\"{name}-graph-title {name}-graph-desc\" \
             style=\"max-width:100%;min-width:720px;height:auto\" \
             font-family=\"Helvetica,Arial,'Liberation Sans',sans-serif\" font-size=\"{FONT_SIZE}\">"
        ));
        line(out, format_args!("<title id=\"{name}-graph-title\">{title}</title>"));
        line(out, format_args!("<desc id=\"{name}-graph-desc\">{}</desc>", self.description(rows)));
        line(
            out,
            format_args!(
                "<rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d1d9e0\"/>",
                width - 1,
                height - 1
            ),
        );
        for text in self.legend_lines() {
            draw_text(out, &text, "#59636e", false);
        }
        for Frame { corner: (x, y), size: (width, height), .. } in self.frames {
            line(out, format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"12\" fill=\"none\" stroke=\"#818b98\" \
                 stroke-dasharray=\"5 4\"/>"
            ));
        }
        for arrow in self.arrows {
            draw_arrow(out, arrow, &self.label(arrow, rows));
        }
        for node in self.nodes {
            draw_node(out, node);
        }
        svg.push_str("</svg>\n");
        svg
    }

    pub fn legend_lines(&self) -> impl Iterator<Item = Text> {
        std::iter::zip((1..).map(|index| 10 + LINE_HEIGHT * index), self.legend).map(|(y, text)| Text {
            at: (20, y),
            align: Align::Start,
            plain: (*text).to_owned(),
            action: String::new(),
        })
    }

    /// For screen readers: every arrow, in words.
    fn description(&self, rows: &[Row]) -> String {
        let sentences = self.arrows.iter().map(|arrow| {
            let triggers: Vec<&str> = self.carried(arrow, rows).iter().map(|row| row.on.as_str()).collect();
            let to = if arrow.from == [arrow.to] { "itself" } else { arrow.to };
            format!("{} to {to}: {}.", arrow.from.join(", "), triggers.join(", "))
        });
        sentences.collect::<Vec<_>>().join(" ")
    }
}

fn draw_node(out: &mut String, node: &Node) {
    let Node { phase, weight, center: (x, y), size: (width, height) } = node;
    let (fill, stroke, thickness, ink) = match weight {
        Weight::Main => ("#ddf4ff", "#0969da", "2", "#0a3069"),
        Weight::Side => ("#f6f8fa", "#59636e", "1.5", "#1f2328"),
        Weight::End => ("#ffffff", "#818b98", "1.25", "#59636e"),
    };
    line(out, format_args!("<g data-phase=\"{phase}\">"));
    line(
        out,
        format_args!(
        "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"9\" fill=\"{fill}\" stroke=\"{stroke}\" \
         stroke-width=\"{thickness}\"/>",
        x - width / 2,
        y - height / 2
    ),
    );
    line(out, format_args!(
        "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"14\" font-weight=\"bold\" fill=\"{ink}\">{phase}</text>",
        y + 5
    ));
    line(out, format_args!("</g>"));
}

fn draw_arrow(out: &mut String, arrow: &Arrow, label: &[Text]) {
    let (stroke, thickness, ink) = match arrow.weight {
        Weight::Main => ("#0969da", "3", "#1f2328"),
        Weight::Side => ("#59636e", "1.5", "#1f2328"),
        Weight::End => ("#a4acb6", "1.25", "#59636e"),
    };
    line(out, format_args!("<g data-from=\"{}\" data-to=\"{}\">", arrow.from.join(" "), arrow.to));
    if arrow.from.len() > 1 {
        let (x, y) = arrow.line[0];
        line(out, format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{stroke}\"/>"));
    }
    let (path, head) = path(arrow.line);
    line(out, format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{thickness}\"/>"));
    line(out, format_args!("<path d=\"{head}\" fill=\"{stroke}\"/>"));
    for text in label {
        draw_text(out, text, ink, arrow.weight == Weight::Main);
    }
    line(out, format_args!("</g>"));
}

fn draw_text(out: &mut String, text: &Text, ink: &str, bold: bool) {
    let Text { at: (x, y), align, plain, action } = text;
    let anchor = match align {
        Align::Start => "",
        Align::Middle => " text-anchor=\"middle\"",
    };
    let bold = if bold { " font-weight=\"bold\"" } else { "" };
    let action = match action.as_str() {
        "" => String::new(),
        action => format!("<tspan fill=\"#8250df\" font-weight=\"normal\">{action}</tspan>"),
    };
    let blank = if plain.is_empty() || action.is_empty() { "" } else { " " };
    line(out, format_args!("<text x=\"{x}\" y=\"{y}\"{anchor}{bold} fill=\"{ink}\">{plain}{blank}{action}</text>"));
}

/// The line with round corners, and the arrowhead at its end.
fn path(corners: &[(i32, i32)]) -> (String, String) {
    let [first, middle @ .., last] = corners else { panic!("a line has two ends") };
    let mut path = format!("M{} {}", first.0, first.1);
    let mut before = *first;
    for (corner, after) in std::iter::zip(middle, &corners[2..]) {
        let (enter, leave) = (towards(*corner, before, RADIUS), towards(*corner, *after, RADIUS));
        write!(path, "L{} {}Q{} {} {} {}", enter.0, enter.1, corner.0, corner.1, leave.0, leave.1).unwrap();
        before = *corner;
    }
    let neck = towards(*last, before, 9);
    write!(path, "L{} {}", neck.0, neck.1).unwrap();
    let base = towards(*last, before, 10);
    let (dx, dy) = ((base.1 - last.1).signum() * 5, (base.0 - last.0).signum() * 5);
    let (left, right) = ((base.0 + dx, base.1 + dy), (base.0 - dx, base.1 - dy));
    (path, format!("M{} {}L{} {}L{} {}Z", last.0, last.1, left.0, left.1, right.0, right.1))
}

/// The point this far from one corner on the way to the next.
fn towards(from: (i32, i32), to: (i32, i32), by: i32) -> (i32, i32) {
    assert!(from.0 == to.0 || from.1 == to.1, "{from:?} to {to:?} is neither level nor upright");
    (from.0 + (to.0 - from.0).signum() * by, from.1 + (to.1 - from.1).signum() * by)
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").unwrap();
}
