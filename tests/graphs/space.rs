//! Finds what overlaps in a picture: labels, boxes, arrows, frames.

use super::picture::{Align, Arrow, Frame, Node, Picture, Row, Text};

/// A rectangle: left, top, right, bottom. A line is one without a width or a height.
#[derive(Clone, Copy, Debug)]
struct Area(i32, i32, i32, i32);

impl Area {
    fn overlaps(self, other: Self) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn grown(self, by: i32) -> Self {
        Self(self.0 - by, self.1 - by, self.2 + by, self.3 + by)
    }
}

/// Everything that overlaps, crosses or is cut off, in words.
pub fn collisions(picture: &Picture, rows: &[Row]) -> Vec<String> {
    let mut texts: Vec<(String, Area)> =
        picture.legend_lines().map(|text| (text.plain.clone(), of_text(&text, false))).collect();
    let mut lines = Vec::new();
    for (index, arrow) in picture.arrows.iter().enumerate() {
        let bold = arrow.weight == super::picture::Weight::Main;
        let label = picture.label(arrow, rows);
        texts.extend(label.iter().map(|text| (format!("{} {}", text.plain, text.action), of_text(text, bold))));
        lines.extend(pieces(arrow).map(|area| (index, area)));
    }
    let boxes: Vec<(&str, Area)> = picture.nodes.iter().map(|node| (node.phase, of_node(node))).collect();
    let borders: Vec<Area> = picture.frames.iter().flat_map(borders).collect();

    let mut found = Vec::new();
    for (index, (text, area)) in texts.iter().enumerate() {
        let others = texts.iter().skip(index + 1).filter(|(_, other)| area.overlaps(*other));
        found.extend(others.map(|(other, _)| format!("'{text}' is over '{other}'")));
        let over = boxes.iter().filter(|(_, node)| area.overlaps(node.grown(1)));
        found.extend(over.map(|(phase, _)| format!("'{text}' is over the box of {phase}")));
        if lines.iter().any(|(_, line)| area.overlaps(line.grown(1))) {
            found.push(format!("'{text}' is over an arrow"));
        }
        if borders.iter().any(|border| area.overlaps(border.grown(1))) {
            found.push(format!("'{text}' is over a frame"));
        }
    }
    for (index, line) in &lines {
        let arrow = &picture.arrows[*index];
        let name = format!("the arrow from {} to {}", arrow.from.join(", "), arrow.to);
        let through = boxes.iter().filter(|(_, node)| line.grown(1).overlaps(node.grown(-2)));
        found.extend(through.map(|(phase, _)| format!("{name} goes through {phase}")));
        if lines.iter().any(|(other, area)| other > index && line.grown(1).overlaps(area.grown(1))) {
            found.push(format!("{name} touches another one"));
        }
    }
    let narrow = picture.nodes.iter().filter(|node| width(node.phase) * 1.15 > f64::from(node.size.0 - 4));
    found.extend(narrow.map(|node| format!("{} has no room in its box", node.phase)));
    let whole = Area(0, 0, picture.size.0, picture.size.1);
    let all = texts.iter().map(|(_, area)| area).chain(boxes.iter().map(|(_, area)| area));
    found.extend(all.filter(|area| !inside(**area, whole)).map(|area| format!("{area:?} is cut off")));
    for frame in picture.frames {
        for node in picture.nodes {
            let is_in = inside(of_node(node), of_frame(frame));
            if is_in != frame.phases.contains(&node.phase) {
                found.push(format!("{} is in the wrong place for the frame of {:?}", node.phase, frame.phases));
            }
        }
    }
    found
}

/// Arrows whose line does not begin at the edge of what they come from, or does not end at the edge of what they lead to, in words.
pub fn detached(picture: &Picture) -> Vec<String> {
    let box_of = |phase: &str| picture.nodes.iter().find(|node| node.phase == phase).map(of_node);
    let mut found = Vec::new();
    for arrow in picture.arrows {
        let source = match arrow.from {
            [phase] => box_of(phase),
            phases => picture.frames.iter().find(|frame| frame.phases == phases).map(of_frame),
        };
        let target = box_of(arrow.to);
        let (begin, end) = (arrow.line.first(), arrow.line.last());
        for (place, area, what) in [(begin, source, "begin at its source"), (end, target, "end at its target")] {
            if !matches!((place, area), (Some(place), Some(area)) if is_on_edge(*place, area)) {
                found.push(format!("the arrow from {} to {} does not {what}", arrow.from.join(", "), arrow.to));
            }
        }
        if pieces(arrow).any(|Area(left, top, right, bottom)| left != right && top != bottom) {
            found.push(format!(
                "the arrow from {} to {} is neither level nor upright",
                arrow.from.join(", "),
                arrow.to
            ));
        }
    }
    found
}

fn is_on_edge((x, y): (i32, i32), Area(left, top, right, bottom): Area) -> bool {
    let is_in = (left..=right).contains(&x) && (top..=bottom).contains(&y);
    is_in && (x == left || x == right || y == top || y == bottom)
}

fn inside(area: Area, whole: Area) -> bool {
    whole.0 < area.0 && whole.1 < area.1 && area.2 < whole.2 && area.3 < whole.3
}

fn of_node(Node { center: (x, y), size: (width, height), .. }: &Node) -> Area {
    Area(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
}

fn of_frame(Frame { corner: (x, y), size: (width, height), .. }: &Frame) -> Area {
    Area(*x, *y, x + width, y + height)
}

fn borders(frame: &Frame) -> [Area; 4] {
    let Area(left, top, right, bottom) = of_frame(frame);
    [
        Area(left, top, right, top),
        Area(left, bottom, right, bottom),
        Area(left, top, left, bottom),
        Area(right, top, right, bottom),
    ]
}

fn pieces(arrow: &Arrow) -> impl Iterator<Item = Area> {
    arrow.line.windows(2).map(|ends| {
        let [(x, y), (to_x, to_y)] = [ends[0], ends[1]];
        Area(x.min(to_x), y.min(to_y), x.max(to_x), y.max(to_y))
    })
}

fn of_text(text: &Text, bold: bool) -> Area {
    let between = if text.plain.is_empty() || text.action.is_empty() { "" } else { " " };
    let width = width(&text.plain) * if bold { 1.1 } else { 1.0 } + width(between) + width(&text.action);
    let (x, y) = text.at;
    let left = match text.align {
        Align::Start => x,
        Align::Middle => x - width as i32 / 2,
    };
    Area(left, y - 11, left + width as i32, y + 3)
}

/// The width in `DejaVu` Sans, 13 pixels high: the widest of the fonts that are used where Helvetica is missing.
fn width(text: &str) -> f64 {
    let of_char = |char| match char {
        'i' | 'j' | 'l' | ' ' | '·' | '.' | ',' => 0.32,
        'f' | 'r' | 't' | 'I' | ':' => 0.41,
        'c' | 's' | 'k' | 'v' | 'x' | 'y' | 'z' | 'F' | 'L' => 0.58,
        'm' => 0.97,
        'W' => 0.99,
        'M' | 'w' | '→' => 0.86,
        'C' | 'D' | 'G' | 'N' | 'O' | 'Q' | 'R' | 'U' => 0.77,
        _ => 0.64,
    };
    13.0 * text.chars().map(of_char).sum::<f64>()
}
