//! Where the session's phases and arrows are.

use super::picture::{Action, Align, Arrow, Frame, Grows, Label, Node, Picture, Weight};

pub const PICTURE: Picture = Picture {
    name: "session",
    title: "The states of a session",
    size: (900, 475),
    nodes: &[
        node("Active", Weight::Main, (110, 150), (90, 40)),
        node("Refreshing", Weight::Main, (470, 150), (110, 40)),
        node("LoginRequired", Weight::End, (785, 150), (130, 40)),
        node("SigningOut", Weight::Side, (130, 362), (110, 40)),
        node("LoggingOut", Weight::Side, (450, 362), (110, 40)),
        node("SignedOut", Weight::End, (785, 362), (110, 40)),
    ],
    frames: &[
        Frame { phases: USABLE, corner: (40, 92), size: (520, 148) },
        Frame { phases: ALL, corner: (20, 44), size: (860, 214) },
    ],
    arrows: &[
        arrow(&["Active"], "Refreshing", Weight::Main, &[(155, 140), (415, 140)], level((285, 130), Grows::Up, 2)),
        arrow(&["Refreshing"], "Active", Weight::Main, &[(415, 162), (155, 162)], level((285, 184), Grows::Down, 2)),
        arrow(
            &["Refreshing"],
            "LoginRequired",
            Weight::End,
            &[(525, 140), (720, 140)],
            level((640, 131), Grows::Up, 1),
        ),
        arrow(USABLE, "LoginRequired", Weight::End, &[(560, 162), (720, 162)], level((640, 180), Grows::Down, 1)),
        arrow(
            &["LoginRequired"],
            "Active",
            Weight::Side,
            &[(785, 130), (785, 70), (110, 70), (110, 130)],
            level((450, 63), Grows::Up, 1),
        ),
        arrow(USABLE, "SigningOut", Weight::Side, &[(130, 240), (130, 342)], beside((139, 306))),
        arrow(ALL, "LoggingOut", Weight::Side, &[(450, 258), (450, 342)], beside((459, 306))),
        arrow(ALL, "SignedOut", Weight::Side, &[(785, 258), (785, 342)], beside((794, 306))),
        arrow(&["SigningOut"], "LoggingOut", Weight::Side, &[(185, 352), (395, 352)], level((290, 344), Grows::Up, 1)),
        arrow(
            &["LoggingOut"],
            "SigningOut",
            Weight::Side,
            &[(395, 372), (185, 372)],
            level((290, 390), Grows::Down, 1),
        ),
        arrow(&["LoggingOut"], "SignedOut", Weight::Side, &[(505, 362), (730, 362)], level((617, 354), Grows::Up, 1)),
        arrow(
            &["SigningOut"],
            "SignedOut",
            Weight::Side,
            &[(145, 382), (145, 422), (770, 422), (770, 382)],
            level((450, 415), Grows::Up, 1),
        ),
        arrow(
            &["SignedOut"],
            "SigningOut",
            Weight::Side,
            &[(800, 382), (800, 455), (115, 455), (115, 382)],
            level((450, 448), Grows::Up, 1),
        ),
    ],
    legend: &["At each arrow: what happens. An arrow with a dot starts at every phase in the frame. \
               Any other event keeps the phase."],
};

const USABLE: &[&str] = &["Active", "Refreshing"];
const ALL: &[&str] = &["Active", "Refreshing", "LoginRequired"];

type Line = &'static [(i32, i32)];

const fn node(phase: &'static str, weight: Weight, center: (i32, i32), size: (i32, i32)) -> Node {
    Node { phase, weight, center, size }
}

const fn arrow(from: &'static [&'static str], to: &'static str, weight: Weight, line: Line, label: Label) -> Arrow {
    Arrow { from, to, weight, line, label }
}

const fn level(at: (i32, i32), grows: Grows, per_line: usize) -> Label {
    Label { at, align: Align::Middle, grows, per_line, action: Action::Hidden }
}

const fn beside(at: (i32, i32)) -> Label {
    Label { at, align: Align::Start, grows: Grows::Down, per_line: 1, action: Action::Hidden }
}
