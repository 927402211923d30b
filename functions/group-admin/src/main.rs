//! The group-admin function as a program.

fn main() -> std::process::ExitCode {
    signalr_function_runtime::start(signalr_group_admin::router)
}
