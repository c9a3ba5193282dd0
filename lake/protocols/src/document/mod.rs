//! Whatever a provider sends, as one tree: JSON, XML, CSV, form fields, in any charset.
//!
//! Numbers stay the text that they were, so that no amount passes through floating point. Nothing here resolves anything
//! outside the bytes: no entity but the five of XML, no reference, no include.

mod json;
mod sniff;
mod table;
mod xml;

use std::borrow::Cow;

use thiserror::Error;

/// Levels that a document may be nested: real ones have a dozen.
pub const DEEPEST: usize = 64;
/// Events that one document may hold.
pub const MOST_RECORDS: usize = 10_000;
/// Nodes that one document may have: each costs memory that its bytes don't.
const MOST_NODES: usize = 2_000_000;
/// Bytes of text that a document may become.
const MOST_TEXT: usize = 128 << 20;
/// Different names that one element of XML may have below it: each is looked for among those before.
const MOST_NAMES: usize = 1_000;

/// Why a document can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It has no content.
    #[error("it is empty")]
    Empty,
    /// It begins like JSON and is not.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// It begins like XML and is not.
    #[error("it is not XML: {0}")]
    Xml(String),
    /// It declares entities, by which small texts become large ones.
    #[error("it is XML with declarations of its own, which are not read")]
    DocumentType,
    /// It is a page for people.
    #[error("it is a web page")]
    WebPage,
    /// It is nested too deeply.
    #[error("it is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// There is too much in it.
    #[error("it has more than {0}")]
    TooMuch(&'static str),
    /// It is nothing that is known.
    #[error("it is neither JSON, XML, CSV nor form fields")]
    UnknownForm,
}

/// One value of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// Text.
    Text(String),
    /// Values in their order; elements of XML with one name.
    List(Vec<Node>),
    /// Values with names, in their order. An attribute of XML is named `@name`, text beside attributes `#text`.
    Map(Vec<(String, Node)>),
}

static NULL: Node = Node::Null;

impl Node {
    /// The member `name`; [`Node::Null`] where there is none. Of two with one name the last, as with most readers of JSON.
    pub fn get(&self, name: &str) -> &Node {
        match self {
            Self::Map(members) => {
                members.iter().rfind(|(known, _)| known == name).map_or(&NULL, |(_, node)| node)
            }
            _ => &NULL,
        }
    }

    /// What `path` leads to: names and positions with dots between them, `payments.0.state`. A position in what is no list
    /// is the thing itself: XML does not say whether one element is a list of one.
    pub fn at(&self, path: &str) -> &Node {
        path.split('.').fold(self, |node, step| match (node, step.parse::<usize>()) {
            (Self::List(nodes), Ok(index)) => nodes.get(index).unwrap_or(&NULL),
            (Self::Map(_), Ok(0)) if node.get("0").is_null() => node,
            (Self::List(nodes), Err(_)) => nodes.first().map_or(&NULL, |first| first.get(step)),
            (node, _) => node.get(step),
        })
    }

    /// Whether `path` leads to something that is not null.
    pub fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a text, number or flag that is not blank; of an element of XML with attributes its text.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let text = match self {
            Self::Text(text) | Self::Number(text) => Cow::Borrowed(text.trim()),
            Self::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Map(_) => return self.get("#text").plain(),
            Self::Null | Self::List(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    fn plain(&self) -> Option<Cow<'_, str>> {
        if matches!(self, Self::Map(_)) { None } else { self.text() }
    }

    /// The text at `path`.
    pub fn text_at(&self, path: &str) -> Option<String> {
        self.at(path).text().map(Cow::into_owned)
    }

    /// The first of `paths` where there is text.
    pub fn first_of(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.text_at(path))
    }

    /// Whether the text at `path` is `value`.
    pub fn is(&self, path: &str, value: &str) -> bool {
        self.at(path).text().is_some_and(|text| text == value)
    }

    /// True or false, also where it is written as text: Adyen does.
    pub fn flag(&self) -> Option<bool> {
        match self.text().as_deref() {
            Some("true" | "True" | "TRUE") => Some(true),
            Some("false" | "False" | "FALSE") => Some(false),
            _ => None,
        }
    }

    /// The values of a list; of anything else but null, itself alone.
    pub fn items(&self) -> &[Node] {
        match self {
            Self::List(nodes) => nodes,
            Self::Null => &[],
            other => std::slice::from_ref(other),
        }
    }

