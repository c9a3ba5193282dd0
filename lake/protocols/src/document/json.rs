use sonic_rs::{Deserializer, JsonContainerTrait, JsonType, JsonValueTrait, Value};

use super::{Budget, DEEPEST, MOST_RECORDS, Node, Unreadable};

/// The JSON document in a text, or one for each of its lines.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Unreadable> {
    // Before anything recurses.
    if depth(text) > DEEPEST {
        return Err(Unreadable::TooDeep);
    }
    let mut budget = Budget::default();
    let whole = match value(text) {
        Ok(value) => return Ok(vec![node(&value, 0, &mut budget)?]),
        Err(error) => error,
    };
    let mut nodes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if nodes.len() == MOST_RECORDS {
            return Err(Unreadable::TooMuch("10,000 records"));
        }
        // What is not good line by line is not good as a whole.
        nodes.push(node(&value(line).map_err(|_| whole.clone())?, 0, &mut budget)?);
    }
    Ok(nodes)
}

fn value(text: &str) -> Result<Value, Unreadable> {
    let mut deserializer = Deserializer::from_str(text).use_rawnumber();
    let value = deserializer.deserialize().and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| Unreadable::Json(first_line(&error.to_string())))
}

/// Errors show the text around them, which nobody should find in a log.
fn first_line(error: &str) -> String {
    error.lines().next().unwrap_or_default().to_owned()
}

/// How deep brackets outside of strings are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn node(value: &Value, depth: usize, budget: &mut Budget) -> Result<Node, Unreadable> {
    budget.spend(depth)?;
    Ok(match value.get_type() {
        JsonType::Null => Node::Null,
        JsonType::Boolean => Node::Bool(value.is_true()),
        JsonType::Number => {
            Node::Number(value.as_raw_number().map(|number| number.as_str().to_owned()).unwrap_or_default())
        }
        JsonType::String => Node::Text(value.as_str().unwrap_or_default().to_owned()),
        JsonType::Array => {
            let values = value.as_array().into_iter().flat_map(|array| array.iter());
            Node::List(values.map(|value| node(value, depth + 1, budget)).collect::<Result<_, _>>()?)
        }
        JsonType::Object => {
            let members = value.as_object().into_iter().flat_map(|object| object.iter());
            let member =
                |(name, value): (&str, &Value)| Ok((name.to_owned(), node(value, depth + 1, budget)?));
            Node::Map(members.map(member).collect::<Result<_, Unreadable>>()?)
        }
    })
}
