//! The calls that a user can type at a client.

use serde_json::Value;
use signalr_client::{CallError, Connection};
use tokio::sync::mpsc;

use super::show::Show;
use crate::{
    failure::Failure,
    terminal::{Usage, Words},
};

pub(super) const USAGES: &[Usage] = &[
    Usage { form: "send TARGET [ARGUMENT…]", meaning: "call a method of the hub" },
    Usage { form: "invoke TARGET [ARGUMENT…]", meaning: "call a method, and show its result" },
    Usage {
        form: "stream TARGET [ARGUMENT…]",
        meaning: "call a method, and show the items of its stream",
    },
    Usage { form: "help", meaning: "this list" },
    Usage { form: "quit", meaning: "leave" },
];

#[derive(Debug)]
pub(super) enum Command {
    Send(Call),
    Invoke(Call),
    Stream(Call),
    Help,
    Quit,
}

#[derive(Debug)]
pub(super) struct Call {
    target: String,
    arguments: Vec<Value>,
}

pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
    let mut words = Words::of(line)?;
    let Some(verb) = words.next() else { return Ok(None) };
    let call = |mut words: Words| {
        let target = words.need(&format!("{verb}: the name of a method"))?;
        Ok::<_, String>(Call { target, arguments: words.arguments() })
    };
    Ok(Some(match verb.as_str() {
        "send" => Command::Send(call(words)?),
        "invoke" => Command::Invoke(call(words)?),
        "stream" => Command::Stream(call(words)?),
        "help" => Command::Help,
        "quit" | "exit" => Command::Quit,
        other => return Err(format!("'{other}' is not a command; 'help' lists them")),
    }))
}

pub(super) fn help() -> String {
    let line = |usage: &Usage| format!("{:<28}{}", usage.form, usage.meaning);
    USAGES.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Makes the call and sends its result.
pub(super) async fn run(
    connection: &Connection,
    command: Command,
    results: &mpsc::Sender<Result<String, Failure>>,
    show: Show,
) {
    let (target, outcome) = match command {
        Command::Send(Call { target, arguments }) => {
            let outcome = connection.send(&target, &arguments).await;
            (target, outcome)
        }
        Command::Invoke(Call { target, arguments }) => {
            let outcome = invoke(connection, &target, &arguments, results, show).await;
            (target, outcome)
        }
        Command::Stream(Call { target, arguments }) => {
            let outcome = stream(connection, &target, &arguments, results, show).await;
            (target, outcome)
        }
        Command::Help | Command::Quit => return,
    };
    if let Err(error) = outcome {
        // If the receiver is gone, the client has ended.
        let _ = results.send(Err(Failure::Service(format!("{target}: {error}")))).await;
    }
}

async fn invoke(
    connection: &Connection,
    target: &str,
    arguments: &[Value],
    results: &mpsc::Sender<Result<String, Failure>>,
    show: Show,
) -> Result<(), CallError> {
    let (_, answer) = connection.call(target, arguments).invoke().await?;
    let result = answer.payload().await?;
    // As above.
    let _ = results.send(Ok(show.result(target, result.as_ref()))).await;
    Ok(())
}

async fn stream(
    connection: &Connection,
    target: &str,
    arguments: &[Value],
    results: &mpsc::Sender<Result<String, Failure>>,
    show: Show,
) -> Result<(), CallError> {
    let mut items = connection.stream(target, arguments).await?;
    while let Some(item) = items.next().await {
        if results.send(Ok(show.item(target, &item?))).await.is_err() {
            break;
        }
    }
    Ok(())
}
