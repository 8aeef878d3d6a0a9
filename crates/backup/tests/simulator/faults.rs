//! What goes wrong is told as it is.

use backup::Error;
use backup::manifest::State;
use domain::{Kind, Reason};
use forge_sim::{Effect, Fault, Mutation};

use crate::world::{World, rich};

fn name() -> String {
    "acme/tools".into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_refused_is_an_omission_and_nothing_else_is_missing() {
    let world = World::new(vec![rich("tools")]).await;
    world.control().fault(Fault::new(
        "/repos/acme/tools/milestones*",
        Effect::ResourceNotAccessible,
    ));
    let first = world.take("tools", None).await.unwrap();
    assert_eq!(
        first.taken.omissions.len(),
        1,
        "{:?}",
        first.taken.omissions
    );
    assert_eq!(first.taken.omissions[0].kind, Kind::Milestones);
    assert_eq!(first.taken.omissions[0].reason, Reason::Denied);
    let manifest = world.restore(&first).await.manifest();
    assert_eq!(manifest.coverage[&Kind::Milestones].state, State::Refused);
    let others = manifest
        .coverage
        .iter()
        .filter(|(kind, _)| **kind != Kind::Milestones);
    assert!(
        others
            .map(|(_, coverage)| coverage.state)
            .all(|state| state == State::Complete)
    );
    assert_eq!(manifest.omissions, first.taken.omissions);
    // The refusal is tried again with the next fetch, and told again if it stands.
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(second.taken.omissions.len(), 1);
    world.control().clear_faults();
    let third = world.take("tools", Some(&second)).await.unwrap();
    assert_eq!(third.taken.omissions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_stands_in_for_what_is_refused() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    world.mutate(&Mutation::AddLabel {
        repository: name(),
        name: "late".into(),
    });
    world.control().fault(Fault::new(
        "/repos/acme/tools/labels*",
        Effect::ResourceNotAccessible,
    ));
    let second = world.take("tools", Some(&first)).await.unwrap();
    let manifest = world.restore(&second).await.manifest();
    assert_eq!(manifest.coverage[&Kind::Labels].state, State::Partial);
    assert_eq!(
        manifest.coverage[&Kind::Labels].count,
        first.taken.counts[&Kind::Labels]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn git_that_is_refused_is_an_omission() {
    let world = World::new(vec![rich("tools")]).await;
    world.control().fault(Fault::new(
        "/acme/tools.git/*",
        Effect::Status { status: 403 },
    ));
    let snapshot = world.take("tools", None).await.unwrap();
    let omission = snapshot
        .taken
        .omissions
        .iter()
        .find(|omission| omission.kind == Kind::Git)
        .unwrap();
    assert_eq!(omission.reason, Reason::Denied);
    assert_eq!(snapshot.taken.counts[&Kind::Issues], 17);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_repository_keeps_what_was_read_before() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let mut repository = world.repository("tools").await;
    world.mutate(&Mutation::BlockRepository {
        repository: name(),
        reason: Some("dmca".into()),
    });
    repository.marks.0.clear();
    let second = world
        .run(world.job(&repository, Some(&first)))
        .await
        .unwrap();
    assert_eq!(
        second.taken.omissions.len(),
        1,
        "{:?}",
        second.taken.omissions
    );
    assert_eq!(second.taken.omissions[0].reason, Reason::Blocked);
    let restored = world.restore(&second).await;
    assert_eq!(restored.lines("issues").len(), 17);
    assert_eq!(
        restored.manifest().coverage[&Kind::Issues].state,
        State::Partial
    );
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_repository_that_was_never_read_is_one_omission() {
    let world = World::new(vec![rich("tools")]).await;
    let repository = world.repository("tools").await;
    world.mutate(&Mutation::BlockRepository {
        repository: name(),
        reason: Some("tos".into()),
    });
    let snapshot = world.run(world.job(&repository, None)).await.unwrap();
    assert_eq!(
        snapshot.taken.omissions.len(),
        1,
        "{:?}",
        snapshot.taken.omissions
    );
    assert_eq!(snapshot.taken.omissions[0].reason, Reason::Blocked);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_repository_is_no_snapshot() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let mut repository = world.repository("tools").await;
    world.mutate(&Mutation::DeleteRepository { repository: name() });
    for kind in [Kind::Settings, Kind::Git, Kind::Labels] {
        repository.marks.0.remove(&kind);
        let gone = world
            .run(world.job(&repository, Some(&first)))
            .await
            .unwrap_err();
        assert!(
            matches!(gone, Error::Forge(forge::Error::Missing { .. })),
            "{gone:?}"
        );
    }
    assert_eq!(world.storage.snapshots().await.unwrap().len(), 1);
    world.restore(&first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_renamed_meanwhile_is_followed() {
    let world = World::new(vec![rich("tools")]).await;
    let repository = world.repository("tools").await;
    world.mutate(&Mutation::RenameRepository {
        repository: name(),
        name: "gear".into(),
    });
    let snapshot = world.run(world.job(&repository, None)).await.unwrap();
    assert!(snapshot.taken.counts[&Kind::Git] > 0);
    assert_eq!(snapshot.taken.omissions, []);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_missing_storage_is_said_to_be_so() {
    let world = World::new(vec![rich("tools")]).await;
    std::fs::rename(world.path("storage"), world.path("elsewhere")).unwrap();
    let failed = world.take("tools", None).await.unwrap_err();
    assert!(
        matches!(
            &failed,
            Error::Storage {
                unreachable: true,
                ..
            }
        ),
        "{failed:?}"
    );
    assert!(!world.path("storage").exists());
    std::fs::rename(world.path("elsewhere"), world.path("storage")).unwrap();
    world.control().reset_statistics();
    let repository = world.repository("tools").await;
    let snapshot = world.run(world.job(&repository, None)).await.unwrap();
    assert_eq!(world.requests(), 0, "everything was here already");
    assert_eq!(snapshot.taken.omissions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_nowhere() {
    let world = World::new(vec![rich("tools")]).await;
    let token = world.control().token("ada").unwrap();
    world.control().fault(Fault::new(
        "/acme/tools.wiki.git/*",
        Effect::Status { status: 403 },
    ));
    let snapshot = world.take("tools", None).await.unwrap();
    assert!(!format!("{snapshot:?}").contains(&token));
    let mut open = vec![world.path("staging"), world.path("storage")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let content = std::fs::read(&path).unwrap();
                let found = content
                    .windows(token.len())
                    .any(|window| window == token.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}
