//! `signalr upstream`: the file that says where clients' events go. asrs-emulator has the same
//! file.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use signalr_service::upstream::{FILE_NAME, Settings};

use crate::failure::Failure;

/// The file that `init` writes: every event goes to the functions host of this machine.
const TEMPLATE: &str = r#"{
  "UpstreamSettings": {
    "Templates": [
      {
        "UrlTemplate": "http://localhost:7071/runtime/webhooks/signalr",
        "EventPattern": "*",
        "HubPattern": "*",
        "CategoryPattern": "*"
      }
    ]
  }
}
"#;

/// Write or show the settings.json with the URLs that the service calls when clients do something
#[derive(Args, Debug)]
pub(crate) struct Upstream {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a settings.json that sends every event to http://localhost:7071/runtime/webhooks/signalr
    Init {
        /// Folder to write it into
        #[arg(short, long, value_name = "FOLDER", default_value = ".")]
        output: PathBuf,

        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
    /// Show the templates of a settings.json in the order in which they are tried
    List {
        /// The file or its folder
        #[arg(short, long, value_name = "FILE", default_value = ".")]
        config: PathBuf,
    },
}

impl Upstream {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Init { output, force } => init(output, force),
            Action::List { config } => {
                let settings = Settings::read(&config)?;
                let lines: String = settings.lines().map(|line| format!("{line}\n")).collect();
                Ok(io::stdout().write_all(lines.as_bytes())?)
            }
        }
    }
}

fn init(folder: PathBuf, force: bool) -> Result<(), Failure> {
    let path = folder.join(FILE_NAME);
    let file = if force { File::create(&path) } else { File::create_new(&path) };
    let written = file.and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    written.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already; --force replaces it",
            io::ErrorKind::NotFound => "there is no such folder; make it first",
            _ => return Failure::Start(format!("{} cannot be written: {error}", path.display())),
        };
        Failure::Configuration(format!("{} is not written: {advice}", path.display()))
    })?;
    Ok(writeln!(io::stdout(), "wrote {}", path.display())?)
}
