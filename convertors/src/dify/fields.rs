//! Reading another program's JSON without trusting its shape: a field that is missing, `null` or of another kind reads
//! as absent, never as an error.

use serde_json::{Map, Value};

/// An object's fields; none, when it was not an object.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    pub(crate) fn get(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|value| !value.is_null())
    }

    /// The object under `key`, or one without fields.
    pub(crate) fn object(self, key: &str) -> Self {
        Self(self.get(key).and_then(Value::as_object))
    }

    pub(crate) fn list(self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    /// A string as it is; other kinds are absent.
    pub(crate) fn text(self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    /// A string, or nothing, owned.
    pub(crate) fn string(self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    /// A whole number, also one that was written as a string or as `3.0`.
    pub(crate) fn whole(self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Number(n) => n.as_u64().or_else(|| n.as_f64().and_then(whole_of)),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn real(self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(n) => n.as_f64(),
            Value::String(s) => s.trim().parse().ok().filter(|x: &f64| x.is_finite()),
            _ => None,
        }
    }
}

/// 2^53: beyond it a floating-point number no longer names one whole number.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn whole_of(x: f64) -> Option<u64> {
    // The range is checked, so the conversion is exact but for the fraction that is meant to go.
    (x.is_finite() && (0.0..=EXACT).contains(&x)).then_some(x as u64)
}
