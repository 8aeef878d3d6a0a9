//! Tokens as people give them, and the rights that come with them.

use crate::{ForgeKind, Invalid, Secret};

/// What a vendor's tokens look like, and what is mistaken for them.
struct Shape {
    /// What may be entered.
    usable: &'static str,
    /// Longest token, in bytes.
    longest: usize,
    /// How a token begins that is certainly something else, and what it is.
    foreign: &'static [(&'static str, &'static str)],
}

/// GitHub docs, "Behind GitHub's new authentication token formats": up to 255 characters; `ghp_` personal, `github_pat_`
/// fine-grained, `gho_` OAuth, `ghu_` and `ghs_` of Apps, `ghr_` refresh. Old personal tokens are 40 hexadecimal digits, so what has
/// no prefix is let through.
const GITHUB: Shape = Shape {
    usable: "a token (classic) of GitHub, which starts with ghp_",
    longest: 255,
    foreign: &[
        (
            "github_pat_",
            "a fine-grained token, which cannot read everything that a backup needs",
        ),
        ("gho_", "a token of an OAuth app"),
        ("ghu_", "a token of a GitHub App"),
        ("ghs_", "a token of a GitHub App"),
        ("ghr_", "a refresh token"),
        ("glpat-", "a token of GitLab"),
    ],
};

/// GitLab docs, "GitLab token overview": `glpat-` is the usual prefix, but an administrator may choose another or none, so only what is
/// certainly something else is refused. The routable form goes up to 316 characters after the prefix.
const GITLAB: Shape = Shape {
    usable: "a personal, group or project access token of GitLab",
    longest: 512,
    foreign: &[
        ("gldt-", "a deploy token, which cannot use the API"),
        ("gloas-", "the secret of an OAuth application"),
        ("glcbt-", "a token of a CI/CD job, which ends with it"),
        ("glrt-", "a token of a runner"),
        ("glrtr-", "a token that registers runners"),
        ("glptt-", "a token that triggers pipelines"),
        ("glft-", "a feed token"),
        ("github_pat_", "a token of GitHub"),
        ("ghp_", "a token of GitHub"),
        ("gho_", "a token of GitHub"),
        ("ghs_", "a token of GitHub"),
    ],
};

impl Shape {
    fn read(&self, text: &str) -> Result<Secret, Invalid> {
        let refuse = |sentence: String| Err(Invalid::new(sentence));
        let usable = self.usable;
        if text.trim().is_empty() {
            return refuse(format!("Enter a token: {usable}."));
        }
        let text = text.trim_matches([' ', '\t']);
        if text.contains(['\n', '\r']) {
            return refuse(
                "The token has a line break in it: paste it again, on one line and nothing else."
                    .to_owned(),
            );
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return refuse(
                "The token has a space or an unusual character in it: copy it again as a whole."
                    .to_owned(),
            );
        }
        if text.len() > self.longest {
            return refuse(format!(
                "This is too long for a token: copy the token alone, {usable}."
            ));
        }
        let foreign = self.foreign.iter();
        match foreign
            .filter(|(prefix, _)| text.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
        {
            Some((prefix, what)) => refuse(format!(
                "This is {what} (it starts with {prefix}). Use {usable}."
            )),
            None => Ok(Secret::new(text)),
        }
    }
}

/// Reads a classic token of GitHub. The sentence of a refusal shows nothing of the token.
pub fn github_token(text: &str) -> Result<Secret, Invalid> {
    GITHUB.read(text)
}

/// Reads a token of GitLab: of a person, a group, a project or a service account, which all look alike.
pub fn gitlab_token(text: &str) -> Result<Secret, Invalid> {
    GITLAB.read(text)
}

/// Reads a token for a vendor's hosts.
pub fn token_for(forge: ForgeKind, text: &str) -> Result<Secret, Invalid> {
    match forge {
        ForgeKind::GitHub => github_token(text),
        ForgeKind::GitLab => gitlab_token(text),
    }
}

/// A right that a backup needs and a token does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingRight {
    /// The scope that would give it.
    pub scope: &'static str,
    /// What is not backed up without it.
    pub without_it: &'static str,
    /// Whether most of a backup depends on it.
    pub is_essential: bool,
}

