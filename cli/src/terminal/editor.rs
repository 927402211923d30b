//! The line editor: history, completion by the Tab key, and a hint with the rest of a command.

use rustyline::{
    Context, Editor, ExternalPrinter, Helper, completion::Completer, error::ReadlineError,
    highlight::Highlighter, hint::Hinter, history::MemHistory, validate::Validator,
};

use super::input::Input;

/// How a command is written, and what it does.
#[derive(Debug)]
pub(crate) struct Usage {
    /// Lowercase words are typed as they are. Words in capitals are replaced by the user's own.
    pub(crate) form: &'static str,
    pub(crate) meaning: &'static str,
}

pub(super) type LineEditor = Editor<Commands, MemHistory>;
type Printer = Box<dyn FnMut(String) -> bool + Send>;

pub(super) fn open(
    usages: &'static [Usage],
) -> Result<(LineEditor, Option<Printer>), ReadlineError> {
    let config = rustyline::Config::builder().auto_add_history(true).build();
    let history = MemHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    editor.set_helper(Some(Commands(usages)));
    let printer = editor
        .create_external_printer()
        .ok()
        .map(|mut printer| Box::new(move |text| printer.print(text).is_ok()) as Printer);
    Ok((editor, printer))
}

pub(super) fn read(editor: &mut LineEditor, prompt: &str) -> Input {
    match editor.readline(prompt) {
        Ok(line) => Input::Line(line),
        // A terminal that closes in the middle of a line is an end too.
        Err(ReadlineError::Eof) => Input::End,
        Err(ReadlineError::Interrupted) => Input::Interrupted,
        Err(error) => Input::Failed(format!("the terminal cannot be read: {error}")),
    }
}

/// The commands that can be typed.
pub(super) struct Commands(&'static [Usage]);

impl Commands {
    /// The forms that begin with the typed text.
    fn that_go_on(&self, typed: &str) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|usage| usage.form).filter(move |form| form.starts_with(typed))
    }
}

impl Completer for Commands {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..position];
        let start = typed.rfind(' ').map_or(0, |space| space + 1);
        let next_word = |form: &str| form[start..].split(' ').next().unwrap_or_default().to_owned();
        // The user replaces words in capitals.
        let is_literal = |word: &String| word.starts_with(|first: char| first.is_ascii_lowercase());
        let mut words =
            self.that_go_on(typed).map(next_word).filter(is_literal).collect::<Vec<_>>();
        words.dedup();
        if let [only] = words.as_mut_slice() {
            only.push(' ');
        }
        Ok((start, words))
    }
}

impl Hinter for Commands {
    type Hint = String;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<String> {
        if line.is_empty() || position < line.len() {
            return None;
        }
        self.that_go_on(line).next().map(|form| form[line.len()..].to_owned())
    }
}

impl Highlighter for Commands {}
impl Validator for Commands {}
impl Helper for Commands {}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGES: &[Usage] = &[
        Usage { form: "send user USER", meaning: "" },
        Usage { form: "send users USER,USER", meaning: "" },
        Usage { form: "quit", meaning: "" },
    ];

    fn completed(line: &str) -> (usize, Vec<String>) {
        let history = MemHistory::new();
        Commands(USAGES).complete(line, line.len(), &Context::new(&history)).unwrap()
    }

    #[test]
    fn words_are_completed_and_names_are_not() {
        assert_eq!(completed("q"), (0, vec!["quit ".to_owned()]));
        assert_eq!(completed("se"), (0, vec!["send ".to_owned()]));
        assert_eq!(completed("send us"), (5, vec!["user".to_owned(), "users".to_owned()]));
        assert_eq!(completed("send user "), (10, vec![]));
        assert_eq!(completed("x"), (0, vec![]));
    }

    #[test]
    fn the_rest_of_a_command_is_the_hint() {
        let history = MemHistory::new();
        let hint = |line: &str| Commands(USAGES).hint(line, line.len(), &Context::new(&history));
        assert_eq!(hint("send users").as_deref(), Some(" USER,USER"));
        assert_eq!(hint(""), None);
        assert_eq!(hint("send user ann"), None);
    }
}
