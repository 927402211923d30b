//! Which nodes are still there to answer a question.

/// The nodes that are there some time after a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct There {
    /// How many subscribe the channel of the question.
    pub(super) subscribers: usize,
    /// How many of those that have answered still run. A node stays subscribed for a while after it
    /// needs a channel, so these are among the subscribers.
    pub(super) answered: usize,
}

impl There {
    /// How many nodes answer in all, if this many have `answered`. The others are dead.
    pub(super) fn receivers(self, answered: usize) -> usize {
        answered.saturating_add(self.subscribers.saturating_sub(self.answered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three nodes got a question, and one of them has answered.
    #[test]
    fn the_answer_of_a_node_that_died_is_not_taken_for_one_of_a_node_that_runs() {
        for (subscribers, answered, receivers) in [
            (3, 1, 3),
            // One that has not answered is dead, or both are.
            (2, 1, 2),
            (1, 1, 1),
            // The one that answered is dead, and then one more.
            (2, 0, 3),
            (1, 0, 2),
            (0, 0, 1),
        ] {
            assert_eq!(There { subscribers, answered }.receivers(1), receivers);
        }
    }
}
