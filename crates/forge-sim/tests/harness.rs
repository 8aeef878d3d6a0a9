//! A running simulator and a client that says plainly what it got.

use forge_sim::{Control, Handle, Options, Recipe, RepositoryRecipe, UserRecipe};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

pub(crate) struct Sim {
    pub(crate) handle: Handle,
    client: Client,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let items = self.json();
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The address of a relation in `Link`.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let wanted = format!("rel=\"{relation}\"");
        let link = self
            .header("link")
            .split(", ")
            .find(|link| link.ends_with(&wanted))?;
        Some(link.split_once('<')?.1.split_once('>')?.0.to_owned())
    }
}

/// A world with one repository of every kind and two members, one of them an admin.
pub(crate) fn recipe() -> Recipe {
    let rich = RepositoryRecipe {
        issues: 40,
        pulls: 20,
        labels: 12,
        milestones: 4,
        releases: 3,
        assets_per_release: 2,
        asset_bytes: 200_000,
        lfs_objects: 2,
        wiki: true,
        ..RepositoryRecipe::small("rich")
    };
    let named = vec![
        rich,
        RepositoryRecipe {
            private: true,
            ..RepositoryRecipe::small("secret")
        },
        RepositoryRecipe {
            name: "empty".to_owned(),
            ..RepositoryRecipe::default()
        },
        RepositoryRecipe {
            archived: true,
            ..RepositoryRecipe::tiny("archived")
        },
        RepositoryRecipe {
            fork: true,
            ..RepositoryRecipe::tiny("fork")
        },
    ];
    Recipe::named("acme", named)
        .with_user(UserRecipe {
            role: forge_sim::world::Role::Admin,
            ..UserRecipe::member("ann")
        })
        .with_user(UserRecipe::member("ben"))
        .with_user(UserRecipe {
            outsider: true,
            ..UserRecipe::member("eve")
        })
}

impl Sim {
    pub(crate) async fn start() -> Self {
        Self::with(Options::new(recipe())).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let handle = forge_sim::start(options).await.unwrap();
        let client = Client::builder()
            .user_agent("tests")
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { handle, client }
    }

    pub(crate) fn control(&self) -> Control {
        self.handle.control()
    }

    pub(crate) fn token(&self, login: &str) -> String {
        self.control().token(login).unwrap()
    }

    /// GET below the API's root, or of a whole address, as `ann`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(Some("ann"), path, &[]).await
    }

    pub(crate) async fn get_as(
        &self,
        login: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.handle.api())
        };
        let mut request = self.client.request(Method::GET, url);
        if let Some(login) = login {
            request = request.bearer_auth(self.token(login));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await.unwrap()
    }

    /// The same, where the connection may break.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        let url = format!("{}{path}", self.handle.api());
        self.send(self.client.get(url).bearer_auth(self.token("ann")))
            .await
    }

    /// A GraphQL query as `ann`.
    pub(crate) async fn query(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let request = self
            .client
            .post(self.handle.graphql())
            .bearer_auth(self.token("ann"));
        self.send(request.json(&body)).await.unwrap()
    }

    /// A download without a token, from an offset on.
    pub(crate) async fn bytes(&self, url: &str, range: &str) -> Vec<u8> {
        let response = self
            .client
            .get(url)
            .header("range", range)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        response.bytes().await.unwrap().to_vec()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await?,
        })
    }

    /// Every item of a list, by following `Link`.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let answer = self.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            items.extend(answer.json().as_array().unwrap().iter().cloned());
            next = answer.link("next");
        }
        items
    }
}
