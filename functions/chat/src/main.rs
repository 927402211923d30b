//! The upstream of the chat page as a program.

fn main() -> std::process::ExitCode {
    signalr_function_runtime::start(signalr_chat::router)
}
