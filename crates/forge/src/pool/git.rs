//! Credentials for git, which spends no API quota.

use domain::{CredentialId, Secret};

use super::{Pool, Session};
use crate::Error;

impl Pool {
    /// The fit member of a session that git was given least often.
    pub(crate) fn pick_for_git(&self, session: &Session) -> Result<(CredentialId, Secret), Error> {
        let mut state = self.state();
        let mut unfit = Vec::new();
        let mut fit = Vec::new();
        let mut is_renewing = false;
        for id in &session.scope.credentials {
            match state.fitness(*id, session) {
                Ok(_) if session.is_git_refused(*id) => {
                    unfit.push(format!("{}: refused by the host's git", state.name_of(*id)));
                }
                Ok(_) if state.renewing.contains(id) => {
                    is_renewing = true;
                    unfit.push(format!(
                        "{}: its token is being renewed",
                        state.name_of(*id)
                    ));
                }
                Ok(_) => fit.push(*id),
                Err(why) => unfit.push(format!("{}: {why}", state.name_of(*id))),
            }
        }
        let uses = |id: &CredentialId| state.git_uses.get(id).copied().unwrap_or_default();
        let chosen = fit.into_iter().min_by_key(uses);
        let member = chosen.and_then(|id| state.members.get(&id));
        let Some((id, token)) = member.map(|member| (member.id, member.token.clone())) else {
            let detail = format!("No credential can be used for git ({}).", unfit.join("; "));
            return Err(if is_renewing {
                Error::Transient { detail }
            } else {
                Error::NoCredential { detail }
            });
        };
        *state.git_uses.entry(id).or_default() += 1;
        Ok((id, token))
    }
}
