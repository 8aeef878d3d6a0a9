//! Runs `git http-backend` for a request, streaming both ways.

use std::path::Path;
use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::io::ReaderStream;

use super::command;

/// Answers a request to the repository `git`; `path` is what follows the repository's address.
pub(crate) async fn serve(git: &Path, path: &str, request: Request) -> std::io::Result<Response> {
    let mut child = spawn(git, path, &request)?;
    if let Some(stdin) = child.stdin.take() {
        tokio::spawn(feed(stdin, request.into_body()));
    }
    let stdout = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    respond(child, BufReader::new(stdout)).await
}

fn spawn(git: &Path, path: &str, request: &Request) -> std::io::Result<Child> {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .envs(command::environment())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROJECT_ROOT", git)
        .env("PATH_INFO", path)
        .env("REQUEST_METHOD", request.method().as_str())
        .env("QUERY_STRING", request.uri().query().unwrap_or_default())
        .env("REMOTE_ADDR", "127.0.0.1");
    for name in command::foreign() {
        command.env_remove(name);
    }
    for (variable, name) in [
        ("CONTENT_TYPE", "content-type"),
        ("CONTENT_LENGTH", "content-length"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
        ("GIT_PROTOCOL", "git-protocol"),
    ] {
        if let Some(value) = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
        {
            command.env(variable, value);
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Passes the request's body on; a client that goes away ends the process's input.
async fn feed(mut stdin: ChildStdin, body: Body) {
    let mut pieces = body.into_data_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        if stdin.write_all(&piece).await.is_err() {
            return;
        }
    }
}

/// Reads the headers of the process's answer and passes the rest on.
async fn respond(child: Child, mut stdout: BufReader<ChildStdout>) -> std::io::Result<Response> {
    let mut response = Response::new(Body::empty());
    loop {
        let mut line = String::new();
        if stdout.read_line(&mut line).await? == 0 {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        set(&mut response, name, value.trim());
    }
    // The process lives as long as its output is read, and dies with the connection.
    let output = ReaderStream::new(stdout).map(move |piece| {
        let _alive = &child;
        piece
    });
    *response.body_mut() = Body::from_stream(output);
    Ok(response)
}

fn set(response: &mut Response, name: &str, value: &str) {
    if name.eq_ignore_ascii_case("status") {
        let code = value.split(' ').next().and_then(|code| code.parse().ok());
        *response.status_mut() = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return;
    }
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value))
        && name != header::CONTENT_LENGTH
    {
        response.headers_mut().insert(name, value);
    }
}
