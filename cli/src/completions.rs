//! `signalr completions` and `signalr man`: the command's flags for shells and for people.

use std::{fs, io, path::PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{failure::Failure, print};

/// Print the completion script for a shell
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Shell to print it for
    shell: Shell,
}

/// Write the man pages
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Folder to write them to; the command makes it if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Completions {
    pub(crate) fn run(&self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "signalr", &mut script);
        print::line(String::from_utf8_lossy(&script).trim_end())
    }
}

impl Man {
    pub(crate) fn run(&self, command: Command) -> Result<(), Failure> {
        let failed = |error: io::Error| {
            let folder = self.folder.display();
            Failure::Configuration(format!(
                "{folder}: {error}; name a folder that can be written to"
            ))
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        clap_mangen::generate_to(command, &self.folder).map_err(failed)?;
        print::line(&format!("the man pages are in {}", self.folder.display()))
    }
}
