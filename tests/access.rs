//! Who may come in, and the key to everything, managed on the command line.

use serde_json::json;

use crate::world::{World, row_count};

fn small() -> serde_json::Value {
    json!({"repositories": [{"name": "one", "commits": 2}]})
}

#[tokio::test]
async fn the_master_key_changes_under_a_running_server() {
    let world = World::registered(small()).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    let file = world.data_folder().join("master.key");
    let old = std::fs::read_to_string(&file).unwrap();

    let answer = world.call(&["master-key", "rotate"]).await.expect(0);
    assert_eq!(answer.json()["tenant_keys"], 1);
    let new = std::fs::read_to_string(&file).unwrap();
    assert_ne!(new, old);
    assert_eq!(new.lines().count(), 1, "the old key is out of the file");

    // The server that was started with the old key opens the token and the storage with the new one.
    world.touch_every_repository();
    world.run("nightly").await.expect(0);
    // And so does one that has never seen the old key.
    world.stop().await;
    world.serve().await;
    world.touch_every_repository();
    world.run("nightly").await.expect(0);

    // Whoever comes with the old key is told so.
    std::fs::write(&file, &old).unwrap();
    let refused = world.call(&["master-key", "rotate"]).await.expect(1);
    let sentence = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("master key does not open"), "{sentence}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
    std::fs::write(&file, &new).unwrap();
    world.finish().await;
}

#[tokio::test]
async fn who_is_locked_out_comes_in_by_the_command_line() {
    let world = World::start(small()).await;
    world.add_tenant().await;
    let add = ["person", "add", "Ada@Example.com", "--name", "Ada"];
    let added = world
        .call(&[&add[..], &["--role", "owner"]].concat())
        .await
        .expect(0);
    let first = added.json()["password"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 19);
    let listed = world.call(&["person", "list"]).await.expect(0);
    assert_eq!(listed.json()[0]["email"], "ada@example.com");

    let reset = world
        .call(&["person", "reset-password", "ada@example.com"])
        .await
        .expect(0);
    let second = reset.json()["password"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    for password in [&first, &second] {
        assert_eq!(
            world.database_rows_with(password).await,
            Vec::<String>::new()
        );
    }

    let short = world.folder().join("password");
    std::fs::write(&short, "short\n").unwrap();
    let short = short.display().to_string();
    for (arguments, word) in [
        (
            &[&add[..], &["--role", "owner"]].concat()[..],
            "already a person",
        ),
        (
            &["person", "add", "nobody", "--name", "N", "--operator"][..],
            "e-mail address",
        ),
        (
            &["person", "add", "b@c.d", "--name", "B", "--role", "king"][..],
            "role",
        ),
        (&["person", "reset-password", "eve@example.com"][..], "ada@"),
        (
            &[
                "person",
                "reset-password",
                "ada@example.com",
                "--password-file",
                &short,
            ][..],
            "12 characters",
        ),
    ] {
        let refused = world.call(arguments).await.expect(2);
        let sentence = refused.json()["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains(word), "{arguments:?}: {sentence}");
    }
    let database = world.database.look().await;
    assert_eq!(row_count(&database, "people").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn an_application_is_added_from_files_and_looked_at_by_the_server() {
    let world = World::start(small()).await;
    world.add_tenant().await;
    let control = world.sim.control();
    let made = control
        .create_app(&forge_sim::AppRecipe {
            name: "Backup".to_owned(),
            owner: crate::world::ORGANIZATION.to_owned(),
            public: true,
            permissions: [("metadata".to_owned(), "read".to_owned())].into(),
            ..forge_sim::AppRecipe::default()
        })
        .unwrap();
    let file = |name: &str, text: &str| {
        let path = world.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let secret = file("client-secret", made.client_secret.reveal());
    let key = file("private-key.pem", made.pem.as_ref().unwrap().reveal());
    let (host, number) = (world.host(), made.id.to_string());
    let add = async |slot: &str| {
        let client = [
            "--client-id",
            &made.client_id,
            "--client-secret-file",
            &secret,
        ];
        let app = [
            "--app-id",
            &number,
            "--slug",
            &made.slug,
            "--private-key-file",
            &key,
        ];
        let start = ["application", "add", "--host", &host, "--slot", slot];
        world.call(&[&start[..], &client, &app].concat()).await
    };
    let unknown = add("eleven").await.expect(2).json();
    assert!(unknown["error"].as_str().unwrap().contains("is no slot"));
    let added = add("3").await.expect(0).json();
    assert!(
        added["hook"]
            .as_str()
            .unwrap()
            .starts_with("/hooks/github/")
    );
    let taken = add("3").await.expect(2).json();
    let sentence = taken["error"].as_str().unwrap();
    assert!(sentence.contains("GitHub App #3"), "{sentence}");
    world.serve().await;
    let mut looked = world.call(&["application", "list"]).await.expect(0).json();
    while looked[0]["state"] == "not looked at yet" {
        looked = world.call(&["application", "list"]).await.expect(0).json();
    }
    assert_eq!(looked[0]["state"], "ready", "{looked:#}");
    assert_eq!(looked[0]["permissions"]["metadata"], "read");
    assert!(!looked.to_string().contains("PRIVATE KEY"));
    assert_eq!(
        world.database_rows_with("PRIVATE KEY").await,
        Vec::<String>::new()
    );
    world.finish().await;
}
