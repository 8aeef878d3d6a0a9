//! The faults on order, and which requests they hit.

use std::collections::BTreeMap;

use super::{Effect, Fault};

#[cfg(test)]
mod tests;

/// A request that faults may hit.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) login: Option<&'a str>,
}

/// The faults on order.
#[derive(Debug)]
pub(crate) struct FaultBook {
    faults: BTreeMap<u64, (Fault, u64)>,
    last_id: u64,
    random: fastrand::Rng,
}

impl FaultBook {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            faults: BTreeMap::new(),
            last_id: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    pub(crate) fn order(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.faults.insert(self.last_id, (fault, 0));
        self.last_id
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// The effect of the first fault that hits this request.
    pub(crate) fn strike(&mut self, target: &Target<'_>) -> Option<Effect> {
        for (fault, seen) in self.faults.values_mut() {
            if !matches(fault, target) {
                continue;
            }
            *seen += 1;
            let hits = *seen > fault.after
                && fault.count.is_none_or(|count| *seen <= fault.after + count)
                && fault
                    .probability
                    .is_none_or(|chance| self.random.f64() < chance);
            if hits {
                return Some(fault.effect.clone());
            }
        }
        None
    }
}

fn matches(fault: &Fault, target: &Target<'_>) -> bool {
    fault
        .method
        .as_deref()
        .is_none_or(|method| method.eq_ignore_ascii_case(target.method))
        && fault
            .login
            .as_deref()
            .is_none_or(|login| Some(login) == target.login)
        && glob(&fault.path, target.path)
}

/// Whether a pattern with `*` fits a whole path.
fn glob(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
