//! A browser as far as a test needs one: cookies, forms, and answers read to their end over HTTP/1.1 (RFC 9112).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::World;

/// What the log says before the address.
const SERVING: &str = "Serving on http://";

/// What the log says before the code of the first start.
const CODE: &str = "enter the code ";

const PASSWORD: &str = "correct horse battery staple";

/// The service operator, signed in.
pub(crate) struct Browser {
    address: String,
    cookie: String,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the answer came to the end that it announced.
    pub(crate) is_whole: bool,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.text());
        self
    }
}

impl World {
    /// Sets up the console of the running server: the operator owns the tenant that was made on the command line.
    pub(crate) async fn browser(&self) -> Browser {
        let log = self.log().text();
        let after = |words: &str| {
            let from = log.rfind(words).expect("the server logs it") + words.len();
            log[from..]
                .split_whitespace()
                .next()
                .unwrap()
                .trim_end_matches('.')
                .to_owned()
        };
        let mut browser = Browser {
            address: after(SERVING),
            cookie: String::new(),
        };
        let form = format!(
            "setup_code={}&name=Ada&email=ada%40example.com&tenant=first&new_password={}",
            after(CODE),
            PASSWORD.replace(' ', "+")
        );
        let page = browser.post("/setup", &form).await.expect(303);
        let cookie = page.header("set-cookie").expect("a session");
        cookie
            .split(';')
            .next()
            .unwrap()
            .clone_into(&mut browser.cookie);
        browser
    }
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Page {
        self.send("POST", path, form).await
    }

    /// Asks, and leaves the answer to be read.
    pub(crate) async fn open(&self, method: &str, path: &str, form: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            self.cookie,
            form.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn send(&self, method: &str, path: &str, form: &str) -> Page {
        let mut stream = self.open(method, path, form).await;
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes).await;
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("an answer has a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let rest = &bytes[end + 4..];
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut page = Page {
            status,
            head,
            body: Vec::new(),
            is_whole: read.is_ok(),
        };
        if page.header("transfer-encoding") == Some("chunked") {
            let (body, is_whole) = unchunked(rest);
            page.body = body;
            page.is_whole &= is_whole;
        } else {
            page.body = rest.to_vec();
        }
        page
    }
}

/// A chunked body, and whether its last chunk came.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(end + 2..end + 2 + size) else {
            return (body, false);
        };
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
}
