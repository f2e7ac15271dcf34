//! Shapes as JSON schemas.
//!
//! Invariant: a schema describes what serde_json writes; of a type that is not known here it says
//! only the name.

use serde_json::{Map, Value, json};

use super::{Body, Field, Shape};

/// The schema of a payload.
pub(crate) fn json_schema(body: &Body) -> Value {
    match body {
        Body::Unit => json!({ "type": "null" }),
        Body::Tuple(fields) => match fields.as_slice() {
            // Serde writes a newtype as what is in it.
            [field] => of_shape(&field.shape),
            fields => tuple(&fields.iter().map(|field| of_shape(&field.shape)).collect::<Vec<_>>()),
        },
        Body::Struct(fields) => object(fields),
        Body::Enum { variants, tagging } => of_enum(variants, tagging),
    }
}

fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Plain { name, arguments } => plain(name, arguments),
        Shape::Tuple(items) if items.is_empty() => json!({ "type": "null" }),
        Shape::Tuple(items) => tuple(&items.iter().map(of_shape).collect::<Vec<_>>()),
        Shape::Named { name, body } => {
            let mut schema = json_schema(body);
            if let Value::Object(schema) = &mut schema {
                schema.insert("title".to_owned(), json!(name));
            }
            schema
        }
        Shape::Again(name) => json!({ "description": format!("`{name}` again") }),
    }
}

fn plain(name: &str, arguments: &[Shape]) -> Value {
    let first = || arguments.first().map_or_else(|| json!({}), of_shape);
    match name {
        "bool" => json!({ "type": "boolean" }),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            json!({ "type": "integer", "minimum": 0 })
        }
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => json!({ "type": "integer" }),
        "f32" | "f64" => json!({ "type": "number" }),
        "String" | "str" | "char" | "PathBuf" => json!({ "type": "string" }),
        "Uuid" => json!({ "type": "string", "format": "uuid" }),
        "Timestamp" | "DateTime" | "OffsetDateTime" => {
            json!({ "type": "string", "format": "date-time" })
        }
        "Decimal" => json!({ "type": "string", "format": "decimal" }),
        "Box" | "Arc" | "Rc" | "Cow" => first(),
        "Option" => json!({ "anyOf": [first(), { "type": "null" }] }),
        "Vec" | "VecDeque" | "BTreeSet" | "HashSet" | "[]" => {
            json!({ "type": "array", "items": first() })
        }
        "BTreeMap" | "HashMap" => {
            let value = arguments.get(1).map_or_else(|| json!({}), of_shape);
            json!({ "type": "object", "additionalProperties": value })
        }
        name if name.starts_with("[;") => json!({ "type": "array", "items": first() }),
        name => json!({ "description": format!("`{name}`, of another crate") }),
    }
}

fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        if field.notes.iter().any(|note| note == "flatten") {
            continue;
        }
        let schema = if field.notes.is_empty() {
            of_shape(&field.shape)
        } else {
            json!({ "description": format!("`{}`, written by {}", field.shape, field.notes.join(", ")) })
        };
        properties.insert(field.name.clone(), schema);
        if !field.optional {
            required.push(json!(field.name));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn tuple(items: &[Value]) -> Value {
    let length = items.len();
    json!({ "type": "array", "prefixItems": items, "minItems": length, "maxItems": length })
}

fn of_enum(variants: &[(String, Body)], tagging: &str) -> Value {
    if !tagging.is_empty() {
        return json!({ "description": format!("one of several, told by {tagging}") });
    }
    if variants.iter().all(|(_, body)| *body == Body::Unit) {
        let names: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
        return json!({ "type": "string", "enum": names });
    }
    let alternatives: Vec<Value> = variants
        .iter()
        .map(|(name, body)| match body {
            Body::Unit => json!({ "const": name }),
            body => json!({
                "type": "object",
                "properties": { name.as_str(): json_schema(body) },
                "required": [name],
            }),
        })
        .collect();
    json!({ "oneOf": alternatives })
}
