//! The rules of the house that no compiler knows.

mod layout;
mod tree;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// Fails with every rule that is broken.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut broken = tree::check(workspace.metadata());
    broken.extend(layout::check(workspace.root())?);
    if !broken.is_empty() {
        bail!("The house is not tidy:\n{}", broken.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        run(&Workspace::find().unwrap()).unwrap();
    }
}
