//! Rows of pages, as programs write them: tags that nobody closes, rows inside rows. A cell goes to the next cell or row. What
//! the page hides is not read: MetaTrader 5 keeps columns in its reports that nobody sees.

/// A cell of a table: its text, without tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
}

/// The line of a row, from 1, and its cells.
pub(super) type HtmlRow = (u32, Vec<Cell>);

/// All rows of a page that have cells.
pub(super) fn rows(page: &str) -> Vec<HtmlRow> {
    let mut rows = Vec::new();
    let (mut line, mut seen) = (1, 0);
    let starts = tags(page, "tr");
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(page.len());
        line += page.as_bytes()[seen..*start].iter().filter(|byte| **byte == b'\n').count();
        seen = *start;
        let cells = cells(&page[*start..end]);
        if !cells.is_empty() {
            rows.push((u32::try_from(line).unwrap_or(u32::MAX), cells));
        }
    }
    rows
}

/// Where tags of a name begin.
fn tags(page: &str, name: &str) -> Vec<usize> {
    let bytes = page.as_bytes();
    let mut found = Vec::new();
    for (at, _) in page.match_indices('<') {
        let after = at + 1;
        let is_name = bytes
            .get(after..after + name.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        let ends =
            bytes.get(after + name.len()).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>');
        if is_name && ends {
            found.push(at);
        }
    }
    found
}

fn cells(row: &str) -> Vec<Cell> {
    let mut starts = tags(row, "td");
    starts.extend(tags(row, "th"));
    starts.sort_unstable();
    let cell = |(index, start): (usize, &usize)| {
        let end = starts.get(index + 1).copied().unwrap_or(row.len());
        let (tag, text) = tag(&row[*start..end]);
        (!is_hidden(tag)).then(|| Cell { text: plain(text) })
    };
    starts.iter().enumerate().filter_map(cell).collect()
}

/// A tag and what comes after it. In the quotes of an attribute `>` ends nothing.
fn tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (None, '>') => return (&text[..at], &text[at + 1..]),
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), sign) if sign == open => quote = None,
            _ => {}
        }
    }
    // A quote that nobody closes is no quote.
    text.split_once('>').unwrap_or((text, ""))
}

fn is_hidden(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    ["class=\"hidden\"", "class=hidden", "class='hidden'"].iter().any(|class| tag.contains(class))
}

/// Text without its tags, and with the signs that stand for others.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = tag(&rest[at..]).1;
    }
    text.push_str(rest);
    let signs =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = signs.into_iter().fold(text, |text, (sign, plain)| text.replace(sign, plain));
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_end_where_the_next_begins() {
        let page = "<table>\n<tr><td title=\"#1 a[tp]\">7</td><td colspan=2>-1&nbsp;004.94\n<TR align=left><td><b>x</b> &amp; y<tr>";
        let rows = rows(page);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].0, rows[1].0), (2, 3));
        assert_eq!(rows[0].1[0].text, "7");
        assert_eq!(rows[0].1[1].text, "-1 004.94");
        assert_eq!(rows[1].1[0].text, "x & y");
        let page = "<tr><td title=\"from #6 > x\">7</td><td class=\"hidden\" colspan=8>no</td><td>it's";
        let cells: Vec<String> = super::rows(page).remove(0).1.into_iter().map(|cell| cell.text).collect();
        assert_eq!(cells, ["7", "it's"]);
    }

    proptest! {
        #[test]
        fn any_page_has_rows_or_none(page in "[<>/trdh ='\"a-cé&;\n]{0,120}") {
            let _ = rows(&page);
        }
    }
}
