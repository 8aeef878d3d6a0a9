//! An installation for the tests of this crate: ada runs it and owns `acme`, eve owns `other`.

pub(crate) mod task;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use chrono::{DateTime, Utc};
use domain::{Clock, MemberRole, Name, PersonId, Secret, TenantId};
use http::{HeaderMap, Method, Request, StatusCode, header};
use sqlx::PgPool;
use store::{Db, NewPerson, NewSession, Sealer};
use tokio::sync::OnceCell;
use tower::ServiceExt;

use crate::console::{Console, Settings};
use crate::token::Token;
use crate::{password, router};

/// The code of the first start.
pub(crate) const CODE: &str = "abcd-efgh-jkmn-pqrs";

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) fn noon() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub(crate) struct Site {
    pub(crate) db: Db,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) clock: Clock,
    pub(crate) acme: TenantId,
    pub(crate) ada: PersonId,
    pub(crate) router: Router,
}

/// An installation that nobody has set up.
pub(crate) fn empty(pool: &PgPool, settings: Settings) -> (Db, Arc<Sealer>, Clock, Router) {
    let clock = Clock::manual(noon());
    let db = Db::from_pool(pool.clone(), clock.clone());
    let sealer = Arc::new(Sealer::from_text(&Secret::new("07".repeat(32))).unwrap());
    let settings = Settings {
        set_up_code: Some(Secret::new(CODE)),
        ..settings
    };
    let console = Console::new(db.clone(), Arc::clone(&sealer), clock.clone(), settings);
    (db, sealer, clock, router(console))
}

pub(crate) async fn new_person(name: &str) -> NewPerson {
    static HASH: OnceCell<String> = OnceCell::const_new();
    let hash = HASH.get_or_init(|| async { password::hash(Secret::new(PASSWORD)).await.unwrap() });
    NewPerson {
        email: format!("{name}@example.com").parse().unwrap(),
        name: name.parse().unwrap(),
        password_hash: hash.await.clone(),
    }
}

impl Site {
    pub(crate) async fn new(pool: &PgPool) -> Self {
        Self::with(pool, Settings::default()).await
    }

    pub(crate) async fn with(pool: &PgPool, settings: Settings) -> Self {
        let (db, sealer, clock, router) = empty(pool, settings);
        let people = db.people();
        let tenant: Name = "acme".parse().unwrap();
        let ada = people
            .set_up(&sealer, new_person("ada").await, &tenant)
            .await
            .unwrap();
        let fleet = db.fleet();
        let acme = fleet.tenants().await.unwrap().remove(0).id;
        let other = fleet
            .add_tenant(&"other".parse().unwrap(), &sealer)
            .await
            .unwrap();
        let eve = people.add(new_person("eve").await, false).await.unwrap();
        people
            .enrol(other.id, eve, MemberRole::Owner)
            .await
            .unwrap();
        Self {
            db,
            sealer,
            clock,
            acme,
            ada,
            router,
        }
    }

    /// Somebody of `acme` with a role.
    pub(crate) async fn member(&self, role: MemberRole) -> PersonId {
        let people = self.db.people();
        let person = people
            .add(new_person(role.as_str()).await, false)
            .await
            .unwrap();
        people.enrol(self.acme, person, role).await.unwrap();
        person
    }

    pub(crate) async fn eve(&self) -> PersonId {
        let email = "eve@example.com".parse().unwrap();
        self.db
            .people()
            .sign_in(&email)
            .await
            .unwrap()
            .unwrap()
            .person
    }

    /// A browser in which a person has just signed in.
    pub(crate) async fn browser(&self, person: PersonId) -> Browser {
        let token = Token::new().unwrap();
        let session = NewSession {
            person,
            token_hash: token.hash(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            agent: "a test".to_owned(),
        };
        self.db.people().open_session(session).await.unwrap();
        Browser {
            router: self.router.clone(),
            cookies: vec![format!("holdfast={}", token.text())],
            headers: Vec::new(),
        }
    }

    /// A browser that nobody is known in.
    pub(crate) fn nobody(&self) -> Browser {
        Browser::new(&self.router)
    }
}

/// Keeps cookies as a browser does.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    cookies: Vec<String>,
    headers: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same, sending a header with everything.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What it sends of its cookies.
    pub(crate) fn cookie(&self) -> String {
        self.cookies.join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(&Method::GET, path, &[]).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(&Method::POST, path, fields).await
    }

    pub(crate) async fn send(
        &mut self,
        method: &Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::COOKIE, self.cookies.join("; "));
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let body = if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            Body::from(form.extend_pairs(fields).finish())
        } else {
            Body::empty()
        };
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, _) = pair.split_once('=').unwrap();
            let prefix = format!("{name}=");
            self.cookies.retain(|kept| !kept.starts_with(&prefix));
            if !rest.contains("Max-Age=0") {
                self.cookies.push(pair.to_owned());
            }
        }
        let streams = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let body = if streams {
            Vec::new()
        } else {
            axum::body::to_bytes(body, usize::MAX)
                .await
                .unwrap()
                .to_vec()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}
