use super::{Budget, MOST_RECORDS, Node, Unreadable};

/// Rows of CSV by the names in its first row.
pub(super) fn csv(text: &str, delimiter: u8) -> Result<Vec<Node>, Unreadable> {
    let mut budget = Budget::default();
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| Unreadable::UnknownForm)?.clone();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|_| Unreadable::UnknownForm)?;
        if rows.len() == MOST_RECORDS {
            return Err(Unreadable::TooMuch("10,000 records"));
        }
        let mut members = Vec::with_capacity(names.len());
        for (name, value) in names.iter().zip(&row) {
            budget.spend(0)?;
            budget.spend_text(name.len() + value.len())?;
            members.push((name.trim().to_owned(), Node::Text(value.to_owned())));
        }
        rows.push(Node::Map(members));
    }
    Ok(rows)
}

/// One record of form fields.
pub(super) fn fields(text: &str) -> Result<Vec<Node>, Unreadable> {
    let mut budget = Budget::default();
    let mut members = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        budget.spend(0)?;
        members.push((name.into_owned(), Node::Text(value.into_owned())));
    }
    Ok(vec![Node::Map(members)])
}
