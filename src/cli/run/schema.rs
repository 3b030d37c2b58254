//! A JSON schema of project files, for editors, made of the command line's own definition.

use clap::{Arg, ArgAction};
use serde_json::{Map, Value as Json, json};

use super::grammar::{arguments, command_of, key, verbs};

/// The schema (JSON Schema 2020-12).
pub(super) fn schema() -> Json {
    let steps: Vec<Json> = verbs().iter().filter_map(|v| step(v)).collect();
    let words = json!({"type": "object", "additionalProperties": {"type": "string"}});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "heshan project",
        "type": "object",
        "required": ["step"],
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "description": "Name for people"},
            "vars": {"type": "object", "description": "Variables: ${name} in every text; --set NAME=VALUE takes their place"},
            "defaults": {"type": "object", "description": "Options of every step whose verb has them"},
            "kinds": words,
            "fields": words,
            "step": {"type": "array", "minItems": 1, "items": {"oneOf": steps}},
        },
    })
}

fn step(verb: &str) -> Option<Json> {
    let command = command_of(verb)?;
    let mut properties = Map::new();
    properties.insert("id".into(), json!({"type": "string", "pattern": r"^[\p{L}\p{N}_-]+$"}));
    properties.insert("verb".into(), json!({"const": verb}));
    properties.insert("needs".into(), any_of(&json!({"type": "string"})));
    let mut required = vec![json!("id"), json!("verb")];
    for arg in arguments(&command) {
        if arg.is_required_set() {
            required.push(json!(key(arg)));
        }
        properties.insert(key(arg), property(arg));
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    Some(json!({
        "description": about, "type": "object", "required": required,
        "additionalProperties": false, "properties": properties,
    }))
}

fn property(arg: &Arg) -> Json {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let mut kind = match arg.get_action() {
        ArgAction::SetTrue => json!({"type": "boolean"}),
        _ if !words.is_empty() => any_of(&json!({"enum": words})),
        _ => any_of(&json!({"type": ["string", "number"]})),
    };
    if let Some(map) = kind.as_object_mut() {
        map.insert("description".into(), json!(help));
    }
    kind
}

/// One, or a list.
fn any_of(one: &Json) -> Json {
    json!({"anyOf": [one, {"type": "array", "items": one}]})
}
