//! Watches the folder of the built pages, so that a page built after the command gets into it.

fn main() {
    println!("cargo::rerun-if-changed=../web/dist");
}
