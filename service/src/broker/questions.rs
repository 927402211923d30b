//! The questions of this node that wait for answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::node::NodeId;

/// How many answers to one question may wait to be read. This is more than the number of nodes in a
/// cluster.
const WAITING: usize = 256;

/// The open questions. All clones share the same state.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    open: HashMap<u64, mpsc::Sender<(NodeId, Bytes)>>,
}

/// An open question. It accepts answers until it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    questions: Questions,
    number: u64,
    answers: mpsc::Receiver<(NodeId, Bytes)>,
}

impl Questions {
    pub(super) fn open(&self) -> Open {
        let (answered, answers) = mpsc::channel(WAITING);
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        table.open.insert(number, answered);
        Open { questions: self.clone(), number, answers }
    }

    /// Passes the answer of a node to the caller that waits for it. If no caller waits any more, the
    /// answer is dropped.
    pub(super) fn answer(&self, number: u64, node: NodeId, body: Bytes) {
        if let Some(answered) = self.lock().open.get(&number) {
            let _ = answered.try_send((node, body));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The number of the question, never 0.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Waits for the answer of a node.
    pub(super) async fn next(&mut self) -> Option<(NodeId, Bytes)> {
        self.answers.recv().await
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.questions.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_reaches_its_question_and_nothing_stays() {
        let questions = Questions::default();
        let (mut one, other) = (questions.open(), questions.open());
        questions.answer(one.number(), NodeId(7), Bytes::from_static(b"a"));
        questions.answer(0, NodeId(7), Bytes::from_static(b"nobody asked"));
        assert_eq!(one.next().await.unwrap(), (NodeId(7), Bytes::from_static(b"a")));
        let number = other.number();
        drop((one, other));
        questions.answer(number, NodeId(7), Bytes::from_static(b"late"));
        assert!(questions.lock().open.is_empty());
    }
}
