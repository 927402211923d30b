//! Which hubs have a name of their own in metrics.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use signalr_serverless::HubName;

/// How many hubs have one.
const MOST: usize = 100;
/// The name of all others together. No hub has it: names of hubs have no parentheses.
pub(super) const OTHER: &str = "(other)";

/// The hubs that have a name. A hub keeps it for as long as it has connections, so that its series has
/// no holes.
#[derive(Debug, Default)]
pub(super) struct HubNames(
    // Held for short synchronous sections only.
    Mutex<HashSet<HubName>>,
);

impl HubNames {
    /// The hubs with a name among those that have so many connections. Names that become free go to the
    /// largest of the others.
    pub(super) fn of(&self, hubs: &HashMap<HubName, u64>) -> HashSet<HubName> {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|hub| hubs.contains_key(hub));
        if named.len() < hubs.len() && named.len() < MOST {
            let mut others: Vec<_> = hubs.iter().filter(|(hub, _)| !named.contains(*hub)).collect();
            others.sort_unstable_by_key(|(hub, count)| (Reverse(**count), hub.as_str()));
            let free = MOST.saturating_sub(named.len());
            named.extend(others.into_iter().take(free).map(|(hub, _)| hub.clone()));
        }
        named.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(number: usize) -> HubName {
        HubName::parse(&format!("hub{number}")).unwrap()
    }

    #[test]
    fn ten_thousand_hubs_have_a_hundred_names_and_keep_them() {
        let names = HubNames::default();
        let mut hubs: HashMap<_, u64> =
            (0..10_000).map(|number| (hub(number), number as u64)).collect();
        let first = names.of(&hubs);
        assert_eq!(first.len(), MOST);
        assert!(first.contains(&hub(9_999)) && !first.contains(&hub(0)));
        hubs.insert(hub(0), 1_000_000);
        assert_eq!(names.of(&hubs), first);
        hubs.remove(&hub(9_999));
        assert!(names.of(&hubs).contains(&hub(0)));
        assert!(names.of(&HashMap::new()).is_empty());
    }
}
