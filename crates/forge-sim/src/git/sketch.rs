//! A short history, for hosts whose projects need no more than that.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::history::create;
use super::stream::{Commit, Parent, Signature, Stream};
use crate::error::Error;
use crate::seed::words;

/// What a history is to hold.
#[derive(Debug, Clone)]
pub(crate) struct Sketch<'a> {
    pub(crate) seed: u64,
    pub(crate) author: &'a str,
    pub(crate) at: DateTime<Utc>,
    /// Commits on the default branch.
    pub(crate) commits: u64,
    /// Tags on its tip.
    pub(crate) tags: Vec<String>,
    /// References with a commit of their own, each after the tip.
    pub(crate) heads: Vec<String>,
    /// Files of the first commit besides the usual one.
    pub(crate) files: Vec<(String, String)>,
    /// Name of the only file that every commit changes.
    pub(crate) page: &'a str,
}

impl Sketch<'_> {
    /// Writes a bare repository; answers the tip of the default branch and those of the heads.
    pub(crate) fn write(&self, git: &Path, branch: &str) -> Result<(String, Vec<String>), Error> {
        create(git, branch)?;
        if self.commits == 0 {
            return Ok((String::new(), Vec::new()));
        }
        let mut random = fastrand::Rng::with_seed(self.seed);
        let mut stream = Stream::default();
        let signature = Signature {
            name: self.author.to_owned(),
            at: self.at,
        };
        let mut tip = 0;
        for index in 0..self.commits {
            let mut files = vec![(self.page.to_owned(), words::lines(&mut random, 400))];
            if index == 0 {
                files.extend(self.files.iter().cloned());
            }
            tip = stream.commit(&Commit {
                reference: &format!("refs/heads/{branch}"),
                parent: (index > 0).then_some(Parent::Mark(tip)),
                signature: &signature,
                message: &words::title(&mut random),
                files: &files,
            });
        }
        for tag in &self.tags {
            stream.tag(tag, tip, &signature, "A release");
        }
        let mut heads = Vec::new();
        for head in &self.heads {
            let file = ("topic.txt".to_owned(), words::lines(&mut random, 200));
            heads.push(stream.commit(&Commit {
                reference: head,
                parent: Some(Parent::Mark(tip)),
                signature: &signature,
                message: &words::title(&mut random),
                files: &[file],
            }));
        }
        let ids = stream.import(git)?;
        let id = |mark: &usize| ids.get(mark).cloned().unwrap_or_default();
        Ok((id(&tip), heads.iter().map(id).collect()))
    }
}
