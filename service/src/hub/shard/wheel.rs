//! One timer for all connections of a shard.

use crate::session::Seconds;

/// A ring with one slot for each second. A turn of the ring is longer than any pause between two
/// checks of a connection.
#[derive(Debug)]
pub(super) struct Wheel<K> {
    slots: Vec<Vec<K>>,
    /// The last second whose slot was taken.
    now: Seconds,
}

const SLOTS: Seconds = 64;

impl<K> Wheel<K> {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now: 0 }
    }

    /// Schedules a key, and returns the time at which it will be due: never in the past, and at
    /// most one turn ahead.
    pub(super) fn schedule(&mut self, key: K, at: Seconds) -> Seconds {
        let at = at.clamp(self.now + 1, self.now + SLOTS - 1);
        self.slots[(at % SLOTS) as usize].push(key);
        at
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.iter().map(Vec::len).sum()
    }

    /// Takes the keys of every second up to `now`, each with the second for which it was scheduled.
    pub(super) fn advance(&mut self, now: Seconds) -> Vec<(Seconds, K)> {
        let mut due = Vec::new();
        while self.now < now {
            self.now += 1;
            let slot = &mut self.slots[(self.now % SLOTS) as usize];
            due.extend(slot.drain(..).map(|key| (self.now, key)));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_up_at_their_second() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.schedule('a', 3), 3);
        assert_eq!(wheel.schedule('b', 2), 2);
        assert_eq!(wheel.advance(1), []);
        assert_eq!(wheel.advance(3), [(2, 'b'), (3, 'a')]);
        assert_eq!(wheel.advance(200), []);
    }

    #[test]
    fn the_past_is_the_next_second_and_the_far_future_a_turn_ahead() {
        let mut wheel = Wheel::new();
        wheel.advance(100);
        assert_eq!(wheel.schedule('a', 5), 101);
        assert_eq!(wheel.schedule('b', 9000), 163);
        assert_eq!(wheel.advance(163), [(101, 'a'), (163, 'b')]);
    }
}
