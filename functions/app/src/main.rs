//! All functions as a program.

fn main() -> std::process::ExitCode {
    signalr_function_runtime::start(signalr_function_app::router)
}
