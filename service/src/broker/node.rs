//! The name of a node. It is random, and each start of a process has a new one.

use std::fmt;

/// Identifies one process of a cluster. It is written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(super) u64);

impl NodeId {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits)?;
        Ok(Self(u64::from_le_bytes(bits)))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for node in [NodeId(0), NodeId(u64::MAX), NodeId::random().unwrap()] {
            assert_eq!(NodeId::parse(&node.to_string()), Some(node));
        }
        for bad in ["", "0", "xxxxxxxxxxxxxxxx", "00000000000000000"] {
            assert_eq!(NodeId::parse(bad), None, "{bad}");
        }
    }
}
