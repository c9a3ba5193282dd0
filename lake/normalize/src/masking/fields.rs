//! Documents without what names a person: by the names of their fields, and by what stands in the others.

use cauce_protocols::document::Node;
use serde_json::Value;

use super::masked;
use crate::erase::inner;

/// Names of fields that hold what names a person, without the marks between their words.
const NAMING: [&str; 54] = [
    "name",
    "fullname",
    "firstname",
    "lastname",
    "surname",
    "givenname",
    "familyname",
    "holder",
    "holdername",
    "cardholder",
    "cardholdername",
    "payername",
    "customername",
    "buyername",
    "nombre",
    "nombres",
    "apellido",
    "apellidos",
    "nome",
    "sobrenome",
    "titular",
    "email",
    "mail",
    "correo",
    "phone",
    "phonenumber",
    "telefono",
    "telefone",
    "celular",
    "mobile",
    "document",
    "documentnumber",
    "documento",
    "identification",
    "taxid",
    "cpf",
    "cnpj",
    "dni",
    "cuit",
    "cuil",
    "curp",
    "rfc",
    "rut",
    "nit",
    "cedula",
    "passport",
    "ssn",
    "address",
    "line1",
    "line2",
    "direccion",
    "endereco",
    "birthdate",
    "ip",
];
/// Fields of cards and accounts.
const SECRET: [&str; 12] = [
    "cvv",
    "cvc",
    "securitycode",
    "pan",
    "cardnumber",
    "iban",
    "accountnumber",
    "clabe",
    "cbu",
    "ipaddress",
    "dob",
    "birthday",
];
/// Under these a name is that of a business.
const BUSINESS: [&str; 8] =
    ["merchant", "store", "seller", "product", "provider", "bank", "comercio", "plan"];

/// A document without what names a person, as JSON: whole values of fields that are known to hold that, and what
/// [`masked`] finds in all others.
pub fn masked_document(node: &Node) -> Value {
    masked_below("", "", node)
}

fn masked_below(parent: &str, name: &str, node: &Node) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(flag) => (*flag).into(),
        Node::List(nodes) => nodes.iter().map(|node| masked_below(parent, name, node)).collect(),
        Node::Map(members) => {
            let below = |(key, node): &(String, Node)| (key.clone(), masked_below(name, key, node));
            Value::Object(members.iter().map(below).collect())
        }
        // A document inside a text is masked by the names of its own fields.
        Node::Text(text) if !inner(text).is_empty() => {
            inner(text).iter().map(|node| masked_below(parent, name, node)).collect()
        }
        Node::Text(text) | Node::Number(text) => {
            let of_person = names_a_person(parent, name);
            if of_person { "[masked]".into() } else { masked(text).into() }
        }
    }
}

fn names_a_person(parent: &str, name: &str) -> bool {
    let plain = |text: &str| {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let (parent, name) = (plain(parent), plain(name));
    if SECRET.contains(&name.as_str()) {
        return true;
    }
    let is_business = BUSINESS.iter().any(|business| parent.contains(business));
    NAMING.contains(&name.as_str()) && !is_business
}
