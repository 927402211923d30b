//! Each page with Rust blocks is a module here, so that `cargo test --doc` compiles and runs them.

#[doc = include_str!("../../../docs/tasks/rust.md")]
pub mod rust {}

#[doc = include_str!("../../../docs/tasks/upstream.md")]
pub mod upstream {}
