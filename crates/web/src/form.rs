//! Reading what a browser sends: forms and queries.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::Console;
use crate::error::Error;
use crate::fields::Fields;
use crate::once::Held;

/// Bytes of a form at most.
const LARGEST: usize = 256 * 1024;

/// The field with the mark of [`crate::once`].
const ONCE: &str = "once";

impl FromRequest<Console> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        read(request, console).await
    }
}

type Pairs = Vec<(String, String)>;

async fn read(request: Request, console: &Console) -> Result<Fields, Response> {
    let (parts, body) = request.into_parts();
    let is_form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    // A form without any field has no body and, from some browsers, no kind.
    let body = axum::body::to_bytes(body, LARGEST)
        .await
        .map_err(|_error: axum::Error| Error::TooLarge.into_response())?;
    if !is_form && !body.is_empty() {
        return Err(Error::Invalid("This is not a form.".to_owned()).into_response());
    }
    let pairs: Pairs = url::form_urlencoded::parse(&body)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mark = pairs.iter().find(|(name, _)| name == ONCE);
    if let (Some((_, mark)), Some(held)) = (mark, parts.extensions.get::<Held>()) {
        let turn = console
            .once
            .turn(&format!("{} {mark}", parts.uri.path()))
            .await;
        if let Some(answer) = turn.as_ref() {
            let location: HeaderValue = answer.location.clone();
            return Err((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response());
        }
        held.keep(turn);
    }
    Ok(Fields::from_pairs(pairs.iter().map(|(name, value)| {
        (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str()))
    })))
}

/// What stands behind the question mark, each field a `String`, an `Option<String>` or a `Vec<String>`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes())
            // No name, cursor or word that is looked for holds one, and Postgres takes none.
            .map(|(name, value)| (name.into_owned(), value.replace('\0', "")))
            .collect();
        Ok(Self(understand(pairs)?))
    }
}

fn understand<T: DeserializeOwned>(pairs: Pairs) -> Result<T, Error> {
    let mut values: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in pairs {
        values.entry(name).or_default().0.push(value);
    }
    T::deserialize(MapDeserializer::new(values.into_iter())).map_err(|error: de::value::Error| {
        Error::Invalid(format!("This address cannot be understood: {error}."))
    })
}

/// All values of one name: a list for who wants a list, else the last.
#[derive(Default)]
struct Values(Vec<String>);

impl IntoDeserializer<'_> for Values {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Values {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0.pop().unwrap_or_default())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
