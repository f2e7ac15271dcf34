//! JSON values as YAML.
//!
//! Invariant: what is printed is read back as the same value: every text is quoted as in JSON, which
//! YAML understands, and only keys that cannot be mistaken stand bare.

use serde_json::Value;

/// Prints a value as a YAML document.
pub(crate) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

fn write(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                text.push_str(&" ".repeat(indent));
                text.push_str(&shown_key(key));
                text.push(':');
                nested(text, value, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&" ".repeat(indent));
                text.push('-');
                nested(text, item, indent + 2);
            }
        }
        scalar => {
            text.push_str(&format!("{scalar}\n"));
        }
    }
}

fn nested(text: &mut String, value: &Value, indent: usize) {
    let is_block = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        text.push('\n');
        write(text, value, indent);
    } else {
        text.push_str(&format!(" {value}\n"));
    }
}

fn shown_key(key: &str) -> String {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&key.to_lowercase().as_str());
    if is_plain { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_indented_and_doubtful_keys_are_quoted() {
        let value = json!({ "a": { "b": [1, { "c": "x: y" }], "no": null }, "$ref": [], "d": {} });
        let expected =
            "\"$ref\": []\na:\n  b:\n    - 1\n    -\n      c: \"x: y\"\n  \"no\": null\nd: {}\n";
        let mut lines: Vec<_> = yaml(&value).lines().map(str::to_owned).collect();
        let mut wanted: Vec<_> = expected.lines().map(str::to_owned).collect();
        // The order of keys is that of the map, which a feature of serde_json decides.
        lines.sort();
        wanted.sort();
        assert_eq!(lines, wanted);
    }
}
