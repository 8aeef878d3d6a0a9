//! Changes to repositories as a whole.

use super::Workshop;
use crate::apps::hooks::Notice;
use crate::apps::life;
use crate::control::Mutated;
use crate::error::Error;
use crate::git::{history, push};
use crate::recipe::RepositoryRecipe;
use crate::seed::{self, Contributors, Plan};
use crate::world::{Block, Repository};

impl Workshop<'_> {
    pub(super) fn create_repository(
        &mut self,
        owner: &str,
        recipe: &RepositoryRecipe,
    ) -> Result<Mutated, Error> {
        let owner_id = self.account_id(owner)?;
        if self.world.repository(owner, &recipe.name).is_some() {
            return Err(Error::Invalid(format!("{owner}/{} exists", recipe.name)));
        }
        let settings = &self.simulator.settings;
        let mut plan = seed::plan::grown(
            self.world,
            owner_id,
            recipe.clone(),
            settings.seed,
            &settings.root,
        )?;
        let contributors = Contributors::of(self.world);
        if let Plan::Grown(recipe) = &plan.source {
            plan.written = history::write(&plan, recipe, &contributors, self.world)?;
            history::write_wiki(&plan, &contributors, self.world)?;
        }
        let mut repository = seed::metadata::grow(self.world, plan, &contributors)?;
        repository.created_at = self.now;
        repository.updated_at = self.now;
        repository.pushed_at = self.now;
        let id = repository.id;
        self.world
            .redirects
            .remove(&format!("{owner}/{}", repository.name).to_lowercase());
        self.world.repositories.insert(id, repository);
        Ok(Mutated::id(id))
    }

    pub(super) fn rename_repository(
        &mut self,
        repository: &str,
        name: &str,
    ) -> Result<Mutated, Error> {
        let id = self.repository(repository)?.id;
        self.edit_repository(repository, |renamed| name.clone_into(&mut renamed.name))?;
        self.world.redirects.insert(repository.to_lowercase(), id);
        let notice = Notice {
            event: "repository".to_owned(),
            action: Some("renamed".to_owned()),
            renamed_from: repository.split_once('/').map(|(_, was)| was.to_owned()),
            ..Notice::default()
        };
        life::tell_of_repository(self.world, id, self.author_id, self.now, &notice);
        Ok(Mutated::id(id))
    }

    pub(super) fn delete_repository(&mut self, repository: &str) -> Result<Mutated, Error> {
        let id = self.repository(repository)?.id;
        self.world.repositories.remove(&id);
        self.world.redirects.retain(|_, target| *target != id);
        Ok(Mutated::id(id))
    }

    pub(super) fn empty_repository(&mut self, repository: &str) -> Result<Mutated, Error> {
        let root = self.simulator.settings.root.clone();
        let now = self.now;
        let emptied = self.repository(repository)?;
        if !emptied.git.starts_with(&root) {
            let message = format!("{repository} is somebody's own repository and is not emptied");
            return Err(Error::Invalid(message));
        }
        push::empty(&emptied.git)?;
        emptied.pushed_at = now;
        Ok(Mutated::id(emptied.id))
    }

    pub(super) fn block_repository(
        &mut self,
        repository: &str,
        reason: Option<&str>,
    ) -> Result<Mutated, Error> {
        let now = self.now;
        let blocked = self.repository(repository)?;
        blocked.block = reason.map(|reason| Block {
            reason: reason.to_owned(),
            created_at: now,
        });
        Ok(Mutated::id(blocked.id))
    }

    pub(super) fn edit_repository(
        &mut self,
        repository: &str,
        edit: impl FnOnce(&mut Repository),
    ) -> Result<Mutated, Error> {
        let now = self.now;
        let edited = self.repository(repository)?;
        edit(edited);
        edited.updated_at = now;
        Ok(Mutated::id(edited.id))
    }
}
