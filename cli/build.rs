//! Watches the folder of the built pages, so that the command is built again if a page changes.

use std::path::Path;

fn main() {
    // Cargo builds again each time if a watched folder is missing. Without built pages, the folder
    // is watched in which they appear.
    let pages = ["../web/dist", "../web"].into_iter().find(|folder| Path::new(folder).exists());
    if let Some(folder) = pages {
        println!("cargo::rerun-if-changed={folder}");
    }
}
