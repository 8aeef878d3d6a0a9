//! How long GitLab counts, where no answer tells.

/// How long the windows of an endpoint's own limit are, in seconds.
///
/// <https://docs.gitlab.com/user/gitlab_com/rate_limits/>
pub(crate) fn window(endpoint: &str) -> i64 {
    match endpoint {
        "projects" | "users" => 600,
        _ => 60,
    }
}
