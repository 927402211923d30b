//! The messages that wait for a client's polls, and the answers to the polls.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::sync::oneshot;

use super::transport::QueueFull;
use crate::{
    budget::{QueueBudget, Share},
    session::Seconds,
};

/// How many bytes an answer has at most, except if a single message has more.
const ANSWER: usize = 64 * 1024;

/// The answer to a poll.
#[derive(Debug)]
pub(crate) enum PollAnswer {
    /// Messages, or no messages when the time limit has passed.
    Messages(Bytes),
    /// The connection has ended, or another poll replaced this one.
    Ended,
    /// The access token has expired, and no renewed login replaces it.
    TokenExpired,
}

/// The messages that wait for a client's next poll.
#[derive(Debug)]
pub(crate) struct PollQueue {
    messages: VecDeque<Bytes>,
    /// The bytes of the messages.
    share: Share,
    waiting: Option<oneshot::Sender<PollAnswer>>,
    /// When the last poll ended.
    last_poll: Seconds,
    has_ended: bool,
}

impl PollQueue {
    pub(crate) fn new(budget: &QueueBudget, now: Seconds) -> Self {
        Self {
            messages: VecDeque::new(),
            share: budget.share(),
            waiting: None,
            last_poll: now,
            has_ended: false,
        }
    }

    pub(crate) fn send(
        &mut self,
        messages: &Bytes,
        max_queued: usize,
        now: Seconds,
    ) -> Result<(), QueueFull> {
        if self.has_ended {
            return Ok(());
        }
        let queued = self.share.bytes();
        if queued > 0 && queued.saturating_add(messages.len()) > max_queued {
            return Err(QueueFull);
        }
        self.share.add(messages.len());
        self.messages.push_back(messages.clone());
        self.answer(now);
        Ok(())
    }

    pub(crate) fn drop_queued(&mut self) {
        self.messages = VecDeque::new();
        self.share.remove(usize::MAX);
    }

    /// How many bytes wait.
    pub(crate) fn queued(&self) -> usize {
        self.share.bytes()
    }

    /// Accepts a poll. If an earlier poll still waits, it ends. Returns whether the client knows
    /// now that no more messages will come.
    pub(crate) fn poll(&mut self, poll: oneshot::Sender<PollAnswer>, now: Seconds) -> bool {
        if let Some(older) = self.waiting.replace(poll) {
            // The client of the poll may be gone.
            let _ = older.send(PollAnswer::Ended);
        }
        let is_last = self.has_ended && self.messages.is_empty();
        self.answer(now);
        is_last
    }

    /// Reports with the next answer that no more messages will come.
    pub(crate) fn end(&mut self, now: Seconds) {
        self.has_ended = true;
        self.answer(now);
    }

