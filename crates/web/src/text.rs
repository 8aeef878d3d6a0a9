//! How things are written: numbers, sizes, times.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

/// A whole number with thousands separators: 29,357.
pub(crate) fn number(count: impl Into<i128>) -> String {
    let count: i128 = count.into();
    let digits = count.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if count < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: "1 repository", "1,204 repositories".
pub(crate) fn count(count: impl Into<i128>, one: &str, many: &str) -> String {
    let count: i128 = count.into();
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// Bytes as a person reads them: 1.4 GB.
pub(crate) fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

/// A length of time with its two largest parts: "2 h 02 min".
pub(crate) fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes:02} min")
    } else if minutes > 0 {
        format!("{minutes} min {:02} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// A moment, as an element that says it exactly: `{{ text::at(task.started_at, now) }}`.
///
/// Within a day of now it is a time of day, else a date with it; all in UTC.
pub(crate) fn at(moment: DateTime<Utc>, now: DateTime<Utc>) -> At {
    At { moment, now }
}

/// See [`at`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    moment: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self
            .moment
            .date_naive()
            .signed_duration_since(self.now.date_naive())
            .num_days();
        let shown = match days {
            0 => self.moment.format("Today %H:%M"),
            -1 => self.moment.format("Yesterday %H:%M"),
            1 => self.moment.format("Tomorrow %H:%M"),
            _ if chrono::Datelike::year(&self.moment) == chrono::Datelike::year(&self.now) => {
                self.moment.format("%-d %b %H:%M")
            }
            _ => self.moment.format("%-d %b %Y %H:%M"),
        };
        write!(
            f,
            "<time datetime=\"{}\" title=\"{}\">{shown}</time>",
            self.moment.format("%Y-%m-%dT%H:%M:%SZ"),
            self.moment.format("%-d %B %Y, %H:%M:%S UTC"),
        )
    }
}

// It writes digits, names of months and its own tags, nothing that anybody entered.
impl askama::filters::HtmlSafe for At {}

/// How long a limit is for: GitHub's windows are an hour, those of a GitLab what its administrator chose.
pub(crate) fn per(forge: domain::ForgeKind) -> &'static str {
    match forge {
        domain::ForgeKind::GitHub => "an hour",
        domain::ForgeKind::GitLab => "a window",
    }
}

/// A kind of data as a person calls it.
pub(crate) fn kind(kind: domain::Kind) -> &'static str {
    use domain::Kind;
    match kind {
        Kind::Git => "Git data",
        Kind::Wiki => "Wiki",
        Kind::Lfs => "LFS objects",
        Kind::Settings => "Settings",
        Kind::Labels => "Labels",
        Kind::Milestones => "Milestones",
        Kind::Issues => "Issues",
        Kind::IssueComments => "Issue comments",
        Kind::PullRequests => "Pull requests",
        Kind::Reviews => "Reviews",
        Kind::ReviewComments => "Review comments",
        Kind::Releases => "Releases",
        Kind::Assets => "Attached files",
        Kind::Boards => "Boards",
        Kind::Snippets => "Snippets",
        Kind::Uploads => "Uploads",
        Kind::Members => "Members",
        Kind::ProtectedBranches => "Protected branches",
        Kind::ProtectedTags => "Protected tags",
        Kind::Hooks => "Hooks",
        Kind::Variables => "Variables",
        Kind::PipelineSchedules => "Pipeline schedules",
        Kind::DeployKeys => "Deploy keys",
    }
}

/// A browser by what it calls itself: "Firefox on Linux". Whoever wants to know it exactly finds the whole text beside it.
pub(crate) fn browser(agent: &str) -> String {
    // The later a name stands here, the more browsers use it beside their own.
    const NAMES: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |words: &[(&str, &'static str)]| {
        words
            .iter()
            .find(|(word, _)| agent.contains(word))
            .map(|(_, name)| *name)
    };
    match (find(&NAMES), find(&SYSTEMS)) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "Unknown browser".to_owned(),
    }
}

/// Two letters that stand for a name: "Acme Platform" is AP, "acme-corp" is AC.
pub(crate) fn initials(name: &str) -> String {
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let letters: String = match words.as_slice() {
        [] => "?".to_owned(),
        [one] => one.chars().take(2).collect(),
        [first, .., last] => first.chars().take(1).chain(last.chars().take(1)).collect(),
    };
    letters.to_uppercase()
}

#[cfg(test)]
mod tests;
