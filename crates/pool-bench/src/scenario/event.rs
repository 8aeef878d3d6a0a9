//! Something that happens while a scenario is played.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// What happens, and when.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at_s: f64,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The next request of a bucket is refused with a secondary limit.
    Secondary {
        bucket: String,
        retry_after_s: Option<f64>,
    },
    /// The host does not know a credential any more.
    Revoke(String),
    Add(String),
    /// Drained, then gone.
    Remove(String),
    /// Requests take so many times as long.
    Slow {
        factor: f64,
        for_s: f64,
    },
    /// From then on the reset in headers wobbles by up to so much.
    ResetJitter(f64),
    /// The process dies, and starts again.
    Restart,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        Self::read(fields).map_err(de::Error::custom)
    }
}

impl Event {
    fn read(mut fields: Map<String, Value>) -> Result<Self, String> {
        let at_s = number(
            &fields.remove("at_s").ok_or("an event has no \"at_s\"")?,
            "at_s",
        )?;
        let mut kinds = Vec::new();
        for name in [
            "secondary",
            "revoke",
            "add",
            "remove",
            "slow",
            "reset_jitter_s",
            "restart",
        ] {
            if let Some(value) = fields.remove(name) {
                kinds.push((name, value));
            }
        }
        let [(name, value)] = kinds.as_slice() else {
            return Err(format!(
                "the event at {at_s} s says {} of secondary, revoke, add, remove, slow, reset_jitter_s and restart, where it must say one",
                kinds.len()
            ));
        };
        let what = match *name {
            "secondary" => What::Secondary {
                bucket: text(value, name)?,
                retry_after_s: match fields.remove("retry_after_s") {
                    None | Some(Value::Null) => None,
                    Some(value) => Some(number(&value, "retry_after_s")?),
                },
            },
            "revoke" => What::Revoke(text(value, name)?),
            "add" => What::Add(text(value, name)?),
            "remove" => What::Remove(text(value, name)?),
            "slow" => What::Slow {
                factor: number(value, name)?,
                for_s: number(
                    &fields
                        .remove("for_s")
                        .ok_or("a \"slow\" has no \"for_s\"")?,
                    "for_s",
                )?,
            },
            "reset_jitter_s" => What::ResetJitter(number(value, name)?),
            _ if *value == Value::Bool(true) => What::Restart,
            _ => return Err("\"restart\" is true, or is left out".to_owned()),
        };
        match fields.keys().next() {
            Some(unknown) => Err(format!(
                "the event at {at_s} s has \"{unknown}\", which means nothing there"
            )),
            None => Ok(Self { at_s, what }),
        }
    }
}

fn number(value: &Value, name: &str) -> Result<f64, String> {
    value
        .as_f64()
        .ok_or_else(|| format!("\"{name}\" is {value}, where it must be a number"))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("\"{name}\" is {value}, where it must be the id of one"))
}