    /// Since when no poll has been waiting.
    pub(crate) fn idle_since(&mut self, now: Seconds) -> Option<Seconds> {
        if self.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed()) {
            return None;
        }
        if self.waiting.take().is_some() {
            self.last_poll = now;
        }
        Some(self.last_poll)
    }

    /// Answers the waiting poll, if there is an answer for it.
    fn answer(&mut self, now: Seconds) {
        if self.messages.is_empty() && !self.has_ended {
            return;
        }
        let Some(waiting) = self.waiting.take() else { return };
        self.last_poll = now;
        let Some(messages) = self.take_messages() else {
            // The client of the poll may be gone.
            let _ = waiting.send(PollAnswer::Ended);
            return;
        };
        let answer = PollAnswer::Messages(self.share.hand_over(messages.clone()));
        // If a poll is gone, its messages wait for the next poll.
        if waiting.send(answer).is_err() {
            self.share.add(messages.len());
            self.messages.push_front(messages);
        }
    }

    /// The messages for one answer. They are many, so that few answers are needed. They have a
    /// bound, so that the other waiting messages can still be dropped.
    fn take_messages(&mut self) -> Option<Bytes> {
        let first = self.messages.pop_front()?;
        let fits = |bytes: usize, next: &Bytes| bytes.saturating_add(next.len()) <= ANSWER;
        if !self.messages.front().is_some_and(|next| fits(first.len(), next)) {
            return Some(first);
        }
        let mut joined = BytesMut::from(&first[..]);
        while self.messages.front().is_some_and(|next| fits(joined.len(), next))
            && let Some(next) = self.messages.pop_front()
        {
            joined.extend_from_slice(&next);
        }
        Some(joined.freeze())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn poll(queue: &mut PollQueue) -> oneshot::Receiver<PollAnswer> {
        let (waiting, answered) = oneshot::channel();
        queue.poll(waiting, 0);
        answered
    }

    fn brought(mut answered: oneshot::Receiver<PollAnswer>) -> String {
        match answered.try_recv() {
            Ok(PollAnswer::Messages(messages)) => String::from_utf8(messages.to_vec()).unwrap(),
            Ok(PollAnswer::Ended) => "ended".to_owned(),
            Ok(PollAnswer::TokenExpired) => "expired".to_owned(),
            Err(_) => "nothing".to_owned(),
        }
    }

    fn queue() -> PollQueue {
        PollQueue::new(&QueueBudget::new(usize::MAX, Arc::default()), 0)
    }

    #[test]
    fn messages_wait_for_a_poll_and_polls_for_messages() {
        let mut queue = queue();
        queue.send(&Bytes::from_static(b"a"), 10, 0).unwrap();
        queue.send(&Bytes::from_static(b"b"), 10, 0).unwrap();
        assert_eq!(brought(poll(&mut queue)), "ab");
        let waiting = poll(&mut queue);
        queue.send(&Bytes::from_static(b"c"), 10, 0).unwrap();
        assert_eq!(brought(waiting), "c");
        assert_eq!(brought(poll(&mut queue)), "nothing");
    }

    #[test]
    fn a_newer_poll_ends_the_older_one() {
        let mut queue = queue();
        let older = poll(&mut queue);
        let newer = poll(&mut queue);
        assert_eq!(brought(older), "ended");
        queue.send(&Bytes::from_static(b"a"), 10, 0).unwrap();
        assert_eq!(brought(newer), "a");
    }

    #[test]
    fn nothing_is_lost_with_a_poll_that_is_gone() {
        let mut queue = queue();
        drop(poll(&mut queue));
        queue.send(&Bytes::from_static(b"a"), 10, 0).unwrap();
        queue.send(&Bytes::from_static(b"b"), 10, 0).unwrap();
        assert_eq!(brought(poll(&mut queue)), "ab");
        assert_eq!(queue.idle_since(7), Some(0));
    }

    #[test]
    fn the_last_messages_come_before_the_end() {
        let mut queue = queue();
        queue.send(&Bytes::from_static(b"close"), 10, 0).unwrap();
        queue.end(0);
        assert_eq!(brought(poll(&mut queue)), "close");
        assert_eq!(brought(poll(&mut queue)), "ended");
    }

    #[test]
    fn an_answer_has_a_bound_and_counts_until_it_is_written() {
        let budget = QueueBudget::new(0, Arc::default());
        let mut queue = PollQueue::new(&budget, 0);
        let message = Bytes::from(vec![b'x'; ANSWER / 2]);
        for _ in 0..3 {
            queue.send(&message, usize::MAX, 0).unwrap();
        }
        let [two, one] = [poll(&mut queue), poll(&mut queue)].map(|mut answered| {
            let Ok(PollAnswer::Messages(messages)) = answered.try_recv() else { panic!("none") };
            messages
        });
        assert_eq!((two.len(), one.len(), queue.queued()), (ANSWER, ANSWER / 2, 0));
        drop(two);
        assert!(budget.is_over());
        drop(one);
        assert!(!budget.is_over());
    }

    #[test]
    fn what_waits_has_a_bound() {
        let mut queue = queue();
        queue.send(&Bytes::from_static(b"123456"), 10, 0).unwrap();
        assert!(queue.send(&Bytes::from_static(b"12345"), 10, 0).is_err());
    }
}
