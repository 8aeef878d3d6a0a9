//! What a command says: one JSON document for scripts, or aligned columns and sentences for people.

mod table;

use std::io::Write;

use serde::Serialize;
use serde_json::json;

use crate::error::Error;

pub(crate) use table::Table;

/// How the person wants to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether standard output belongs to one JSON document.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The answer of a command, in whichever form was asked for.
    pub(crate) fn answer(self, document: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string(document) {
                Ok(document) => print(&document),
                Err(error) => self.error(&Error::Failed(format!(
                    "The answer cannot be written as JSON: {error}."
                ))),
            }
        } else {
            print(text().trim_end_matches('\n'));
        }
    }

    /// Something worth knowing beside the answer; a script finds it in the document instead.
    pub(crate) fn note(self, sentence: &str) {
        if !self.json {
            eprint(sentence);
        }
    }

    /// Why a command did not do what it was asked to.
    pub(crate) fn error(self, error: &Error) {
        if self.json {
            print(&json!({ "error": error.to_string() }).to_string());
        } else {
            eprint(&error.to_string());
        }
    }
}

/// A reader that has gone away is no reason to fail.
fn print(text: &str) {
    let _gone = writeln!(std::io::stdout(), "{text}");
}

fn eprint(text: &str) {
    let _gone = writeln!(std::io::stderr(), "{text}");
}