    /// Names and values of a map.
    pub fn members(&self) -> &[(String, Node)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// It on one line, for people: names and texts, as far as they are short.
    pub fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Number(text) | Self::Text(text) => text.clone(),
            Self::List(nodes) => {
                format!("[{}]", nodes.iter().map(Self::shown).collect::<Vec<_>>().join(", "))
            }
            Self::Map(members) => {
                let members = members.iter().map(|(name, node)| format!("{name}: {}", node.shown()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Whether any text or number in it is `text`, without regard to case.
    pub fn mentions(&self, text: &str) -> bool {
        match self {
            Self::Text(_) | Self::Number(_) => {
                self.text().is_some_and(|found| found.eq_ignore_ascii_case(text))
            }
            Self::List(nodes) => nodes.iter().any(|node| node.mentions(text)),
            Self::Map(members) => members.iter().any(|(_, node)| node.mentions(text)),
            Self::Null | Self::Bool(_) => false,
        }
    }
}

/// What the sender says beside the bytes, and the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a> {
    /// The header `content-type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Reads a document: one tree for each of its records. A list at the top, lines of JSON, and rows of CSV are several; text
/// of another form inside a JSON string is read as that form.
pub fn read(bytes: Bytes<'_>) -> Result<Vec<Node>, Unreadable> {
    let text = sniff::decoded(bytes);
    let records = form(text.trim_matches(['\u{feff}', '\0']).trim(), bytes.content_type, 0)?;
    match records.len() {
        0 => Err(Unreadable::Empty),
        1..=MOST_RECORDS => Ok(records),
        _ => Err(Unreadable::TooMuch("10,000 records")),
    }
}

/// Forms inside forms: text in JSON may be XML, and that is as far as anybody goes.
const MOST_FORMS: usize = 2;

fn form(text: &str, content_type: Option<&str>, depth: usize) -> Result<Vec<Node>, Unreadable> {
    match sniff::form(text, content_type)? {
        sniff::Form::Json => {
            let mut records = Vec::new();
            for node in json::documents(text)? {
                match node {
                    Node::List(nodes) => records.extend(nodes),
                    Node::Text(inner) if depth < MOST_FORMS => {
                        records.extend(form(inner.trim(), None, depth + 1)?);
                    }
                    node => records.push(node),
                }
            }
            Ok(records)
        }
        sniff::Form::Xml => Ok(vec![xml::document(text)?]),
        sniff::Form::Csv(delimiter) => table::csv(text, delimiter),
        sniff::Form::Fields => table::fields(text),
    }
}

/// Reads text that stands inside a document, such as the `raw_event` of an envelope.
pub fn read_text(text: &str) -> Result<Vec<Node>, Unreadable> {
    form(text.trim(), None, 1)
}

/// The text of a body, whatever charset it is in.
pub(crate) fn decoded(bytes: Bytes<'_>) -> Cow<'_, str> {
    sniff::decoded(bytes)
}

/// One document of JSON as one tree, however many records it has.
pub(crate) fn json_tree(text: &str) -> Result<Node, Unreadable> {
    json::documents(text)?.into_iter().next().ok_or(Unreadable::Empty)
}

/// A document of XML as one tree.
pub(crate) fn xml_tree(text: &str) -> Result<Node, Unreadable> {
    xml::document(text)
}

/// Counts what has been made of a document.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
    text: usize,
}

impl Budget {
    fn spend(&mut self, depth: usize) -> Result<(), Unreadable> {
        self.nodes += 1;
        match () {
            () if depth > DEEPEST => Err(Unreadable::TooDeep),
            () if self.nodes > MOST_NODES => Err(Unreadable::TooMuch("2,000,000 values")),
            () => Ok(()),
        }
    }

    /// Names are written once and kept for every row.
    fn spend_text(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.text += bytes;
        if self.text > MOST_TEXT { Err(Unreadable::TooMuch("128 MiB of text")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(body: &[u8]) -> Node {
        let mut records = read(Bytes { content_type: None, body }).unwrap();
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    #[test]
    fn every_form_is_one_tree() {
        let json = one(
            br#" {"amount": 10.10, "card": {"last4": "4242"}, "ok": "true", "n": 123456789012345678901.5} "#,
        );
        assert_eq!(json.text_at("amount").as_deref(), Some("10.10"), "a number stays as it is written");
        assert_eq!(json.text_at("n").as_deref(), Some("123456789012345678901.5"));
        assert_eq!(json.at("ok").flag(), Some(true));
        assert!(json.is("card.last4", "4242") && !json.has("card.cvc"));

        let xml =
            one(b"<?xml version=\"1.0\"?><reply code='7'><a>1</a><a>2 &amp; 3</a><b u='x'>t</b><c/></reply>");
        assert_eq!(xml.text_at("reply.@code").as_deref(), Some("7"));
        assert_eq!(xml.text_at("reply.a.1").as_deref(), Some("2 & 3"));
        assert_eq!(xml.text_at("reply.b").as_deref(), Some("t"));
        assert_eq!(xml.text_at("reply.b.0.@u").as_deref(), Some("x"), "one element is a list of one");
        assert_eq!(xml.text_at("reply.c"), None);

        let fields = one(b"state_pol=4&value=10.00&description=a+b%2Fc");
        assert!(fields.is("description", "a b/c") && fields.is("value", "10.00"));

        let rows = read(Bytes { content_type: None, body: b"id;status\n1;paid\n2;\"not;paid\"\n" }).unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows[1].is("status", "not;paid"));
    }

    #[test]
    fn several_records_and_forms_inside_forms() {
        let count = |body: &[u8]| read(Bytes { content_type: None, body }).map(|records| records.len());
        assert_eq!(count(b"[{\"a\":1},{\"a\":2}]"), Ok(2));
        assert_eq!(count(b"{\"a\":1}\n{\"a\":2}\n"), Ok(2));
        let inner = one(br#""<a><b>1</b></a>""#);
        assert!(inner.is("a.b", "1"));
        assert_eq!(count(b"  "), Err(Unreadable::Empty));
        assert_eq!(count(b"[]"), Err(Unreadable::Empty));
        assert_eq!(count(b"hello"), Err(Unreadable::UnknownForm));
        assert_eq!(count(b"<!DOCTYPE html><html></html>"), Err(Unreadable::WebPage));
    }

    #[test]
    fn charsets_are_read_and_bombs_are_not() {
        let latin = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>se\u{f1}or</a>";
        let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert!(one(&latin).is("a", "se\u{f1}or"));
        let wide: Vec<u8> = "\u{feff}{\"a\":\"\u{f1}\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(one(&wide).is("a", "\u{f1}"));
        let said =
            Bytes { content_type: Some("application/json; charset=latin1"), body: b"{\"a\":\"\xf1\"}" };
        assert!(read(said).unwrap()[0].is("a", "\u{f1}"));

        let refused = |body: &[u8]| read(Bytes { content_type: None, body }).unwrap_err();
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        assert_eq!(refused(bomb.as_bytes()), Unreadable::DocumentType);
        assert!(
            one(b"<!DOCTYPE a PUBLIC '-//A//EN' 'http://a.example/a.dtd'><a>1</a>").is("a", "1"),
            "not fetched"
        );
        assert!(matches!(refused(b"<a>&c;</a>"), Unreadable::Xml(_)));
        let names: String = (0..5_000).map(|n| format!("<b{n}/>")).collect();
        assert_eq!(
            refused(format!("<a>{names}</a>").as_bytes()),
            Unreadable::TooMuch("1,000 names in an element")
        );
        let attributes: String = (0..5_000).map(|n| format!(" b{n}='1'")).collect();
        let many = Unreadable::TooMuch("1,000 names in an element");
        assert_eq!(refused(format!("<a{attributes}/>").as_bytes()), many);
        let wide = format!("{},b\n{}", "a".repeat(1 << 20), "1,2\n".repeat(9_000));
        assert_eq!(refused(wide.as_bytes()), Unreadable::TooMuch("128 MiB of text"));
        assert_eq!(refused("[".repeat(100_000).as_bytes()), Unreadable::TooDeep);
        assert_eq!(refused(format!("{}1{}", "[".repeat(70), "]".repeat(70)).as_bytes()), Unreadable::TooDeep);
        assert_eq!(refused("<a>".repeat(100_000).as_bytes()), Unreadable::TooDeep);
        assert_eq!(
            refused(format!("[{}1]", "1,".repeat(20_000)).as_bytes()),
            Unreadable::TooMuch("10,000 records")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(Bytes { content_type: None, body: &body });
        }

        #[test]
        fn any_text_like_a_document_is_read_or_refused(body in "[{<\\[\"a-c:,=&;/!?\\]>} \n0-9'-]{0,200}") {
            for content_type in [None, Some("text/csv"), Some("application/x-www-form-urlencoded"), Some("text/xml")] {
                let _ = read(Bytes { content_type, body: body.as_bytes() });
            }
        }
    }
}
