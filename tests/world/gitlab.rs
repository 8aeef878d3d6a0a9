//! A group of a simulated GitLab beside the world's usual organization.

use forge_sim::gitlab::Handle;

use super::World;

/// What the group is called here.
pub(crate) const GROUP: &str = "tanuki";

impl World {
    /// Registers the group `acme` with the token of the first user, and adds those of the others to its pool.
    pub(crate) async fn register_group(&self, gitlab: &Handle, users: &[&str]) {
        for (number, user) in users.iter().enumerate() {
            let file = self.token_of(gitlab, user);
            let mut arguments = vec!["--user", user, "--token-file", &file];
            if number == 0 {
                arguments.extend(["--kind", "gitlab", "--host", gitlab.web()]);
                arguments.extend(["--name", GROUP, "--account", "acme"]);
                arguments.splice(0..0, ["organization", "add"]);
            } else {
                arguments.splice(0..0, ["credential", "add", GROUP]);
            }
            self.call(&arguments).await.expect(0);
        }
    }

    /// A file with a token of a user.
    pub(crate) fn token_of(&self, gitlab: &Handle, user: &str) -> String {
        let file = self.folder().join(format!("gitlab-{user}"));
        std::fs::write(&file, gitlab.control().token(user).unwrap()).unwrap();
        file.display().to_string()
    }
}
