//! Made-up names and texts.

const WORDS: &[&str] = &[
    "archive", "anchor", "branch", "bridge", "buffer", "cache", "canvas", "cargo", "channel",
    "cluster", "commit", "compass", "counter", "cursor", "delta", "desk", "digest", "docket",
    "engine", "export", "factor", "fetch", "filter", "folder", "gateway", "garden", "handle",
    "harbor", "header", "index", "island", "journal", "kernel", "ladder", "ledger", "lantern",
    "mapper", "marker", "meadow", "merge", "mirror", "module", "needle", "notary", "object",
    "orbit", "packet", "parcel", "pillar", "pilot", "portal", "prism", "quartz", "query", "quiver",
    "ranger", "record", "relay", "ripple", "river", "router", "sample", "schema", "shelf",
    "signal", "socket", "spring", "stream", "summit", "syntax", "table", "target", "thread",
    "timber", "token", "tracker", "tunnel", "update", "valley", "vector", "vessel", "warden",
    "widget", "window", "winter", "writer", "yard", "zone",
];

/// One word.
pub(crate) fn word(random: &mut fastrand::Rng) -> &'static str {
    random.choice(WORDS).unwrap_or(&"word")
}

/// A name for repositories: unique because of its number.
pub(crate) fn slug(random: &mut fastrand::Rng, number: usize) -> String {
    format!("{}-{}-{number:03}", word(random), word(random))
}

/// A sentence without its full stop.
pub(crate) fn title(random: &mut fastrand::Rng) -> String {
    let count = random.usize(3..8);
    let mut title = String::new();
    for index in 0..count {
        if index > 0 {
            title.push(' ');
        }
        title.push_str(word(random));
    }
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// A few sentences, sometimes with characters outside ASCII.
pub(crate) fn text(random: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(1..6) {
        text.push_str(&title(random));
        text.push_str(match random.u8(0..10) {
            0 => " — größer als 3 µm ✓.\n\n",
            1 => ".\r\n\r\n```rust\nlet x = \"</script>\";\n```\r\n",
            _ => ". ",
        });
    }
    text
}

/// Lines of a source file, about `size` bytes.
pub(crate) fn lines(random: &mut fastrand::Rng, size: usize) -> String {
    let mut lines = String::with_capacity(size + 80);
    while lines.len() < size {
        lines.push_str(&title(random));
        lines.push('\n');
    }
    lines
}
