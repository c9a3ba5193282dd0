use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{Budget, MOST_NAMES, Node, Unreadable};

/// An element that is not closed yet.
struct Open {
    name: String,
    members: Vec<(String, Node)>,
    text: String,
}

/// The document's root element, as a map of one.
pub(super) fn document(text: &str) -> Result<Node, Unreadable> {
    let bad = |error: &dyn std::fmt::Display| Unreadable::Xml(error.to_string());
    let mut reader = Reader::from_str(text);
    let (mut open, mut root, mut budget): (Vec<Open>, Option<(String, Node)>, _) =
        (Vec::new(), None, Budget::default());
    loop {
        match reader.read_event().map_err(|error| bad(&error))? {
            Event::Start(start) => {
                budget.spend(open.len())?;
                open.push(begin(&start, &mut budget, open.len())?);
            }
            Event::Empty(start) => {
                budget.spend(open.len())?;
                let element = begin(&start, &mut budget, open.len())?;
                close(element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(|| bad(&"an end without a beginning"))?;
                close(element, &mut open, &mut root)?;
            }
            Event::Text(words) => {
                let words = words.decode().map_err(|error| bad(&error))?;
                add_text(&mut open, &words);
            }
            Event::CData(words) => {
                let words = words.decode().map_err(|error| bad(&error))?;
                add_text(&mut open, &words);
            }
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().map_err(|error| bad(&error))? {
                    Some(character) => character.to_string(),
                    None => {
                        let name = reference.decode().map_err(|error| bad(&error))?;
                        let known = quick_xml::escape::resolve_xml_entity(&name);
                        known.ok_or_else(|| bad(&"an entity in it is not known"))?.to_owned()
                    }
                };
                add_text(&mut open, &character);
            }
            // Naming one elsewhere is harmless: nobody fetches it. What is declared in place makes small texts large.
            Event::DocType(words) if words.contains(&b'[') => return Err(Unreadable::DocumentType),
            Event::DocType(_) => {}
            Event::Eof if open.is_empty() => {
                return root.map(|root| Node::Map(vec![root])).ok_or_else(|| bad(&"there is no element"));
            }
            Event::Eof => return Err(bad(&"it ends before its elements do")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

/// Names without their prefix: providers differ in prefixes and mean the same.
fn local(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn begin(start: &BytesStart<'_>, budget: &mut Budget, depth: usize) -> Result<Open, Unreadable> {
    let mut members = Vec::new();
    let mut is_nil = false;
    // Looking for doubles costs the square of their number; of two the last holds.
    for attribute in start.attributes().with_checks(false) {
        if members.len() == MOST_NAMES {
            return Err(Unreadable::TooMuch("1,000 names in an element"));
        }
        let attribute = attribute.map_err(|error| Unreadable::Xml(error.to_string()))?;
        budget.spend(depth)?;
        let value = attribute.unescape_value().map_err(|error| Unreadable::Xml(error.to_string()))?;
        let key = attribute.key.as_ref();
        if key.starts_with(b"xmlns") {
            continue;
        }
        let name = local(key);
        is_nil |= name == "nil" && value == "true";
        members.push((format!("@{name}"), Node::Text(value.into_owned())));
    }
    if is_nil {
        members.clear();
    }
    Ok(Open { name: local(start.name().as_ref()), members, text: String::new() })
}

fn add_text(open: &mut [Open], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(element: Open, open: &mut [Open], root: &mut Option<(String, Node)>) -> Result<(), Unreadable> {
    let Open { name, mut members, text } = element;
    let text = text.trim();
    let node = match (members.is_empty(), text.is_empty()) {
        (true, true) => Node::Null,
        (true, false) => Node::Text(text.to_owned()),
        (false, true) => Node::Map(members),
        (false, false) => {
            members.push(("#text".to_owned(), Node::Text(text.to_owned())));
            Node::Map(members)
        }
    };
    let Some(parent) = open.last_mut() else {
        if root.is_some() {
            return Err(Unreadable::Xml("there are two root elements".to_owned()));
        }
        *root = Some((name, node));
        return Ok(());
    };
    // Elements of one name are a list, in the place of the first.
    let is_full = parent.members.len() >= MOST_NAMES;
    match parent.members.iter_mut().find(|(known, _)| *known == name) {
        Some((_, Node::List(nodes))) => nodes.push(node),
        Some((_, first)) => *first = Node::List(vec![std::mem::replace(first, Node::Null), node]),
        None if is_full => {
            return Err(Unreadable::TooMuch("1,000 names in an element"));
        }
        None => parent.members.push((name, node)),
    }
    Ok(())
}
