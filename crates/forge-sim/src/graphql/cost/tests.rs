use apollo_compiler::Schema;

use super::*;

fn priced(query: &str, variables: &JsonMap) -> Result<Price, Excess> {
    let schema = Schema::parse_and_validate(crate::graphql::SDL, "schema.graphql").unwrap();
    let document = ExecutableDocument::parse_and_validate(&schema, query, "query.graphql").unwrap();
    let operation = document.operations.get(None).unwrap();
    price(&document, operation, variables)
}

fn check(query: &str, cost: u64, nodes: u64) {
    assert_eq!(
        priced(query, &JsonMap::new()),
        Ok(Price { cost, nodes }),
        "{query}"
    );
}

#[test]
fn every_query_costs_at_least_one_point() {
    check("{ viewer { login } }", 1, 0);
    check(
        "{ viewer { repositories(first: 100) { nodes { name } } } }",
        1,
        100,
    );
}

#[test]
fn the_example_of_the_documentation_costs_51() {
    let query =
        "{ viewer { repositories(first: 100) { edges { node { issues(first: 50) { edges { node {
        labels(first: 60) { edges { node { name } } } } } } } } } } }";
    check(query, 51, 100 + 5_000 + 300_000);
}

#[test]
fn four_lists_of_each_of_a_hundred_repositories_cost_4() {
    let query = r#"{ organization(login: "acme") { repositories(first: 100) { nodes {
        issues(first: 1) { totalCount nodes { updatedAt } }
        pullRequests(first: 1) { totalCount nodes { updatedAt } }
        releases(first: 1) { totalCount nodes { createdAt } }
        labels(first: 1) { totalCount nodes { updatedAt } } } } } }"#;
    check(query, 4, 500);
}

#[test]
fn fragments_count_where_they_are_used() {
    let query = "{ viewer { ...owner } }
        fragment owner on User { repositories(first: 100) { nodes { issues(first: 1) { nodes { title } } } } }";
    check(query, 1, 200);
}

#[test]
fn too_many_nodes_are_refused() {
    let query = "{ viewer { repositories(first: 100) { nodes { pullRequests(first: 100) { nodes {
        reviews(first: 50) { nodes { body } } } } } } } }";
    assert_eq!(priced(query, &JsonMap::new()), Err(Excess::Nodes(510_100)));
}

#[test]
fn pages_have_a_bound_and_at_most_a_hundred_things() {
    let unbounded = "{ viewer { repositories { nodes { name } } } }";
    assert_eq!(
        priced(unbounded, &JsonMap::new()),
        Err(Excess::Unbounded {
            connection: "repositories".to_owned()
        })
    );
    let large = "query($n: Int!) { viewer { repositories(first: $n) { nodes { name } } } }";
    let mut variables = JsonMap::new();
    variables.insert("n", 101.into());
    assert!(matches!(
        priced(large, &variables),
        Err(Excess::Page { wanted: 101, .. })
    ));
}

#[test]
fn counting_needs_no_bound() {
    check("{ viewer { repositories { totalCount } } }", 1, 0);
}
