//! One node for all processes of one program and user.

use super::{Between, Graph, Link, Node, Relation};
use std::collections::BTreeMap;

pub(super) fn merge(graph: &Graph) -> Graph {
    let mut nodes: Vec<Node> = Vec::new();
    let mut known: BTreeMap<(bool, &[u8], Option<u32>), usize> = BTreeMap::new();
    let mut place = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let at = *known.entry((node.is_nobody(), &node.name, node.uid)).or_insert(nodes.len());
        place.push(at);
        match nodes.get_mut(at) {
            Some(merged) => {
                merged.pids.extend(&node.pids);
                merged.alone += node.alone;
                merged.widowed += node.widowed;
            }
            None => nodes.push(node.clone()),
        }
    }
    let mut ports = graph.ports.clone();
    for port in &mut ports {
        port.node = place[port.node];
        port.also = port.also.iter().map(|node| place[*node]).collect();
        port.also.sort_unstable();
        port.also.dedup();
        port.also.retain(|node| *node != port.node);
    }
    Graph { nodes, ports, links: links(graph, &place) }
}

/// The links between merged nodes, those merged that are alike now.
fn links(graph: &Graph, place: &[usize]) -> Vec<Link> {
    let mut links: BTreeMap<Between, Link> = BTreeMap::new();
    for link in &graph.links {
        let mut between = link.between.clone();
        between.from = place[between.from];
        between.to = place[between.to];
        if between.relation == Relation::Shares && between.from == between.to {
            continue;
        }
        match links.get_mut(&between) {
            Some(merged) => {
                merged.ends.extend(&link.ends);
                merged.at_client += link.at_client;
                merged.at_server += link.at_server;
                merged.in_flight += link.in_flight;
            }
            None => {
                links.insert(between.clone(), Link { between, ..link.clone() });
            }
        }
    }
    for link in links.values_mut().filter(|l| l.between.relation == Relation::Shares) {
        // Several processes of a program may share one socket.
        link.ends.sort_unstable();
        link.ends.dedup();
    }
    links.into_values().collect()
}
