//! The simulator as a program.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A started program, killed when the test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start(arguments: &[&str]) -> (Program, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_forge-sim"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (Program(child), serde_json::from_str(&line).unwrap())
}

#[test]
fn it_says_in_one_line_where_everything_is() {
    let state = tempfile::tempdir().unwrap();
    let (_program, line) = start(&[
        "--organization",
        "acme",
        "--repositories",
        "3",
        "--profile",
        "tiny",
        "--user",
        "ann",
        "--user",
        "ben",
        "--quota",
        "50",
        "--quota-of",
        "ben=7",
        "--window",
        "20",
        "--seed",
        "5",
        "--tls",
        "--state",
        state.path().to_str().unwrap(),
    ]);
    assert_eq!(line["organization"], "acme");
    let user = &line["users"][1];
    assert_eq!(user["login"], "ben");
    let token_file = user["token_file"].as_str().unwrap();
    let mode = std::fs::metadata(token_file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = std::fs::read_to_string(token_file).unwrap();
    assert!(!line.to_string().contains(&token));
    let (_, host) = line["web"].as_str().unwrap().split_once("//").unwrap();
    let limit = get(host, "/api/v3/rate_limit", &token);
    assert!(limit.contains("\"limit\":7"), "{limit}");
    let certificate = line["secure"]["certificate"].as_str().unwrap();
    let listed = Command::new("git")
        .args([
            "ls-remote",
            &format!("{}/acme/none.git", line["secure"]["web"].as_str().unwrap()),
        ])
        .env("GIT_SSL_CAINFO", certificate)
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(
        message.contains("could not read Username"),
        "the certificate is trusted: {message}"
    );
}

/// A request by hand: the program runs outside of any runtime.
fn get(host: &str, path: &str, token: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: tests\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
