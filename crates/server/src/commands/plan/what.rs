//! What a plan backs up: which repositories, and what of them.

use clap::{Args, ValueEnum};
use domain::selection::{Rules, Stance, Terms};
use domain::{Content, Part, RepositoryName, Selection};

use crate::error::Error;

/// Rules by which repositories belong to a plan. What is not said lets all pass.
#[derive(Debug, Args)]
pub(super) struct ByRule {
    /// Only names that fit one of these patterns: tool-*,acme/web-*.
    #[arg(long, value_name = "PATTERNS")]
    named: Option<String>,
    /// No name that fits one of these patterns.
    #[arg(long, value_name = "PATTERNS")]
    not_named: Option<String>,
    /// Only repositories with one of these topics.
    #[arg(long, value_name = "TOPICS")]
    topics: Option<String>,
    /// No repository with one of these topics.
    #[arg(long, value_name = "TOPICS")]
    not_topics: Option<String>,
    /// What to do with archived repositories.
    #[arg(long, value_enum)]
    archived: Option<Choice>,
    /// What to do with forks.
    #[arg(long, value_enum)]
    forks: Option<Choice>,
    /// What to do with private repositories.
    #[arg(long, value_enum)]
    private: Option<Choice>,
}

/// What to do with repositories that have a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// With it or without it.
    Either,
    /// Those that have it alone.
    Only,
    /// Those that do not have it alone.
    Without,
}

/// The flags that say a rule.
pub(super) const RULES: [&str; 7] = [
    "named",
    "not_named",
    "topics",
    "not_topics",
    "archived",
    "forks",
    "private",
];

impl ByRule {
    /// The selection that was asked for, if anything was said; rules change what the plan's rules are now.
    pub(super) fn selection(
        &self,
        repositories: Option<&str>,
        now: Option<&Selection>,
    ) -> Result<Option<Selection>, Error> {
        let said = self.is_said();
        match repositories.map(selection).transpose()? {
            Some(Selection::Chosen(_)) if said => Err(Error::input(
                "Repositories are named one by one or by rules, not both: leave out --repositories, or the rules.",
            )),
            Some(chosen) if !said => Ok(Some(chosen)),
            None if !said => Ok(None),
            all => {
                let base = match (all, now) {
                    (None, Some(Selection::Rules(rules))) => rules.as_ref().clone(),
                    _ => Rules::default(),
                };
                Ok(Some(Selection::Rules(Box::new(self.over(base)?))))
            }
        }
    }

    fn is_said(&self) -> bool {
        let words = [&self.named, &self.not_named, &self.topics, &self.not_topics];
        let choices = [self.archived, self.forks, self.private];
        words.iter().any(|one| one.is_some()) || choices.iter().any(Option::is_some)
    }

    fn over(&self, mut rules: Rules) -> Result<Rules, Error> {
        for (said, words) in [
            (&self.named, &mut rules.names.include),
            (&self.not_named, &mut rules.names.exclude),
        ] {
            if let Some(text) = said {
                *words = Terms::words(text)?;
            }
        }
        for (said, words) in [
            (&self.topics, &mut rules.topics.include),
            (&self.not_topics, &mut rules.topics.exclude),
        ] {
            if let Some(text) = said {
                *words = Terms::words(text)?;
            }
        }
        for (said, stance) in [
            (self.archived, &mut rules.archived),
            (self.forks, &mut rules.forks),
            (self.private, &mut rules.private),
        ] {
            if let Some(choice) = said {
                *stance = choice.into();
            }
        }
        Ok(rules)
    }
}

impl From<Choice> for Stance {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Either => Self::Either,
            Choice::Only => Self::Only,
            Choice::Without => Self::Without,
        }
    }
}

/// Reads `all`, or full names joined by commas.
fn selection(text: &str) -> Result<Selection, Error> {
    if text.trim() == "all" {
        return Ok(Selection::All);
    }
    let names: Vec<RepositoryName> = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(Error::input(
            "The plan has no repositories: name some with --repositories owner/name,owner/name, or say all.",
        ));
    }
    Ok(Selection::Chosen(names))
}

/// Reads `everything`, `code`, or parts joined by commas, which come besides the code.
pub(super) fn content(text: &str) -> Result<Content, Error> {
    match text.trim() {
        "everything" => Ok(Content::default()),
        "code" => Ok(Content::without(Part::ALL)),
        parts => {
            let parts = parts.split(',').map(str::parse);
            Ok(Content::only(&parts.collect::<Result<_, _>>()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(named: Option<&str>, forks: Option<Choice>) -> ByRule {
        ByRule {
            named: named.map(str::to_owned),
            not_named: None,
            topics: None,
            not_topics: None,
            archived: None,
            forks,
            private: None,
        }
    }

    #[test]
    fn a_plan_without_repositories_is_refused() {
        for empty in ["", " , "] {
            let refused = selection(empty).unwrap_err().to_string();
            assert!(refused.contains("no repositories"), "{refused}");
        }
        assert!(selection("acme").is_err());
    }

    #[test]
    fn repositories_are_all_or_named() {
        assert_eq!(selection("all").unwrap(), Selection::All);
        let chosen = selection("acme/a, acme/b").unwrap();
        assert!(matches!(chosen, Selection::Chosen(names) if names.len() == 2));
    }

    #[test]
    fn a_rule_that_is_said_changes_that_rule_alone() {
        let first = rules(Some("web-*"), None).selection(None, None).unwrap();
        let second = rules(None, Some(Choice::Without))
            .selection(None, first.as_ref())
            .unwrap();
        assert_eq!(
            second.unwrap().summary(),
            "Repositories that fit: named web-*; no forks"
        );
        assert_eq!(rules(None, None).selection(None, None).unwrap(), None);
    }

    #[test]
    fn names_and_rules_exclude_each_other() {
        let both = rules(Some("web-*"), None);
        assert!(both.selection(Some("acme/a"), None).is_err());
        assert!(both.selection(Some("all"), None).is_ok());
    }

    #[test]
    fn content_is_everything_or_the_code_with_parts() {
        assert!(content("everything").unwrap().is_everything());
        assert_eq!(content("code").unwrap().summary(), "The code alone");
        assert!(content("wiki, pull-requests").unwrap().takes(Part::Wiki));
        assert!(content("git").is_err());
    }
}
