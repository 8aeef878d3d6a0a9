//! Names of files that a browser is to save.

use std::fmt::Write as _;

/// Bytes of a name at most: what file systems take.
const LONGEST: usize = 200;

/// The value of `Content-Disposition` for a file to be saved under a name (RFC 6266). Whatever the name holds, it is one name: no
/// folder, no end of the header, no name that a system takes for something else.
pub(crate) fn attachment(name: &str) -> String {
    let plain: String = safe(name)
        .chars()
        .map(|c| if c.is_ascii() { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in safe(name).bytes() {
        // RFC 8187, attr-char.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn safe(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | '"' | ':' | '*' | '?' | '<' | '>' | '|' | '%' | '\'' => '-',
            other if other.is_control() => '-',
            // Characters that turn the reading direction make one name look like another.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '-',
            other => other,
        })
        .collect();
    while safe.len() > LONGEST {
        safe.pop();
    }
    let trimmed = safe.trim_matches(['.', ' ']);
    if trimmed.is_empty() {
        "download".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_name() {
        assert_eq!(
            attachment("acme-web.bundle"),
            "attachment; filename=\"acme-web.bundle\"; filename*=UTF-8''acme-web.bundle"
        );
        for name in [
            "../../etc/passwd",
            "a\"; filename=\"evil.exe",
            "a\r\nSet-Cookie: x=1",
            "..",
            "",
            "C:\\x",
            "übung\u{202e}txt.exe",
            &"x".repeat(1000),
        ] {
            let value = attachment(name);
            assert!(
                !value.contains(['/', '\\', '\r', '\n', '\u{202e}']),
                "{value}"
            );
            assert_eq!(value.matches('"').count(), 2, "{value}");
            assert!(value.is_ascii() && value.len() < 1000, "{value}");
            assert!(http::HeaderValue::from_str(&value).is_ok(), "{value}");
        }
    }
}
