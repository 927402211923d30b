//! The upstream function of the chat as a program.

fn main() -> std::process::ExitCode {
    signalr_function_runtime::start(signalr_upstream::router)
}
