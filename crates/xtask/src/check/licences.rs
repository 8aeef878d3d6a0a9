//! No dependency may bind those who use the product to more than its own licence does.

use anyhow::{Result, bail};
use cargo_metadata::Package;
use spdx::{Expression, LicenseReq, ParseMode};

use crate::workspace::Workspace;

/// Licences that ask for no more than a notice, and MPL-2.0, which binds its own files only.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Fails with every package whose licence is not allowed.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let refused: Vec<String> = workspace
        .metadata()
        .packages
        .iter()
        .filter_map(|package| {
            let licence = named(package);
            let fits = Expression::parse_mode(&licence, ParseMode::LAX)
                .is_ok_and(|expression| is_allowed(&expression));
            (!fits).then(|| format!("{} {}: {licence}", package.name, package.version))
        })
        .collect();
    if !refused.is_empty() {
        bail!("Licences that are not allowed:\n{}", refused.join("\n"));
    }
    Ok(())
}

/// The licence that a package names, or the one whose text it brings.
fn named(package: &Package) -> String {
    if let Some(licence) = &package.license {
        return licence.clone();
    }
    let is_mit = package
        .license_file()
        .and_then(|file| std::fs::read_to_string(file).ok())
        .is_some_and(|text| text.starts_with("MIT License"));
    if is_mit { "MIT" } else { "no licence" }.to_owned()
}

fn is_allowed(expression: &Expression) -> bool {
    expression.evaluate(|requirement: &LicenseReq| {
        requirement
            .license
            .id()
            .is_some_and(|id| ALLOWED.contains(&id.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(text: &str) -> bool {
        Expression::parse_mode(text, ParseMode::LAX).is_ok_and(|expression| is_allowed(&expression))
    }

    #[test]
    fn a_choice_is_enough_and_a_sum_is_not() {
        assert!(allowed("MIT OR GPL-3.0-only"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!allowed("MIT AND GPL-3.0-only"));
        assert!(!allowed("no licence"));
    }

    #[test]
    fn every_dependency_is_allowed() {
        run(&Workspace::find().unwrap()).unwrap();
    }
}
