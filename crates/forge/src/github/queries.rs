//! The GraphQL documents; the tests hold them against GitHub's published schema.

/// The repositories of an account with their marks.
pub(super) const REPOSITORIES: &str = include_str!("queries/repositories.graphql");
/// Reviews of all pull requests, newest change first.
pub(super) const REVIEWS: &str = include_str!("queries/reviews.graphql");
/// Further reviews of one pull request that has more than a page of them.
pub(super) const MORE_REVIEWS: &str = include_str!("queries/more_reviews.graphql");

#[cfg(test)]
mod tests {
    use apollo_compiler::validation::Valid;
    use apollo_compiler::{ExecutableDocument, Schema};

    use super::*;
    use crate::test_assets;

    #[test]
    fn every_document_fits_the_published_schema() {
        let path = test_assets("npm/node_modules/@octokit/graphql-schema/schema.graphql");
        let text = std::fs::read_to_string(&path).unwrap();
        // GitHub publishes a schema that defines two fields twice.
        let schema = Schema::parse(text, path).unwrap_or_else(|errors| errors.partial);
        let schema = Valid::assume_valid(schema);
        for document in [REPOSITORIES, REVIEWS, MORE_REVIEWS] {
            if let Err(errors) =
                ExecutableDocument::parse_and_validate(&schema, document, "query.graphql")
            {
                panic!("{}", errors.errors);
            }
        }
    }
}
