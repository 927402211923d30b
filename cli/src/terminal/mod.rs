//! Lines from a user or a pipe.

mod editor;
mod input;
mod words;

use std::{
    io::{self, BufRead, IsTerminal},
    sync::mpsc as std_mpsc,
    thread,
};

use tokio::sync::mpsc;

pub(crate) use self::{editor::Usage, input::Input, words::Words};
use crate::failure::Failure;

/// Lines, one at a time. The next line is read only when the one before is done.
pub(crate) struct Lines {
    inputs: mpsc::Receiver<Input>,
    asks: std_mpsc::Sender<()>,
    is_asked: bool,
    is_terminal: bool,
    /// Prints above the line that is edited.
    above: Option<Box<dyn FnMut(String) -> bool + Send>>,
}

impl Lines {
    /// Reads standard input. If a person types, a line editor offers these commands.
    pub(crate) fn open(prompt: &'static str, usages: &'static [Usage]) -> Result<Self, Failure> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let (sender, inputs) = mpsc::channel(1);
        let (asks, asked) = std_mpsc::channel();
        let mut above = None;
        if is_terminal {
            let editor = editor::open(usages).map_err(|error| Failure::Start(error.to_string()))?;
            let (mut editor, printer) = editor;
            above = printer;
            thread::spawn(move || {
                while asked.recv().is_ok()
                    && sender.blocking_send(editor::read(&mut editor, prompt)).is_ok()
                {
                }
            });
        } else {
            thread::spawn(move || {
                while asked.recv().is_ok() && sender.blocking_send(read_line()).is_ok() {}
            });
        }
        Ok(Self { inputs, asks, is_asked: false, is_terminal, above })
    }

    /// Whether a person types.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line. If this future is dropped early, the next call returns the line.
    pub(crate) async fn next(&mut self) -> Input {
        if !self.is_asked {
            // The reading thread has ended only if its last input was an end.
            let _ = self.asks.send(());
            self.is_asked = true;
        }
        let input = self.inputs.recv().await.unwrap_or(Input::End);
        self.is_asked = false;
        input
    }

    /// Prints a line above the line that is edited.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_asked
            && let Some(above) = &mut self.above
            && above(format!("{text}\n"))
        {
            return Ok(());
        }
        crate::print::line(text)
    }
}

/// A line from a pipe.
fn read_line() -> Input {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => Input::End,
        Ok(_) => Input::Line(line),
        Err(error) => Input::Failed(format!("standard input cannot be read: {error}")),
    }
}
