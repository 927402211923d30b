//! Watches the folder of the built pages, so that the command is built again if a page changes.

fn main() {
    println!("cargo::rerun-if-changed=../web/dist");
}
