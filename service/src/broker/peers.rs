//! The other nodes of the cluster, and which of them may still have to subscribe again.

use std::collections::HashSet;

use super::node::NodeId;

/// The other nodes, as far as this node knows.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: HashSet<NodeId>,
    /// The nodes that were running before the broker was lost, and have sent no Hello since.
    missing: HashSet<NodeId>,
    /// The nodes whose Hello asks for an answer.
    asking: HashSet<NodeId>,
}

impl Peers {
    /// Whether every node that was running before the broker was lost has its subscriptions again.
    pub(super) fn are_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Notes that the broker is lost. From now on each known node is missing until it sends a Hello.
    pub(super) fn lose(&mut self) {
        self.missing.extend(&self.known);
    }

    /// Notes that the missing nodes are not waited for any more.
    pub(super) fn settle(&mut self) {
        self.missing.clear();
    }

    /// Notes that a node is running and has its subscriptions.
    pub(super) fn appeared(&mut self, node: NodeId) {
        self.known.insert(node);
        self.missing.remove(&node);
    }

    /// Notes that a node has ended, so that nothing waits for it.
    pub(super) fn gone(&mut self, node: NodeId) {
        self.known.remove(&node);
        self.missing.remove(&node);
    }

    /// Notes the broker's list of the running nodes. A broker that has just started has an empty
    /// list. So a node that is missing stays known, although it is not in the list yet.
    pub(super) fn listed(&mut self, nodes: HashSet<NodeId>) {
        self.known = nodes;
        self.known.extend(&self.missing);
    }

    /// Notes that a node asks which nodes have their subscriptions.
    pub(super) fn asks(&mut self, node: NodeId) {
        self.asking.insert(node);
    }

    /// Takes the nodes that ask.
    pub(super) fn take_asking(&mut self) -> HashSet<NodeId> {
        std::mem::take(&mut self.asking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);

    #[test]
    fn a_node_that_is_not_listed_again_yet_is_still_missing() {
        let mut peers = Peers::default();
        peers.listed([ONE, OTHER].into());
        peers.lose();
        peers.listed([].into());
        peers.appeared(ONE);
        assert!(!peers.are_complete());
        // The broker is lost again before the other node is back.
        peers.lose();
        peers.appeared(ONE);
        assert!(!peers.are_complete());
        peers.appeared(OTHER);
        assert!(peers.are_complete());
    }

    #[test]
    fn a_node_that_has_ended_is_not_missing() {
        let mut peers = Peers::default();
        peers.appeared(ONE);
        peers.listed([ONE, OTHER].into());
        peers.gone(ONE);
        peers.listed([].into());
        peers.lose();
        assert!(peers.are_complete());
    }
}
