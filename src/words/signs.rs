//! A poll answered as a table: a line a day, and at its end a plus, a minus, a mark of its own or a question mark.

/// Lines that end so before it is a table.
const LINES: usize = 2;

/// The text with marks that are read as yes and no; lines that leave their day open are left out. `None` where it is no
/// table.
pub(super) fn told(text: &str) -> Option<String> {
    let rows: Vec<(&str, Option<Sign>)> = text.lines().map(|line| (line, sign(line))).collect();
    let signed = rows.iter().filter(|(_, sign)| sign.is_some()).count();
    let plain = rows.iter().all(|(_, sign)| !matches!(sign, Some(Sign { mark: "+" | "-" | "?", .. })));
    if signed < LINES || plain {
        return None;
    }
    let row = |(line, sign): &(&str, Option<Sign<'_>>)| match sign {
        None => Some((*line).to_owned()),
        Some(Sign { day, mark: "+" }) => Some(format!("{day} ✅")),
        Some(Sign { day, mark: "-" }) => Some(format!("{day} ❌")),
        Some(Sign { mark: "?", .. }) => None,
        Some(_) => Some((*line).to_owned()),
    };
    Some(rows.iter().filter_map(row).collect::<Vec<_>>().join("\n"))
}

/// A day, and what stands behind it.
struct Sign<'a> {
    day: &'a str,
    mark: &'static str,
}

fn sign(line: &str) -> Option<Sign<'_>> {
    let line = line.trim_end();
    let marks = [
        ("+", "+"),
        ("-", "-"),
        ("–", "-"),
        ("?", "?"),
        ("❓", "?"),
        ("✅", "✅"),
        ("✔️", "✅"),
        ("✔", "✅"),
        ("❌", "❌"),
        ("✗", "❌"),
    ];
    let (day, mark) = marks.iter().find_map(|(end, mark)| Some((line.strip_suffix(end)?, *mark)))?;
    let letter = |day: &str| day.ends_with(char::is_alphabetic) && !day.ends_with([' ', ':', '|']);
    let day = day.trim_end();
    let day = day.trim_end_matches([':', '|', '=']).trim_end();
    let short = day.split_whitespace().count() <= 5 && day.contains(|c: char| c.is_ascii_digit());
    // "the 6th?" asks; "6 ?" behind a space leaves open
    let open = mark != "?" || line.ends_with('❓') || line.ends_with(" ?") || line.ends_with(":?");
    (short && open && !letter(line.trim_end_matches(mark))).then_some(Sign { day, mark })
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_table_of_signs_is_told_in_marks() {
        assert_eq!(told("26/02 -\n02/03 +").as_deref(), Some("26/02 ❌\n02/03 ✅"));
        assert_eq!(told("5 : +\n8 : -\n13 : ?").as_deref(), Some("5 ✅\n8 ❌"));
        assert_eq!(told("1 ✅\n2 ❌\n4 ❓").as_deref(), Some("1 ✅\n2 ❌"));
        assert_eq!(told("Le 6 -"), None);
        assert_eq!(told("Bonjour,\n\nLe 6 me va.\nEt le 10 ?"), None);
        assert_eq!(told("1 ✅\n2 ❌"), None);
    }
}
