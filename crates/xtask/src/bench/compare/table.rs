//! What was measured, side by side.

use serde_json::Value;

/// One run of one tool.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    /// Requests of the API, downloads of assets aside.
    pub(super) requests: u64,
    /// Requests for assets.
    pub(super) assets: u64,
    pub(super) refused: u64,
    pub(super) git: u64,
    pub(super) seconds: f64,
    /// What is stored afterwards.
    pub(super) bytes: u64,
}

impl Measured {
    /// What the simulator has counted since its counters were reset.
    pub(super) fn of(statistics: &Value, seconds: f64, bytes: u64) -> Self {
        let number = |name: &str| {
            statistics
                .get(name)
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        let assets = statistics
            .get("by_route")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter(|(route, _)| route.contains("/releases/assets/"))
            .filter_map(|(_, count)| count.as_u64())
            .sum();
        Self {
            requests: number("requests") - assets,
            assets,
            refused: number("refused"),
            git: number("git"),
            seconds,
            bytes,
        }
    }

    /// Two steps of one job.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            assets: self.assets + other.assets,
            refused: self.refused + other.refused,
            git: self.git + other.git,
            seconds: self.seconds + other.seconds,
            bytes: self.bytes.max(other.bytes),
        }
    }
}

/// Rows of measurements.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<String>);

impl Table {
    /// Adds a row, and shows at once that it is there.
    pub(super) fn add(&mut self, scene: &str, run: &str, tool: &str, measured: &Measured) {
        let row = format!(
            "{scene:<22} {run:<10} {tool:<24} {:>8} {:>7} {:>8} {:>6} {:>9.1} {:>11}",
            measured.requests,
            measured.assets,
            measured.refused,
            measured.git,
            measured.seconds,
            measured.bytes
        );
        eprintln!("{row}");
        self.0.push(row);
    }

    /// All rows under their headings.
    pub(super) fn text(&self) -> String {
        let heading = format!(
            "{:<22} {:<10} {:<24} {:>8} {:>7} {:>8} {:>6} {:>9} {:>11}",
            "organization",
            "run",
            "tool",
            "requests",
            "assets",
            "refused",
            "git",
            "seconds",
            "bytes"
        );
        format!("{heading}\n{}", self.0.join("\n"))
    }
}
