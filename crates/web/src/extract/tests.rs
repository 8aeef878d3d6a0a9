use axum::http::Request;
use sqlx::PgPool;
use store::{Db, Sealer};

use super::*;
use crate::Settings;
use crate::samples;

fn parts(peer: &str, said: &[&str]) -> Parts {
    let mut request = Request::builder();
    for one in said {
        request = request.header("x-forwarded-for", *one);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    parts.extensions.insert(ConnectInfo(peer));
    parts
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn only_a_known_proxy_says_where_a_visitor_comes_from(pool: PgPool) {
    let settings = Settings {
        proxies: vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()],
        ..Settings::default()
    };
    let clock = domain::Clock::manual(samples::noon());
    let sealer = Sealer::from_text(&domain::Secret::new("07".repeat(32))).unwrap();
    let console = Console::new(
        Db::from_pool(pool, clock.clone()),
        Arc::new(sealer),
        clock,
        settings,
    );
    for (peer, said, address) in [
        ("192.0.2.7", vec!["198.51.100.1"], "192.0.2.7"),
        ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
        (
            "10.0.0.1",
            vec!["203.0.113.9, 198.51.100.1"],
            "198.51.100.1",
        ),
        ("10.0.0.1", vec!["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        (
            "10.0.0.1",
            vec!["203.0.113.9", "198.51.100.1"],
            "198.51.100.1",
        ),
        ("10.0.0.1", vec!["nonsense"], "10.0.0.1"),
        ("10.0.0.1", vec![], "10.0.0.1"),
    ] {
        let found = Address::of(&parts(peer, &said), &console).0;
        assert_eq!(found, address.parse::<IpAddr>().unwrap(), "{peer} {said:?}");
    }
}
