//! Hosts that are not github.com: certificates of private authorities, and servers that count no requests.

use std::collections::BTreeMap;

use domain::{ForgeKind, Host, Secret};
use forge::PrivateAuthority;
use forge_sim::{Limits, Options};

use crate::world::{World, account, acme, user};

/// A host that also speaks TLS, with a certificate that a private authority has issued.
async fn over_tls() -> (World, Host, PrivateAuthority) {
    let world = World::with(Options {
        tls: true,
        ..Options::new(acme(vec![]).with_user(user("ann", 100)))
    })
    .await;
    let secure = world.simulator.secure().unwrap().clone();
    let host = Host::parse(ForgeKind::GitHub, &secure.web, &[]).unwrap();
    let authority = PrivateAuthority {
        pem: std::fs::read_to_string(&secure.certificate).unwrap(),
        file: secure.certificate,
    };
    (world, host, authority)
}

fn token(world: &World) -> Secret {
    Secret::new(world.control().token("ann").unwrap())
}

#[tokio::test]
async fn a_private_authority_vouches_for_its_own_host_and_no_other() {
    let (world, host, authority) = over_tls().await;
    let (other, other_host, _) = over_tls().await;
    let forge = &world.forge;
    let refused = forge.owner(&host, &token(&world)).await.unwrap_err();
    let sentence = refused.to_string();
    assert!(
        sentence.contains("is not trusted") && sentence.contains("under Applications"),
        "{sentence}"
    );
    assert!(sentence.contains(&host.authority()), "{sentence}");
    assert_eq!(world.control().statistics().requests, 0);

    let authorities = BTreeMap::from([(host.authority(), authority)]);
    assert!(forge.trust(&authorities).is_empty());
    let owner = forge.owner(&host, &token(&world)).await.unwrap();
    assert_eq!(owner.login, "ann");
    let refused = forge.owner(&other_host, &token(&other)).await.unwrap_err();
    assert!(refused.to_string().contains("is not trusted"), "{refused}");
    // What is not given any more is not trusted any more.
    assert!(forge.trust(&BTreeMap::new()).is_empty());
    forge.owner(&host, &token(&world)).await.unwrap_err();
}

#[tokio::test]
async fn what_is_no_certificate_is_named_and_leaves_the_others_trusted() {
    let (world, host, authority) = over_tls().await;
    let broken = PrivateAuthority {
        pem: "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n".to_owned(),
        ..authority.clone()
    };
    let authorities = BTreeMap::from([
        (host.authority(), authority),
        ("ghes.example.com".to_owned(), broken),
    ]);
    let refused = world.forge.trust(&authorities);
    let hosts: Vec<&str> = refused.iter().map(|(host, _)| host.as_str()).collect();
    assert_eq!(hosts, ["ghes.example.com"]);
    world.forge.owner(&host, &token(&world)).await.unwrap();
}

/// An Enterprise Server whose administrator has not switched rate limiting on: it answers 404 where others tell what is left.
#[tokio::test]
async fn a_host_that_counts_nothing_is_asked_at_our_own_pace_and_refuses_nothing() {
    let limits = Limits {
        off: true,
        ..Limits::default()
    };
    let world = World::with(Options {
        limits,
        ..Options::new(acme(vec![]).with_user(user("ann", 100)))
    })
    .await;
    let budgets = world.forge.budgets(&world.host, &token(&world)).await;
    let budgets = budgets.unwrap();
    assert!(budgets.unlimited && budgets.readings.is_empty());
    world.control().reset_statistics();
    world.let_time_pass();
    let client = world.client();
    let acme = account("acme");
    let all = (0..60).map(|_| client.repositories(&acme, None));
    for reply in futures_util::future::join_all(all).await {
        reply.unwrap();
    }
    let statistics = world.control().statistics();
    assert_eq!((statistics.requests, statistics.refused), (60, 0));
    // Whether a host counts or not, a bucket has no more requests under way than our own cap.
    assert!(statistics.max_in_flight <= 10, "{statistics:?}");
}
