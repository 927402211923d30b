//! Lua scripts. The broker runs each one in a single step.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, ServerError};

/// A script by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// A node reports that it is running.
    Beat,
    /// A user joins a group.
    AddUser,
    /// A user leaves one group or all groups.
    RemoveUser,
    /// The groups of a user.
    UserGroups,
}

static HASHES: LazyLock<[String; 4]> = LazyLock::new(|| {
    let hash = |script: Script| redis::Script::new(script.source()).get_hash().to_owned();
    Script::ALL.map(hash)
});

impl Script {
    pub(super) const ALL: [Self; 4] =
        [Self::Beat, Self::AddUser, Self::RemoveUser, Self::UserGroups];

    fn source(self) -> &'static str {
        match self {
            Self::Beat => include_str!("scripts/beat.lua"),
            Self::AddUser => include_str!("scripts/add_user.lua"),
            Self::RemoveUser => include_str!("scripts/remove_user.lua"),
            Self::UserGroups => include_str!("scripts/user_groups.lua"),
        }
    }

    fn hash(self) -> &'static str {
        let index = match self {
            Self::Beat => 0,
            Self::AddUser => 1,
            Self::RemoveUser => 2,
            Self::UserGroups => 3,
        };
        &HASHES[index]
    }

    /// The command that runs the script, if the broker knows the script.
    pub(super) fn call(self, keys: &[Vec<u8>], arguments: &[&[u8]]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.hash()).arg(keys.len()).arg(keys).arg(arguments);
        command
    }

    /// Whether the broker does not know the script. This happens if it could not be loaded when the
    /// connection began, and after `SCRIPT FLUSH`.
    pub(super) fn is_unknown(self, error: &ServerError) -> bool {
        error.code() == "NOSCRIPT"
    }

    pub(super) fn load(self) -> Cmd {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(self.source());
        load
    }

    /// Loads the script and runs the command again.
    pub(super) fn load_and_run(self, command: &Cmd) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(self.load()).add_command(command.clone());
        pipeline
    }
}
