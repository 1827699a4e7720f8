//! Where the login's phases and arrows are.

use super::picture::{Action, Align, Arrow, Grows, Label, Node, Picture, Weight};

pub const PICTURE: Picture = Picture {
    name: "login",
    title: "The states of a login",
    size: (1450, 470),
    nodes: &[
        node("Ready", Weight::Main, (64, 100), (88, 40)),
        node("AwaitingRedirect", Weight::Main, (375, 100), (150, 40)),
        node("ExchangingCode", Weight::Main, (680, 100), (184, 40)),
        node("Finished", Weight::Main, (1005, 100), (100, 40)),
        node("Discovering", Weight::Side, (212, 285), (116, 40)),
        node("FetchingKeys", Weight::Side, (850, 285), (124, 40)),
        node("Verifying", Weight::Side, (1275, 285), (220, 40)),
        node("Failed", Weight::End, (725, 433), (1410, 36)),
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
            &[(450, 100), (588, 100)],
            above((519, 91), Action::At(519, 119)),
        ),
        arrow(
            &["ExchangingCode"],
            "Finished",
            Weight::Main,
            &[(772, 100), (955, 100)],
            above((863, 91), Action::At(863, 119)),
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
            &[(715, 120), (715, 285), (788, 285)],
            beside((724, 145), Action::At(724, 162)),
        ),
        arrow(
            &["FetchingKeys"],
            "FetchingKeys",
            Weight::Side,
            LOOP_AT_FETCHING_KEYS,
            above((850, 236), Action::Beside),
        ),
        arrow(
            &["FetchingKeys"],
            "Finished",
            Weight::Side,
            &[(912, 275), (1005, 275), (1005, 120)],
            beside((1013, 145), Action::At(1013, 162)),
        ),
        arrow(
            &["ExchangingCode"],
            "Verifying",
            Weight::Side,
            &[(763, 80), (763, 30), (1425, 30), (1425, 285), (1385, 285)],
            above((1060, 22), Action::At(1060, 48)),
        ),
        arrow(
            &["FetchingKeys"],
            "Verifying",
            Weight::Side,
            &[(912, 290), (1165, 290)],
            above((1085, 281), Action::At(1085, 308)),
        ),
        arrow(
            &["Verifying"],
            "FetchingKeys",
            Weight::Side,
            &[(1180, 305), (1180, 350), (906, 350), (906, 305)],
            above((1043, 341), Action::At(1043, 368)),
        ),
        arrow(&["Verifying"], "Verifying", Weight::Side, LOOP_AT_VERIFYING, above((1308, 236), Action::Beside)),
        arrow(
            &["Verifying"],
            "Finished",
            Weight::Side,
            &[(1190, 265), (1190, 100), (1055, 100)],
            above((1122, 91), Action::At(1122, 119)),
        ),
        fails(&["Ready"], &[(44, 120), (44, 415)], (52, 332)),
        fails(&["Discovering"], &[(212, 305), (212, 415)], (220, 332)),
        fails(&["AwaitingRedirect"], &[(375, 120), (375, 415)], (383, 332)),
        fails(&["ExchangingCode"], &[(643, 120), (643, 415)], (651, 332)),
        fails(&["FetchingKeys"], &[(815, 305), (815, 415)], (823, 332)),
        fails(&["Verifying"], &[(1240, 305), (1240, 415)], (1248, 332)),
    ],
    legend: &[
        "At each arrow: what happens, and → the action that is given back.",
        "To Failed: always a fatal error. Any other event is refused and changes nothing.",
    ],
};

const LOOP_AT_DISCOVERING: &[(i32, i32)] = &[(198, 265), (198, 243), (226, 243), (226, 265)];
const LOOP_AT_VERIFYING: &[(i32, i32)] = &[(1294, 265), (1294, 243), (1322, 243), (1322, 265)];
const LOOP_AT_FETCHING_KEYS: &[(i32, i32)] = &[(836, 265), (836, 243), (864, 243), (864, 265)];

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
