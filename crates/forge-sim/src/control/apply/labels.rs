//! Changes to labels.

use super::Workshop;
use crate::control::Mutated;
use crate::error::Error;
use crate::world::Label;

impl Workshop<'_> {
    pub(super) fn add_label(&mut self, repository: &str, name: &str) -> Result<Mutated, Error> {
        let now = self.now;
        let id = self.world.next_id();
        self.repository(repository)?.labels.push(Label {
            id,
            name: name.to_owned(),
            color: "ededed".to_owned(),
            description: None,
            default: false,
            created_at: now,
            updated_at: now,
        });
        Ok(Mutated::id(id))
    }

    pub(super) fn edit_label(
        &mut self,
        repository: &str,
        name: &str,
        new_name: Option<&str>,
        color: Option<&str>,
    ) -> Result<Mutated, Error> {
        let now = self.now;
        let label = self
            .repository(repository)?
            .labels
            .iter_mut()
            .find(|label| label.name == name)
            .ok_or_else(|| Error::Unknown(format!("label {name} of {repository}")))?;
        new_name.unwrap_or(name).clone_into(&mut label.name);
        if let Some(color) = color {
            color.clone_into(&mut label.color);
        }
        label.updated_at = now;
        Ok(Mutated::id(label.id))
    }

    /// Takes a label away from the repository and from every issue, which does not count as their change.
    pub(super) fn delete_label(&mut self, repository: &str, name: &str) -> Result<Mutated, Error> {
        let found = self.repository(repository)?;
        let label = found
            .labels
            .iter()
            .find(|label| label.name == name)
            .ok_or_else(|| Error::Unknown(format!("label {name} of {repository}")))?;
        let id = label.id;
        found.labels.retain(|label| label.id != id);
        for issue in found.issues.values_mut() {
            issue.label_ids.retain(|label| *label != id);
        }
        Ok(Mutated::id(id))
    }
}
