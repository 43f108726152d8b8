//! Writes answers as JSON text. `serde_json` would do, but for [`crate::direct`], whose text goes in as it is.

use async_graphql::Value;

/// Appends a value; `Value::Binary` holds JSON text already.
pub(crate) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_text(text, out),
        Value::Enum(name) => write_text(name, out),
        Value::Binary(written) => {
            out.push_str(std::str::from_utf8(written).expect("made of a string"));
        }
        Value::List(items) => {
            let mut separator = '[';
            for item in items {
                out.push(separator);
                write(item, out);
                separator = ',';
            }
            out.push_str(if separator == '[' { "[]" } else { "]" });
        }
        Value::Object(fields) => {
            let mut separator = '{';
            for (key, value) in fields {
                write_key(separator, key, out);
                write(value, out);
                separator = ',';
            }
            out.push_str(if separator == '{' { "{}" } else { "}" });
        }
    }
}

/// `{"key":` or `,"key":`; a GraphQL name holds nothing to escape.
pub(crate) fn write_key(separator: char, key: &str, out: &mut String) {
    out.push(separator);
    out.push('"');
    out.push_str(key);
    out.push_str("\":");
}

/// A JSON string.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push_str(&text[written..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_any_json_parser_reads_it() {
        for text in ["", "São Tomé", "a\"b\\c\n\t\u{1}\u{7f}", "🇧🇷", "\\"] {
            let mut out = String::new();
            write_text(text, &mut out);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn a_value_is_written_as_serde_writes_it() {
        let json = serde_json::json!({"a": [1, -2.5, null, true, {}], "b": {"c": [], "d": "x"}});
        let mut out = String::new();
        write(&Value::from_json(json.clone()).unwrap(), &mut out);
        assert_eq!(out, json.to_string());
    }
}
