//! The JSON Schema of the whole configuration, put together from the types of what is linked.

use bridge_core::registry::Registry;
use serde_json::{Map, Value, json};

use super::sections;

/// The schema. What several sections call by one name is kept apart by the sections' names.
pub(crate) fn schema(registry: &Registry) -> Value {
    let mut whole = Whole::default();
    let own = [
        ("server", schemars::schema_for!(sections::ServerSection)),
        ("storage", schemars::schema_for!(sections::StorageSection)),
        ("cache", schemars::schema_for!(sections::CacheSection)),
        ("queue", schemars::schema_for!(sections::QueueSection)),
        (
            "conversation",
            schemars::schema_for!(sections::ConversationSection),
        ),
        ("routing", schemars::schema_for!(sections::RoutingSection)),
        (
            "older_routes",
            schemars::schema_for!(sections::OlderRoutesSection),
        ),
        ("media", schemars::schema_for!(bridge_media::Settings)),
    ];
    let mut properties = Map::new();
    for (name, schema) in own {
        properties.insert(name.to_owned(), whole.take(name, schema));
    }
    let agent = schemars::schema_for!(sections::AgentSection);
    properties.insert("agents".to_owned(), each(whole.take("agents", agent)));
    let channels = registry.channels.values();
    let inboxes: Vec<Value> = channels
        .map(|spec| inbox(spec.name, whole.take(spec.name, spec.schema())))
        .collect();
    properties.insert("inboxes".to_owned(), each(json!({ "oneOf": inboxes })));
    let bots = registry
        .bots
        .values()
        .map(|spec| (spec.name, spec.schema()));
    let guards = registry
        .guards
        .values()
        .map(|spec| (spec.name, spec.schema()));
    properties.insert("bots".to_owned(), whole.by_name("bots", bots));
    properties.insert("guards".to_owned(), whole.by_name("guards", guards));
    properties.insert("texts".to_owned(), each(json!({ "type": "string" })));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kefu-bridge",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": whole.definitions,
    })
}

/// A table of sections whose names anybody chooses.
fn each(schema: Value) -> Value {
    json!({ "type": "object", "additionalProperties": schema })
}

/// A channel's section, with what belongs to every inbox.
fn inbox(channel: &str, mut schema: Value) -> Value {
    schema["properties"]["channel"] = json!({ "const": channel });
    schema["properties"]["on_unknown"] = json!({
        "description": "平台没有确认时：resend 重发，tell 告诉客服 / When a send may have happened: resend it, or tell the agent.",
        "enum": ["resend", "tell"],
        "default": "resend",
    });
    schema
}

#[derive(Default)]
struct Whole {
    definitions: Map<String, Value>,
}

impl Whole {
    /// A section's schema; its definitions go to where references look for them.
    fn take(&mut self, section: &str, schema: schemars::Schema) -> Value {
        let mut schema = schema.to_value();
        let definitions = schema.as_object_mut().and_then(|schema| {
            schema.remove("$schema");
            schema.remove("$defs")
        });
        refer(&mut schema, section);
        if let Some(Value::Object(definitions)) = definitions {
            for (name, mut definition) in definitions {
                refer(&mut definition, section);
                self.definitions
                    .insert(format!("{section}.{name}"), definition);
            }
        }
        schema
    }

    fn by_name<'a>(
        &mut self,
        kind: &str,
        schemas: impl Iterator<Item = (&'a str, schemars::Schema)>,
    ) -> Value {
        let mut properties = Map::new();
        for (name, schema) in schemas {
            let schema = self.take(&format!("{kind}.{name}"), schema);
            properties.insert(name.to_owned(), schema);
        }
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

/// Turns references to a section's definitions to where they are now.
fn refer(schema: &mut Value, section: &str) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(place) if name == "$ref" => {
                        *place = place.replace("#/$defs/", &format!("#/$defs/{section}."));
                    }
                    member => refer(member, section),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, section)),
        _ => {}
    }
}
