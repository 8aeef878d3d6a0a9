//! The files and folders of a snapshot, as somebody looks around among them.

use std::fmt::{self, Display};

use chrono::{DateTime, Utc};

/// The names on the way to a file or a folder of a snapshot. None of them leads up or elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// Reads `metadata/issues.ndjson`; nothing if it leads anywhere but down.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        let leads_down = |name: &String| {
            !name.is_empty()
                && name != "."
                && name != ".."
                && !name.contains(|c: char| c == '\\' || c.is_control())
        };
        names.iter().all(leads_down).then_some(Self(names))
    }

    /// One after the other, from the top.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The last one: the name of the file or the folder itself.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Every folder on the way, each with its path.
    pub fn trail(&self) -> Vec<(String, String)> {
        let mut path = String::new();
        let walked = self.0.iter().map(|name| {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
            (name.clone(), path.clone())
        });
        walked.collect()
    }
}

impl Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A folder, with what it holds: folders first, each by name.
    Folder(Vec<Item>),
    /// A file.
    File(Item),
}

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes in it; nothing for a folder that holds too much to add up.
    pub bytes: Option<u64>,
    /// When it was last changed, as far as that is kept.
    pub modified_at: Option<DateTime<Utc>>,
}

/// What of a snapshot is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it, as a tar archive.
    Archive,
    /// The git repository, as a bundle.
    Git,
    /// The wiki, as a bundle.
    Wiki,
    /// One file.
    File(Names),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_but_down() {
        for text in ["metadata", "metadata/issues.ndjson", "lfs/aa/bb/..name"] {
            assert_eq!(Names::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Names::parse(""), Some(Names::default()));
        for text in [
            "..",
            "/etc/passwd",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "a\0b",
            "a/\nb",
        ] {
            assert_eq!(Names::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_trail_names_each_folder_on_the_way() {
        let trail = Names::parse("git/objects/pack").unwrap().trail();
        assert_eq!(trail[1], ("objects".to_owned(), "git/objects".to_owned()));
        assert_eq!(trail.len(), 3);
    }
}
