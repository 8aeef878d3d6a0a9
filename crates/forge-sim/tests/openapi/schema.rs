//! GitHub's published description, which is `OpenAPI` 3.0: `nullable` is not what JSON Schema calls it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

pub(crate) struct Description {
    document: Value,
    /// The shared schemas, converted.
    schemas: BTreeMap<String, Value>,
}

const SHARED: &str = "#/components/schemas/";

impl Description {
    pub(crate) fn open(path: &Path) -> Self {
        let text =
            std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Value = serde_json::from_slice(&text).unwrap();
        let schemas = document["components"]["schemas"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, schema)| (name.clone(), converted(schema)))
            .collect();
        Self { document, schemas }
    }

    /// The schema of an answer, as published.
    pub(crate) fn response(&self, template: &str, status: u16) -> Option<Value> {
        self.answer(template, "get", status)
    }

    /// The same of another method.
    pub(crate) fn answer(&self, template: &str, method: &str, status: u16) -> Option<Value> {
        let response = &self.document["paths"][template][method]["responses"][status.to_string()];
        let response = match response["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#'))?,
            None => response,
        };
        let content = &response["content"];
        let schema = &content["application/json"]["schema"];
        (!schema.is_null()).then(|| schema.clone())
    }

    /// What is wrong with an answer.
    pub(crate) fn problems(
        &self,
        schema: &Value,
        body: &Value,
    ) -> impl Iterator<Item = String> + use<> {
        let schema = converted(schema);
        let mut used = BTreeMap::new();
        self.collect(&schema, &mut used);
        let root = json!({ "components": { "schemas": used }, "allOf": [schema] });
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .unwrap();
        let problems = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error:.300}", error.instance_path()))
            .collect::<Vec<_>>();
        problems.into_iter()
    }

    /// The shared schemas that a schema reaches: compiling all of them each time takes long.
    fn collect(&self, schema: &Value, used: &mut BTreeMap<String, Value>) {
        match schema {
            Value::Object(object) => {
                if let Some(name) = object
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|r| r.strip_prefix(SHARED))
                    && !used.contains_key(name)
                {
                    let found = self.schemas[name].clone();
                    used.insert(name.to_owned(), found.clone());
                    self.collect(&found, used);
                }
                object.values().for_each(|value| self.collect(value, used));
            }
            Value::Array(array) => array.iter().for_each(|value| self.collect(value, used)),
            _ => {}
        }
    }

    /// Keys of an answer that no part of the schema knows.
    pub(crate) fn unknown_keys(&self, schema: &Value, body: &Value) -> BTreeSet<String> {
        let mut unknown = BTreeSet::new();
        self.walk(&[schema], body, "", &mut unknown);
        unknown
    }

    fn walk(&self, schemas: &[&Value], body: &Value, path: &str, unknown: &mut BTreeSet<String>) {
        let alternatives = self.flattened(schemas);
        match body {
            Value::Array(items) => {
                let inner = alternatives
                    .iter()
                    .map(|schema| &schema["items"])
                    .collect::<Vec<_>>();
                for item in items {
                    self.walk(&inner, item, &format!("{path}[]"), unknown);
                }
            }
            Value::Object(object) => {
                let free = alternatives.iter().any(|schema| {
                    schema
                        .get("additionalProperties")
                        .is_some_and(|more| *more != json!(false))
                });
                for (key, value) in object {
                    let inner = alternatives
                        .iter()
                        .filter_map(|schema| schema["properties"].get(key))
                        .collect::<Vec<_>>();
                    let path = format!("{path}.{key}");
                    if !inner.is_empty() {
                        self.walk(&inner, value, &path, unknown);
                    } else if !free {
                        unknown.insert(path);
                    }
                }
            }
            _ => {}
        }
    }

    /// The schemas themselves, what they refer to, and their alternatives.
    fn flattened<'a>(&'a self, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let mut flat = Vec::new();
        let mut open = schemas.to_vec();
        while let Some(schema) = open.pop() {
            flat.push(schema);
            if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix(SHARED)) {
                open.push(&self.document["components"]["schemas"][name]);
            }
            for word in ["allOf", "anyOf", "oneOf"] {
                open.extend(schema[word].as_array().into_iter().flatten());
            }
        }
        flat
    }
}

/// A schema of `OpenAPI` 3.0 as JSON Schema.
fn converted(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let mut result = Map::new();
    for (key, value) in object {
        let value = match key.as_str() {
            "properties" => {
                let properties = value.as_object().unwrap().iter();
                properties
                    .map(|(name, schema)| (name.clone(), converted(schema)))
                    .collect::<Map<_, _>>()
                    .into()
            }
            "items" | "not" | "additionalProperties" => converted(value),
            "allOf" | "anyOf" | "oneOf" => value
                .as_array()
                .unwrap()
                .iter()
                .map(converted)
                .collect::<Vec<_>>()
                .into(),
            "example" | "examples" | "nullable" | "discriminator" | "deprecated" => continue,
            other if other.starts_with("x-") => continue,
            _ => value.clone(),
        };
        result.insert(key.clone(), value);
    }
    let result = Value::Object(result);
    if object.get("nullable") == Some(&json!(true)) {
        json!({ "anyOf": [result, { "type": "null" }] })
    } else {
        result
    }
}
