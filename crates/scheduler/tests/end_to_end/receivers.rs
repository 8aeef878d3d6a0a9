//! What alerts are told to: a server for mail and a server for hooks, both on this machine, that keep what they were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A message as a server for mail has taken it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Letter {
    /// What the client signed in with, as it was sent.
    pub(crate) auth: Option<String>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Headers and body, lines ended by `\n`.
    pub(crate) content: String,
}

/// A server for mail: it takes what comes in the order that RFC 5321 asks for, and refuses anything else.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) address: String,
    letters: Arc<Mutex<Vec<Letter>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Post {
    /// One that wants users to sign in.
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let post = Self {
            address: listener.local_addr().unwrap().to_string(),
            letters: Arc::default(),
            refusals: Arc::default(),
        };
        let server = post.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        post
    }

    /// Refuses the next recipients for the time being.
    pub(crate) fn refuse(&self, times: u32) {
        *self.refusals.lock().unwrap() = times;
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut letter = Letter::default();
        write.write_all(b"220 localhost ESMTP\r\n").await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250-localhost\r\n250 AUTH PLAIN",
                "AUTH" => {
                    letter.auth = rest.strip_prefix("PLAIN ").map(str::to_owned);
                    "235 2.7.0 Accepted"
                }
                "MAIL" if letter.auth.is_none() => "530 5.7.0 Authentication required",
                "MAIL" => {
                    letter.from = path(rest);
                    "250 2.1.0 Ok"
                }
                "RCPT" if letter.from.is_empty() => "503 5.5.1 MAIL first",
                "RCPT" if self.refuses() => "451 4.3.0 Try again later",
                "RCPT" => {
                    letter.to.push(path(rest));
                    "250 2.1.5 Ok"
                }
                "DATA" if letter.to.is_empty() => "503 5.5.1 RCPT first",
                "DATA" => {
                    write.write_all(b"354 Go ahead\r\n").await.ok()?;
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        letter
                            .content
                            .push_str(line.strip_prefix('.').unwrap_or(&line));
                        letter.content.push('\n');
                    }
                    self.letters
                        .lock()
                        .unwrap()
                        .push(std::mem::take(&mut letter));
                    "250 2.0.0 Taken"
                }
                "QUIT" => {
                    write.write_all(b"221 Bye\r\n").await.ok()?;
                    return Some(());
                }
                _ => "250 Ok",
            };
            write
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .ok()?;
        }
        Some(())
    }

    fn refuses(&self) -> bool {
        let mut left = self.refusals.lock().unwrap();
        let refuses = *left > 0;
        *left = left.saturating_sub(1);
        refuses
    }
}

/// What stands between angle brackets.
fn path(rest: &str) -> String {
    rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// What was sent to an address.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A server that is told of things. Below `/broken` it fails, below `/elsewhere` it points to `/heard`.
#[derive(Debug, Clone)]
pub(crate) struct Ears {
    pub(crate) base: String,
    calls: Arc<Mutex<Vec<Call>>>,
    deaf: Arc<Mutex<u32>>,
}

impl Ears {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ears = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            calls: Arc::default(),
            deaf: Arc::default(),
        };
        let app = Router::new().fallback(hear).with_state(ears.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        ears
    }

    /// Answers the next calls with 503.
    pub(crate) fn fail(&self, times: u32) {
        *self.deaf.lock().unwrap() = times;
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn at(&self, path: &str) -> Vec<Call> {
        self.calls()
            .into_iter()
            .filter(|one| one.path == path)
            .collect()
    }
}

async fn hear(
    State(ears): State<Ears>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call {
        path: uri.path().to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    ears.calls.lock().unwrap().push(call);
    if uri.path().starts_with("/elsewhere") {
        return (StatusCode::FOUND, [(header::LOCATION, "/heard")]).into_response();
    }
    let mut deaf = ears.deaf.lock().unwrap();
    if *deaf > 0 {
        *deaf -= 1;
        return (StatusCode::SERVICE_UNAVAILABLE, "a word from inside").into_response();
    }
    StatusCode::OK.into_response()
}
