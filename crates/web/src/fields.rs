//! What somebody entered in a form, and what is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use domain::Invalid;

/// Characters that any field takes at most; what is parsed from it may take fewer.
const LONGEST: usize = 16_384;

/// Fields that are never sent back to the browser.
const SECRETS: [&str; 11] = [
    "client_secret",
    "webhook_secret",
    "password",
    "current_password",
    "new_password",
    "token",
    "secret",
    "secret_key",
    "private_key",
    "code",
    "recovery_code",
];

/// The values of a form's fields, kept while mistakes are mended, and the mistakes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    values: BTreeMap<String, Vec<String>>,
    faults: Vec<(String, String)>,
    /// What is wrong with the form as a whole.
    summary: Option<String>,
}

impl Fields {
    /// A form that nobody has filled in yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What came from a browser. What no field can hold is a mistake from the start.
    pub(crate) fn from_pairs<'a>(
        pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
            if value.chars().any(is_control) {
                fields.fail(
                    &name,
                    "This has characters that cannot be seen: type it anew.",
                );
            } else if value.chars().count() > LONGEST {
                fields.fail(
                    &name,
                    format!("This is too long: use at most {LONGEST} characters."),
                );
            }
            let value = value.replace(is_control, "");
            fields
                .values
                .entry(name.into_owned())
                .or_default()
                .push(value);
        }
        fields
    }

    /// Presets a field.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have a word or an id at hand"
    )]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.values.insert(name.to_owned(), vec![value.to_string()]);
        self
    }

    /// Presets a field that may be ticked several times.
    pub(crate) fn with_all<V: ToString>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.to_string()).collect();
        self.values.insert(name.to_owned(), values);
        self
    }

    /// What the field shows: nothing if it holds a secret.
    pub(crate) fn value(&self, name: &str) -> &str {
        if SECRETS.contains(&name) {
            ""
        } else {
            self.raw(name)
        }
    }

    /// What was entered, white space around it left out.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// Every value of a field that may have several.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a switch is on, or a form button was pressed.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }

    /// Whether a choice among several is this one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have a word or an id at hand"
    )]
    pub(crate) fn has(&self, name: &str, value: impl ToString) -> bool {
        let value = value.to_string();
        self.all(name).contains(&value)
    }

    /// What was entered exactly, for secrets.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.values
            .get(name)
            .and_then(|values| values.last())
            .map_or("", String::as_str)
    }

    /// Understands a field, or notes what is wrong with it.
    pub(crate) fn parse<T: FromStr<Err = Invalid>>(&mut self, name: &str) -> Option<T> {
        match self.text(name).parse() {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.fail(name, invalid.to_string());
                None
            }
        }
    }

    /// Understands a whole number, or notes what is wrong with it.
    pub(crate) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        name: &str,
        within: std::ops::RangeInclusive<T>,
    ) -> Option<T> {
        match self.text(name).parse() {
            Ok(value) if within.contains(&value) => Some(value),
            _ => {
                let (least, most) = within.into_inner();
                self.fail(name, format!("Write a number from {least} to {most}."));
                None
            }
        }
    }

    /// Notes what is wrong with a field. The first word counts.
    pub(crate) fn fail(&mut self, name: &str, sentence: impl Into<String>) {
        if self.error(name).is_none() {
            self.faults.push((name.to_owned(), sentence.into()));
        }
    }

    /// Notes what is wrong with the form as a whole.
    pub(crate) fn fail_form(&mut self, sentence: impl Into<String>) {
        self.summary.get_or_insert(sentence.into());
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_ok(&self) -> bool {
        self.faults.is_empty() && self.summary.is_none()
    }

    /// What is wrong with a field.
    pub(crate) fn error(&self, name: &str) -> Option<&str> {
        self.faults
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, sentence)| sentence.as_str())
    }

    /// What is wrong with the form as a whole.
    pub(crate) fn summary(&self) -> Option<&str> {
        self.summary.as_deref()
    }

    /// Every mistake with its field, in the order in which they were found.
    pub(crate) fn faults(&self) -> &[(String, String)] {
        &self.faults
    }
}

#[cfg(test)]
mod tests;
