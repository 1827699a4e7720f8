//! The tables of transitions, against the code and against the picture.

mod graph;
mod login;
mod session;
mod session_events;
