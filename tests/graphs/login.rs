//! Where the login's phases and arrows are.

use super::picture::{Action, Align, Arrow, Grows, Label, Node, Picture, Weight};

pub const PICTURE: Picture = Picture {
    name: "login",
    title: "The states of a login",
    size: (1010, 470),
    nodes: &[
        node("Ready", Weight::Main, (64, 100), (88, 40)),
        node("AwaitingRedirect", Weight::Main, (375, 100), (150, 40)),
        node("ExchangingCode", Weight::Main, (663, 100), (140, 40)),
        node("Finished", Weight::Main, (945, 100), (90, 40)),
        node("Discovering", Weight::Side, (212, 285), (116, 40)),
        node("FetchingKeys", Weight::Side, (830, 285), (124, 40)),
        node("Failed", Weight::End, (505, 433), (970, 36)),
    ],
    frames: &[],
    arrows: &[
        arrow(
            &["Ready"],
            "AwaitingRedirect",
            Weight::Main,
            &[(108, 100), (300, 100)],
            above((204, 91), Action::At(204, 119)),
        ),
        arrow(
            &["AwaitingRedirect"],
            "ExchangingCode",
            Weight::Main,
            &[(450, 100), (593, 100)],
            above((521, 91), Action::At(521, 119)),
        ),
        arrow(
            &["ExchangingCode"],
            "Finished",
            Weight::Main,
            &[(733, 100), (900, 100)],
            above((816, 91), Action::At(816, 119)),
        ),
        arrow(
            &["Ready"],
            "Discovering",
            Weight::Side,
            &[(84, 120), (84, 285), (154, 285)],
            beside((93, 145), Action::At(93, 162)),
        ),
        arrow(&["Discovering"], "Discovering", Weight::Side, LOOP_AT_DISCOVERING, above((212, 236), Action::Beside)),
        arrow(
            &["Discovering"],
            "AwaitingRedirect",
            Weight::Side,
            &[(270, 285), (348, 285), (348, 120)],
            beside((276, 277), Action::At(276, 303)),
        ),
        arrow(
            &["ExchangingCode"],
            "ExchangingCode",
            Weight::Side,
            &[(649, 80), (649, 58), (677, 58), (677, 80)],
            above((663, 51), Action::Beside),
        ),
        arrow(
            &["ExchangingCode"],
            "FetchingKeys",
            Weight::Side,
            &[(715, 120), (715, 285), (768, 285)],
            beside((724, 145), Action::At(724, 162)),
        ),
        arrow(
            &["FetchingKeys"],
            "FetchingKeys",
            Weight::Side,
            LOOP_AT_FETCHING_KEYS,
            above((830, 236), Action::Beside),
        ),
        arrow(
            &["FetchingKeys"],
            "Finished",
            Weight::Side,
            &[(892, 285), (945, 285), (945, 120)],
            beside((898, 277), Action::At(898, 303)),
        ),
        fails(&["Ready"], &[(44, 120), (44, 415)], (52, 332)),
        fails(&["Discovering"], &[(212, 305), (212, 415)], (220, 332)),
        fails(&["AwaitingRedirect"], &[(375, 120), (375, 415)], (383, 332)),
        fails(&["ExchangingCode"], &[(643, 120), (643, 415)], (651, 332)),
        fails(&["FetchingKeys"], &[(830, 305), (830, 415)], (838, 332)),
    ],
    legend: &[
        "At each arrow: what happens, and → the action that is given back.",
        "To Failed: always a fatal error. Any other event is refused and changes nothing.",
    ],
};

const LOOP_AT_DISCOVERING: &[(i32, i32)] = &[(198, 265), (198, 243), (226, 243), (226, 265)];
const LOOP_AT_FETCHING_KEYS: &[(i32, i32)] = &[(816, 265), (816, 243), (844, 243), (844, 265)];

const fn node(phase: &'static str, weight: Weight, center: (i32, i32), size: (i32, i32)) -> Node {
    Node { phase, weight, center, size }
}

type Line = &'static [(i32, i32)];

const fn arrow(from: &'static [&'static str], to: &'static str, weight: Weight, line: Line, label: Label) -> Arrow {
    Arrow { from, to, weight, line, label }
}

const fn fails(from: &'static [&'static str], line: Line, label: (i32, i32)) -> Arrow {
    arrow(from, "Failed", Weight::End, line, beside(label, Action::Hidden))
}

const fn above(at: (i32, i32), action: Action) -> Label {
    Label { at, align: Align::Middle, grows: Grows::Up, per_line: 1, action }
}

const fn beside(at: (i32, i32), action: Action) -> Label {
    Label { at, align: Align::Start, grows: Grows::Down, per_line: 1, action }
}
