//! How the files of a crate are laid out.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file or manifest that is not as the house has it.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut crates = folders(&root.join("crates"))?;
    crates.push(root.join("tests"));
    for folder in crates {
        let path = folder.join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!("{shown}: take the lints of the workspace"));
        }
        for line in manifest.lines() {
            let names_a_version = line.contains("version = \"") || line.contains("git = \"");
            if names_a_version {
                broken.push(format!(
                    "{shown}: \"{line}\" chooses a version, which the top Cargo.toml does"
                ));
            }
        }
        for file in sources(&folder)? {
            if file.ends_with("mod.rs") {
                let shown = file.strip_prefix(root).unwrap_or(&file).display();
                broken.push(format!("{shown}: name it after its module"));
            }
        }
    }
    Ok(broken)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(parent)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect()
}
