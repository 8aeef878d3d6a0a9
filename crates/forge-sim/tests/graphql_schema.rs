//! The served part of the schema against GitHub's published schema.

use apollo_compiler::Schema;
use apollo_compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition};

use crate::assets;

#[test]
fn every_type_field_argument_and_value_is_githubs() {
    let path = assets::npm("@octokit/graphql-schema").join("schema.graphql");
    let text = std::fs::read_to_string(path).unwrap();
    let published = Schema::parse(text, "published.graphql").unwrap_or_else(|error| error.partial);
    let served = Schema::parse_and_validate(forge_sim::graphql::SDL, "served.graphql").unwrap();
    let mut compared = 0;
    for (name, ours) in served
        .types
        .iter()
        .filter(|(_, served)| !served.is_built_in())
    {
        let theirs = published
            .types
            .get(name)
            .unwrap_or_else(|| panic!("GitHub has no type {name}"));
        compared += match (ours, theirs) {
            (ExtendedType::Object(ours), ExtendedType::Object(theirs)) => {
                for interface in &ours.implements_interfaces {
                    assert!(
                        theirs.implements_interfaces.contains(interface),
                        "{name} is no {interface}"
                    );
                }
                fields(name, ours.fields.values().map(|field| &***field), |field| {
                    theirs.fields.get(field).map(|field| &***field)
                })
            }
            (ExtendedType::Interface(ours), ExtendedType::Interface(theirs)) => {
                fields(name, ours.fields.values().map(|field| &***field), |field| {
                    theirs.fields.get(field).map(|field| &***field)
                })
            }
            (ExtendedType::InputObject(ours), ExtendedType::InputObject(theirs)) => {
                for (field, our) in &ours.fields {
                    let their = theirs
                        .fields
                        .get(field)
                        .unwrap_or_else(|| panic!("no {name}.{field}"));
                    same_argument(&format!("{name}.{field}"), our, their);
                }
                ours.fields.len()
            }
            (ExtendedType::Enum(ours), ExtendedType::Enum(theirs)) => {
                for value in ours.values.keys() {
                    assert!(
                        theirs.values.contains_key(value),
                        "GitHub has no {name}.{value}"
                    );
                }
                ours.values.len()
            }
            (ExtendedType::Union(ours), ExtendedType::Union(theirs)) => {
                assert!(
                    ours.members
                        .iter()
                        .all(|member| theirs.members.contains(member)),
                    "{name}"
                );
                ours.members.len()
            }
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => 1,
            _ => panic!("{name} is another kind of type at GitHub"),
        };
    }
    assert!(compared > 300, "only {compared} things were compared");
}

fn fields<'a>(
    name: &str,
    ours: impl Iterator<Item = &'a FieldDefinition>,
    theirs: impl Fn(&str) -> Option<&'a FieldDefinition>,
) -> usize {
    let mut compared = 0;
    for our in ours {
        let path = format!("{name}.{}", our.name);
        let their = theirs(&our.name).unwrap_or_else(|| panic!("GitHub has no {path}"));
        assert_eq!(our.ty.to_string(), their.ty.to_string(), "{path}");
        for argument in &our.arguments {
            let path = format!("{path}({})", argument.name);
            let their = their
                .argument_by_name(&argument.name)
                .unwrap_or_else(|| panic!("no {path}"));
            same_argument(&path, argument, their);
        }
        compared += 1 + our.arguments.len();
    }
    compared
}

fn same_argument(path: &str, ours: &InputValueDefinition, theirs: &InputValueDefinition) {
    assert_eq!(ours.ty.to_string(), theirs.ty.to_string(), "{path}");
    let shown = |argument: &InputValueDefinition| {
        argument
            .default_value
            .as_ref()
            .map(|value| value.to_string().replace(char::is_whitespace, ""))
    };
    assert_eq!(shown(ours), shown(theirs), "default of {path}");
}
