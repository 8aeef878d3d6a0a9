//! The GraphQL interface: a document is parsed and validated, priced, and then answered from the world.
//!
//! Parsing, validation and execution are apollo-compiler's; what GitHub adds, the price and the limits of a query, is in
//! `cost`. The rest is one small file per kind of thing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::quota::Reading;
use crate::reply::{Refusal, Reply, Validators};
use crate::rest::show::Show;
use crate::urls::Urls;
use crate::world::World;
use cost::Price;

mod absent;
mod account;
mod connection;
mod conversation;
mod cost;
mod field;
mod issue;
mod pull;
mod reference;
mod release;
mod repository;
mod root;
mod topic;

/// The served part of GitHub's schema.
pub const SDL: &str = include_str!("graphql/schema.graphql");

fn schema() -> Option<&'static Valid<Schema>> {
    static SCHEMA: OnceLock<Option<Valid<Schema>>> = OnceLock::new();
    SCHEMA
        .get_or_init(|| Schema::parse_and_validate(SDL, "schema.graphql").ok())
        .as_ref()
}

/// A request as clients send it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    query: String,
    #[serde(default)]
    variables: Option<JsonMap>,
    #[serde(default)]
    operation_name: Option<String>,
}

/// A query that may be executed.
pub(crate) struct Prepared {
    schema: &'static Valid<Schema>,
    document: Valid<ExecutableDocument>,
    operation_name: Option<String>,
    variables: Valid<JsonMap>,
    price: Price,
}

impl Prepared {
    /// The points it is charged.
    pub(crate) fn cost(&self) -> u64 {
        self.price.cost
    }

    fn operation(&self) -> Option<&Operation> {
        let operations = &self.document.operations;
        operations
            .get(self.operation_name.as_deref())
            .ok()
            .map(|operation| &**operation)
    }
}

/// Parses, validates and prices a request.
pub(crate) fn prepare(method: &Method, body: &[u8]) -> Result<Prepared, Reply> {
    if method != Method::POST {
        return Err(Refusal::not_found().into());
    }
    let Ok(request) = serde_json::from_slice::<Request>(body) else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "Problems parsing JSON").into());
    };
    let schema = schema().ok_or_else(|| failed(&"the schema is broken"))?;
    let document = ExecutableDocument::parse_and_validate(schema, request.query, "query.graphql")
        .map_err(|invalid| {
        let errors = invalid
            .errors
            .iter()
            .map(|diagnostic| plain(&diagnostic.to_json()));
        errors_only(errors.collect())
    })?;
    let operation = document
        .operations
        .get(request.operation_name.as_deref())
        .map_err(|error| failed(&error.message()))?;
    let given = request.variables.unwrap_or_default();
    let variables = coerce_variable_values(schema, operation, &given)
        .map_err(|error| failed(&error.message()))?;
    let price = cost::price(&document, operation, &variables).map_err(|excess| {
        errors_only(vec![
            json!({ "type": excess.kind(), "message": excess.to_string() }),
        ])
    })?;
    Ok(Prepared {
        schema,
        document,
        operation_name: request.operation_name,
        variables,
        price,
    })
}

/// Answers a query.
pub(crate) fn execute(
    prepared: &Prepared,
    world: &World,
    caller: &Caller,
    urls: &Urls,
    reading: Reading,
) -> Reply {
    let view = field::View {
        show: Show {
            world,
            urls,
            caller,
        },
    };
    let root = root::Query {
        view,
        reading,
        price: prepared.price,
    };
    let Some(operation) = prepared.operation() else {
        return failed(&"there is no such operation");
    };
    let executed = Execution::new(prepared.schema, &prepared.document)
        .operation(operation)
        .coerced_variable_values(&prepared.variables)
        .enable_schema_introspection(true)
        .execute_sync(&root);
    match executed {
        Err(error) => failed(&error.message()),
        Ok(response) => {
            let mut body = Map::new();
            body.insert("data".to_owned(), json!(response.data));
            if !response.errors.is_empty() {
                let errors = response.errors.iter().map(field_error).collect::<Vec<_>>();
                body.insert("errors".to_owned(), json!(errors));
            }
            ok(Value::Object(body))
        }
    }
}

/// What apollo-compiler puts before the message of an error of ours.
const RESOLVER: &str = "resolver error: ";

/// An error of a field; what GitHub writes beside the message follows from it.
fn field_error(error: &GraphQLError) -> Value {
    let mut shown = plain(error);
    let message = error
        .message
        .strip_prefix(RESOLVER)
        .unwrap_or(&error.message);
    if let Some(object) = shown.as_object_mut() {
        object.insert("message".to_owned(), json!(message));
        if message.starts_with("Could not resolve to ") {
            object.insert("type".to_owned(), json!("NOT_FOUND"));
        } else if message.ends_with(" valid cursor.") {
            object.insert("type".to_owned(), json!("INVALID_CURSOR_ARGUMENTS"));
        }
    }
    shown
}

fn plain(error: &GraphQLError) -> Value {
    let mut shown = json!({ "message": error.message, "locations": error.locations });
    if let Some(object) = shown.as_object_mut().filter(|_| !error.path.is_empty()) {
        object.insert("path".to_owned(), json!(error.path));
    }
    shown
}

fn failed(message: &dyn fmt::Display) -> Reply {
    errors_only(vec![json!({ "message": message.to_string() })])
}

/// An answer without data: one message of each kind, as validators repeat themselves.
fn errors_only(errors: Vec<Value>) -> Reply {
    let mut seen = BTreeSet::new();
    let errors = errors
        .into_iter()
        .filter(|error| seen.insert(error.to_string()))
        .collect::<Vec<_>>();
    ok(json!({ "errors": errors }))
}

fn ok(body: Value) -> Reply {
    Reply {
        status: StatusCode::OK,
        body: Some(body),
        validators: Validators::None,
        headers: Vec::new(),
    }
}