/// A scope that a backup needs, what includes it, what is missing without it, and whether most of a backup depends on it.
type Need = (&'static str, &'static [&'static str], &'static str, bool);

/// The scopes that a backup of GitHub needs.
const NEEDED_ON_GITHUB: [Need; 2] = [
    (
        "repo",
        &[],
        "it sees public repositories only, and no settings",
        true,
    ),
    (
        "read:org",
        &["write:org", "admin:org"],
        "it does not see the teams and the private members of organizations",
        false,
    ),
];

/// The scopes that a backup of GitLab needs. GitLab docs, "Personal access token scopes".
const NEEDED_ON_GITLAB: [Need; 2] = [
    (
        "read_api",
        &["api"],
        "it sees neither projects nor what is said in them",
        true,
    ),
    (
        "read_repository",
        &["write_repository", "api"],
        "it cannot fetch code and wikis",
        true,
    ),
];

/// Whether a token of a GitLab may ask for another value of itself (GitLab docs, "Personal access tokens API", rotate).
pub fn may_rotate(scopes: &[String]) -> bool {
    scopes
        .iter()
        .any(|scope| matches!(scope.as_str(), "api" | "self_rotate"))
}

/// What a token's scopes lack for a backup.
pub fn missing_rights(forge: ForgeKind, scopes: &[String]) -> Vec<MissingRight> {
    let has = |scope: &str| scopes.iter().any(|one| one == scope);
    let needed = match forge {
        ForgeKind::GitHub => &NEEDED_ON_GITHUB,
        ForgeKind::GitLab => &NEEDED_ON_GITLAB,
    };
    needed
        .iter()
        .filter(|(scope, wider, _, _)| !has(scope) && !wider.iter().any(|one| has(one)))
        .map(|&(scope, _, without_it, is_essential)| MissingRight {
            scope,
            without_it,
            is_essential,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classic_token_is_taken_and_its_ends_trimmed() {
        for good in [
            "ghp_abc",
            " ghp_abc\t",
            "0123456789abcdef0123456789abcdef01234567",
        ] {
            assert_eq!(github_token(good).unwrap().expose(), good.trim());
        }
    }

    #[test]
    fn whatever_else_is_refused_with_a_sentence_that_does_not_show_it() {
        let long = format!("ghp_{}", "x".repeat(10_000));
        for (given, word) in [
            ("", "Enter a token"),
            (" \r\n", "Enter a token"),
            ("ghp_abc\n", "line break"),
            ("ghp_a\r\nghp_b", "line break"),
            ("ghp_a b", "a space"),
            ("ghp_ä", "unusual"),
            ("ghp_a\u{0}", "unusual"),
            ("github_pat_11ABC", "fine-grained"),
            ("gho_x", "OAuth"),
            ("ghs_x", "GitHub App"),
            ("glpat-x", "GitLab"),
            (&long, "too long"),
        ] {
            let refused = github_token(given).unwrap_err().0;
            assert!(refused.contains(word), "{given:?}: {refused}");
            assert!(
                !refused.contains("11ABC")
                    && !refused.contains("ghp_a")
                    && !refused.contains("xxxx")
            );
        }
    }

    #[test]
    fn tokens_of_gitlab_have_no_shape_but_some_are_certainly_something_else() {
        for good in ["glpat-abc", "acme-glpat-abc", " 0123abc\t"] {
            assert_eq!(gitlab_token(good).unwrap().expose(), good.trim());
        }
        let long = "x".repeat(10_000);
        for (given, word) in [
            ("", "Enter a token"),
            ("glpat-a\n", "line break"),
            ("glpat-a b", "a space"),
            ("gldt-xxxx", "deploy token"),
            ("ghp_xxxx", "GitHub"),
            (&long, "too long"),
        ] {
            let refused = gitlab_token(given).unwrap_err().0;
            assert!(refused.contains(word), "{given:?}: {refused}");
            assert!(!refused.contains("xxxx"));
        }
        let scopes = ["api".to_owned()];
        assert!(missing_rights(ForgeKind::GitLab, &scopes).is_empty());
        assert_eq!(missing_rights(ForgeKind::GitLab, &[]).len(), 2);
    }

    #[test]
    fn a_wider_scope_includes_the_narrower() {
        let missing = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|one| (*one).to_owned()).collect();
            missing_rights(ForgeKind::GitHub, &scopes)
                .iter()
                .map(|one| one.scope)
                .collect::<Vec<_>>()
        };
        assert_eq!(missing(&["repo", "read:org"]), [""; 0]);
        assert_eq!(missing(&["repo", "admin:org"]), [""; 0]);
        assert_eq!(missing(&["repo"]), ["read:org"]);
        assert_eq!(missing(&["public_repo"]), ["repo", "read:org"]);
        assert!(missing_rights(ForgeKind::GitHub, &[])[0].is_essential);
    }
}
