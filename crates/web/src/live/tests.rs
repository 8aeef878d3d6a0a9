//! Streams over real connections to a real server.

use domain::{MemberRole, PersonId, RunId, WorkerId};
use sqlx::PgPool;
use store::{ClaimedFetch, Settlement};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::router::router;
use crate::samples::Site;
use crate::samples::task::{self, Work};
use crate::{Console, Settings};

/// Whatever is awaited comes sooner.
const DEADLINE: Duration = Duration::from_secs(20);

/// A console that listens.
struct Server {
    site: Site,
    console: Console,
    address: std::net::SocketAddr,
    draining: CancellationToken,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(pool: &PgPool) -> Self {
        let site = Site::new(pool).await;
        let draining = CancellationToken::new();
        let console = Console::new(
            site.db.clone(),
            Arc::clone(&site.sealer),
            site.clock.clone(),
            Settings::default(),
        )
        .until(draining.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(
            axum::serve(listener, router(console.clone()))
                .with_graceful_shutdown(draining.clone().cancelled_owned())
                .into_future(),
        );
        Self {
            site,
            console,
            address,
            draining,
            serving,
        }
    }

    /// Opens a stream as a person would see it.
    async fn watch(&self, person: PersonId, path: &str) -> Watching {
        let cookie = self.site.browser(person).await.cookie();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Watching {
            stream,
            seen: String::new(),
        }
    }
}

struct Watching {
    stream: TcpStream,
    seen: String,
}

impl Watching {
    /// Reads until a text has come, and answers what was read since the last time.
    async fn until(&mut self, text: &str) -> String {
        let from = self.seen.len();
        let reading = async {
            while !self.seen[from..].contains(text) {
                assert!(self.read().await > 0, "it ended: {}", self.seen);
            }
        };
        tokio::time::timeout(DEADLINE, reading)
            .await
            .unwrap_or_else(|_| panic!("no \"{text}\""));
        self.seen[from..].to_owned()
    }

    /// Reads until the server ends the stream.
    async fn end(mut self) -> String {
        let reading = async { while !self.seen.ends_with("0\r\n\r\n") && self.read().await > 0 {} };
        tokio::time::timeout(DEADLINE, reading)
            .await
            .expect("the stream does not end");
        self.seen
    }

    async fn read(&mut self) -> usize {
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer).await.unwrap();
        self.seen
            .push_str(&String::from_utf8_lossy(&buffer[..count]));
        count
    }
}

fn failed() -> Settlement {
    Settlement::Failed {
        cause: "The host does not answer.".to_owned(),
    }
}

async fn settle(server: &Server, claim: &ClaimedFetch) {
    let fleet = server.site.db.fleet();
    fleet.settle_fetch(claim, failed()).await.unwrap();
}

/// Two repositories, both in the hands of a worker.
async fn running(server: &Server) -> (RunId, [ClaimedFetch; 2]) {
    let site = &server.site;
    let worker = WorkerId::new();
    let fleet = site.db.fleet();
    fleet.register_worker(worker, "host").await.unwrap();
    let Work { run, .. } = task::listed(site, worker, 2).await;
    let mut claims = Vec::new();
    for _ in 0..2 {
        let claim = fleet.claim_fetch(worker, site.clock.now()).await.unwrap();
        claims.push(claim.unwrap());
    }
    (run, claims.try_into().unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_stream_begins_with_everything_and_ends_with_the_task(pool: PgPool) {
    let server = Server::start(&pool).await;
    let (run, [one, two]) = running(&server).await;
    let path = format!("/t/acme/events/tasks/{run}");
    let mut stream = server.watch(server.site.ada, &path).await;
    let first = stream.until("event: log").await;
    for part in [
        "text/event-stream",
        "retry: 3000",
        "event: progress",
        "event: repositories",
        "event: credentials",
    ] {
        assert!(first.contains(part), "no {part}: {first}");
    }
    assert!(!first.contains("The host does not answer."), "{first}");

    settle(&server, &one).await;
    let next = stream.until("The host does not answer.").await;
    assert!(!next.contains("event: credentials"), "unchanged: {next}");

    settle(&server, &two).await;
    let all = stream.end().await;
    assert!(all.contains("event: ended"), "{all}");
    let last = all.rfind("event: progress").unwrap();
    assert!(all[last..].contains("Failed"), "{}", &all[last..]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn all_viewers_share_one_reader(pool: PgPool) {
    let server = Server::start(&pool).await;
    let (run, [one, _two]) = running(&server).await;
    let path = format!("/t/acme/events/tasks/{run}");
    let auditor = server.site.member(MemberRole::Auditor).await;
    let mut first = server.watch(server.site.ada, &path).await;
    let mut second = server.watch(auditor, &path).await;
    first.until("event: log").await;
    second.until("event: log").await;
    assert_eq!(server.console.live.readers(), 1);
    settle(&server, &one).await;
    first.until("The host does not answer.").await;
    second.until("The host does not answer.").await;
    drop((first, second));
    let left = async {
        let mut look = interval(Duration::from_millis(20));
        while server.console.live.readers() > 0 {
            look.tick().await;
        }
    };
    tokio::time::timeout(DEADLINE, left)
        .await
        .expect("a reader stays");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_may_not_look_any_more_sees_nothing_further(pool: PgPool) {
    let server = Server::start(&pool).await;
    let (run, _claims) = running(&server).await;
    let path = format!("/t/acme/events/tasks/{run}");
    let auditor = server.site.member(MemberRole::Auditor).await;
    let mut removed = server.watch(auditor, &path).await;
    let mut signed_out = server.watch(server.site.ada, &path).await;
    removed.until("event: log").await;
    signed_out.until("event: log").await;
    let scoped = server.site.db.tenant(server.site.acme);
    scoped.remove_member(auditor).await.unwrap();
    let said = removed.end().await;
    assert!(!said.contains("event: ended"), "the task goes on");
    let people = server.site.db.people();
    for session in people.sessions(server.site.ada).await.unwrap() {
        people
            .close_session(session.id, server.site.ada)
            .await
            .unwrap();
    }
    signed_out.end().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_process_that_ends_waits_for_no_stream(pool: PgPool) {
    let server = Server::start(&pool).await;
    let (run, _claims) = running(&server).await;
    let mut task = server
        .watch(server.site.ada, &format!("/t/acme/events/tasks/{run}"))
        .await;
    let mut list = server.watch(server.site.ada, "/t/acme/events/tasks").await;
    task.until("event: log").await;
    list.until("event: rows").await;
    server.draining.cancel();
    task.end().await;
    list.end().await;
    tokio::time::timeout(DEADLINE, server.serving)
        .await
        .expect("the server hangs")
        .unwrap()
        .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_of_another_tenant_cannot_be_watched(pool: PgPool) {
    let server = Server::start(&pool).await;
    let (run, _claims) = running(&server).await;
    let eve = server.site.eve().await;
    for path in [
        format!("/t/acme/events/tasks/{run}"),
        format!("/t/other/events/tasks/{run}"),
    ] {
        let mut stream = server.watch(eve, &path).await;
        stream.until("404 Not Found").await;
    }
}
