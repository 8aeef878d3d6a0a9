//! What the server wrote, read as it grows.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a line may take to appear.
const DEADLINE: Duration = Duration::from_mins(1);

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read(&self.path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits for a text to appear after what was there at `from`.
    pub(crate) async fn until(&self, from: usize, text: &str) {
        let waited = tokio::time::timeout(DEADLINE, async {
            let mut look = tokio::time::interval(LOOK);
            loop {
                look.tick().await;
                let log = self.text();
                if log.get(from..).is_some_and(|fresh| fresh.contains(text)) {
                    return;
                }
            }
        });
        waited
            .await
            .unwrap_or_else(|_| panic!("\"{text}\" was not logged in time:\n{}", self.tail()));
    }

    /// What follows a text on the last line that has it.
    pub(crate) fn after(&self, text: &str) -> Option<String> {
        let log = self.text();
        let (_, rest) = log.rsplit_once(text)?;
        rest.lines().next().map(|line| line.trim().to_owned())
    }

    /// The newest lines about what went wrong.
    pub(crate) fn complaints(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(" WARN ") || line.contains(" ERROR "))
            .collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    pub(crate) fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}
