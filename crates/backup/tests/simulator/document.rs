//! The page that tells how to restore without this program is followed to the letter.

use std::path::Path;
use std::process::Command;

use crate::world::{World, git, refs, rich};

const PAGE: &str = include_str!("../../../../docs/restore-without-holdfast.md");

/// The commands of the page, in their order.
fn script() -> String {
    let mut script = String::new();
    let mut inside = false;
    for line in PAGE.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside => {
                script.push_str(command);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn is_installed(command: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {command}")])
        .output()
        .unwrap()
        .status
        .success()
}

fn bare(path: &Path) -> &Path {
    std::fs::create_dir(path).unwrap();
    git(path, &["init", "--quiet", "--bare"]);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn its_commands_bring_everything_back() {
    for command in ["restic", "jq", "git", "sha256sum"] {
        assert!(
            is_installed(command),
            "the {command} command must be installed for this test"
        );
    }
    let world = World::new(vec![rich("tools")]).await;
    world.take("tools", None).await.unwrap();
    let password = world.path("password");
    std::fs::write(&password, world.keys.password.expose()).unwrap();
    let (target, host, wiki) = (
        world.path("target"),
        world.path("host.git"),
        world.path("wiki.git"),
    );
    let output = Command::new("sh")
        .args(["-e", "-u", "-c", &script()])
        .env("STORAGE", world.path("storage/acme"))
        .env("PASSWORD_FILE", &password)
        .env("REPOSITORY", "acme/tools")
        .env("TARGET", &target)
        .env("NEW_HOST", bare(&host))
        .env("NEW_WIKI", bare(&wiki))
        .env("NUMBER", "1")
        .env("RESTIC_CACHE_DIR", world.path("restic-cache"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("no errors were found"), "{text}");

    let source = world.source("tools");
    let mut pushed = source.refs.clone();
    pushed.retain(|name, _| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    assert_eq!(refs(&host), pushed);
    let mut pages = source.wiki_refs.unwrap();
    pages.retain(|name, _| name.starts_with("refs/heads/"));
    assert_eq!(refs(&wiki), pages);
    let rows = std::fs::read_to_string(target.join("issues.csv")).unwrap();
    assert_eq!(
        rows.lines().count(),
        source.counts.issues + source.counts.pulls
    );
    for oid in source.lfs_objects.keys() {
        assert!(
            target
                .join(format!(
                    "work/.git/lfs/objects/{}/{}/{oid}",
                    &oid[..2],
                    &oid[2..4]
                ))
                .is_file()
        );
    }
    let files = std::fs::read_dir(target.join("releases")).unwrap();
    let files = files.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    assert_eq!(files.count(), source.counts.assets);
}
