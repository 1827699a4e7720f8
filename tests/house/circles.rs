//! Circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// The groups of two or more nodes each of which leads to all others of the group.
pub fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = edges.keys().map(|node| (node, reached(edges, node))).collect();
    let mut circles: Vec<Vec<String>> = Vec::new();
    for (node, others) in &reached {
        let leads_back = |other: &String| other != *node && reached.get(other).is_some_and(|back| back.contains(node));
        let mut circle: Vec<String> = others.iter().filter(|other| leads_back(other)).map(|o| (*o).clone()).collect();
        if !circle.is_empty() && !circles.iter().any(|known| known.contains(node)) {
            circle.push((*node).clone());
            circle.sort();
            circles.push(circle);
        }
    }
    circles
}

fn reached<'a>(edges: &'a BTreeMap<String, BTreeSet<String>>, from: &'a String) -> BTreeSet<&'a String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(node) = next.pop() {
        next.extend(edges.get(node).into_iter().flatten().filter(|to| reached.insert(*to)));
    }
    reached
}
