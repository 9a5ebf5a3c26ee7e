//! A poll answered as a table: a line a day, and at its end a plus, a minus, both, or a question mark.

/// Lines that end so before it is a table.
const LINES: usize = 2;
/// Words of a line that names its day: "mardi 10 mars 18h30".
const WORDS: usize = 4;

/// The text with marks of the word lists for plus, minus and both; lines that leave their day open are left out. `None`
/// where it is no table.
pub(super) fn told(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().flat_map(led_days).collect();
    let turned: Vec<Option<String>> = lines.iter().map(|line| led(line)).collect();
    if turned.iter().flatten().count() >= LINES {
        let lines = lines.iter().zip(&turned).map(|(line, led)| led.as_deref().unwrap_or(line));
        return Some(lines.collect::<Vec<_>>().join("\n"));
    }
    let table = table(text.lines().collect()).or_else(|| one_line(text));
    table.or_else(|| numbered(text)).or_else(|| lettered(text)).or_else(|| labelled(text))
}

/// Words said of one place of a numbered list.
const SAID: usize = 5;

/// "1) yes 2) no 3) if needed": places that count up on one line, a line each.
fn numbered(text: &str) -> Option<String> {
    let mut rest = text.trim();
    let mut lines = Vec::new();
    while !rest.is_empty() {
        let mark = [')', '.', ':'].map(|sign| format!("{}{sign}", lines.len() + 1));
        let behind = mark.iter().find_map(|mark| rest.strip_prefix(mark.as_str()))?;
        let next = lines.len() + 2;
        let ends = |at: &usize| [')', '.', ':'].iter().any(|sign| behind[*at..].starts_with(&format!(" {next}{sign}")));
        let end = behind.match_indices(' ').map(|(at, _)| at).find(ends).unwrap_or(behind.len());
        let said = behind[..end].trim().trim_end_matches([',', ';', '.']);
        let few = (1..=SAID).contains(&said.split_whitespace().count());
        if !few || said.contains(|c: char| c.is_ascii_digit() || c == '\n') {
            return None;
        }
        lines.push(format!("{}: {said}", lines.len() + 1));
        rest = behind[end..].trim_start();
    }
    (lines.len() >= LINES).then(|| lines.join("\n"))
}

/// Yes and no by their first letter.
const PLUS: [&str; 3] = ["Y", "O", "J"];
const MINUS: &str = "N";

/// "17/3 Y, 19/3 N": a letter behind each day.
fn lettered(text: &str) -> Option<String> {
    let pieces = text.trim().split([',', ';', '|', '\n']).map(|piece| piece.trim().trim_end_matches('.'));
    let told = |piece: &str| {
        let (day, letter) = piece.rsplit_once([' ', ':', '='])?;
        let (day, letter) = (day.trim_end_matches([' ', ':', '=', '-']), letter.to_uppercase());
        let sign = if PLUS.contains(&letter.as_str()) { '✅' } else { '❌' };
        let known = sign == '✅' || letter == MINUS;
        let dated = day.contains(|c: char| c.is_ascii_digit()) && day.split_whitespace().count() <= WORDS;
        (known && dated).then(|| format!("{day} {sign}"))
    };
    let lines: Vec<String> = pieces.filter(|piece| !piece.is_empty()).map(told).collect::<Option<_>>()?;
    (lines.len() >= LINES).then(|| lines.join("\n"))
}

/// "8: no / 10: yes", "oui : 8, 10. non : 15", "pas dispo : 8 et 10": days on one side of each mark, what is said of them
/// on the other. A line a day, the days first.
fn labelled(text: &str) -> Option<String> {
    let ends = |c: char| matches!(c, '\n' | ';' | '|');
    let pieces = text.split(ends).flat_map(|line| line.split(" / ")).flat_map(|part| part.split(". "));
    let pieces: Vec<String> = pieces.flat_map(marked).filter(|p| !p.trim().is_empty()).collect();
    let days = pieces.iter().filter(|piece| turned(piece).is_some()).count();
    // beside several days a greeting and a name stay as they are
    let courtesy = |piece: &String| {
        let few = piece.split_whitespace().count() <= WORDS;
        (days >= LINES && few && !piece.contains(|c: char| c.is_ascii_digit() || ":=".contains(c)))
            .then(|| piece.clone())
    };
    let told: Option<Vec<String>> = pieces.iter().map(|piece| turned(piece).or_else(|| courtesy(piece))).collect();
    told.filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"))
}

/// "oui : 13 et 18, non : 6, 10" at the commas behind which a mark follows.
fn marked(part: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for piece in part.split(',') {
        match all.last_mut().filter(|_| marks(piece).next().is_none()) {
            Some(last) => *last += &format!(",{piece}"),
            None => all.push(piece.to_owned()),
        }
    }
    all
}

/// Where marks stand that are not within an hour.
fn marks(piece: &str) -> impl Iterator<Item = usize> {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let within_an_hour = move |at: usize| {
        digit(piece.get(..at).and_then(|p| p.chars().next_back()))
            && digit(piece.get(at + 1..).and_then(|p| p.chars().next()))
    };
    piece.match_indices([':', '=']).map(|(at, _)| at).filter(move |at| !within_an_hour(*at))
}

/// "oui : 8, 10" is "8 oui", "10 oui".
fn turned(piece: &str) -> Option<String> {
    let piece = piece.trim().trim_end_matches(['.', ',', '!']);
    let mut marks = marks(piece);
    let (Some(at), None) = (marks.next(), marks.next()) else { return None };
    let (before, after) = (piece.get(..at)?.trim(), piece.get(at + 1..)?.trim());
    let dated = |side: &str| side.chars().any(|c| c.is_ascii_digit());
    let few = |side: &str| (1..=WORDS).contains(&side.split_whitespace().count());
    match (dated(before), dated(after)) {
        (true, false) if few(after) => Some(format!("{before} : {after}")),
        (false, true) if few(before) => Some(each(after, before)),
        _ => None,
    }
}

/// What stands between the days of a list, beside commas.
const AND: [&str; 9] = [" et ", " and ", " & ", " + ", " und ", " en ", " y ", " e ", " puis "];

/// "8, 10 et 15", said of each of them.
fn each(days: &str, said: &str) -> String {
    let listed = AND.iter().fold(days.to_owned(), |days, and| days.replace(and, ","));
    let days: Vec<&str> = listed.split(',').map(str::trim).filter(|day| !day.is_empty()).collect();
    if days.iter().all(|day| day.chars().any(|c| c.is_ascii_digit())) {
        return days.iter().map(|day| format!("{day} {said}")).collect::<Vec<_>>().join("\n");
    }
    format!("{} {said}", days.join(", "))
}

/// "30 - / 31 - / 2 +": all of it, its days in a row.
fn one_line(text: &str) -> Option<String> {
    let pieces: Vec<&str> = text.trim().split(['/', ',', ';', '|']).collect();
    let signed = |piece: &&str| row(piece).is_some_and(|row| !matches!(row.mark, Mark::Other));
    if pieces.iter().all(signed) { table(pieces) } else { None }
}

fn table(lines: Vec<&str>) -> Option<String> {
    let rows: Vec<(&str, Option<Row>)> = lines.into_iter().map(|line| (line, row(line))).collect();
    let marks: Vec<&Mark> = rows.iter().filter_map(|(_, row)| Some(&row.as_ref()?.mark)).collect();
    let answers = marks.iter().any(|m| !matches!(m, Mark::Open));
    let ours = marks.iter().any(|m| !matches!(m, Mark::Other));
    if marks.len() < LINES || !answers || !ours {
        return None;
    }
    let read = |(line, row): &(&str, Option<Row<'_>>)| match row {
        None | Some(Row { mark: Mark::Other, .. }) => Some((*line).to_owned()),
        Some(Row { day, mark: Mark::Plus }) => Some(format!("{day} ✅")),
        Some(Row { day, mark: Mark::Minus }) => Some(format!("{day} ❌")),
        Some(Row { day, mark: Mark::Both }) => Some(format!("{day} ±")),
        Some(Row { mark: Mark::Open, .. }) => None,
    };
    Some(rows.iter().filter_map(read).collect::<Vec<_>>().join("\n"))
}

/// A day, and what stands behind it.
struct Row<'a> {
    day: &'a str,
    mark: Mark,
}

enum Mark {
    Plus,
    Minus,
    /// "+/-": if need be.
    Both,
    Open,
    /// A character that the word lists know, or none of ours.
    Other,
}

/// Marks that stand before their day too; a hyphen there is a list's.
const LED: [char; 10] = ['✅', '❌', '✔', '✓', '✗', '✘', '❎', '☑', '👍', '👎'];

/// "✅ 6 ❌ 10": a line that a mark begins, cut before each further one.
fn led_days(line: &str) -> Vec<&str> {
    if !line.trim_start().starts_with(LED) {
        return vec![line];
    }
    let starts: Vec<usize> = line.match_indices(LED).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    starts.iter().zip(ends).map(|(from, to)| &line[*from..to]).collect()
}

/// "✅ 10/09": the mark before the day.
fn led(line: &str) -> Option<String> {
    let mut rest = line.trim().chars();
    let mark = rest.next().filter(|c| LED.contains(c))?;
    let day = rest.as_str().trim_start_matches('\u{fe0f}').trim();
    let words = day.split_whitespace().count();
    let dated = day.contains(|c: char| c.is_ascii_digit()) && day.ends_with(char::is_alphanumeric);
    (words <= WORDS && dated).then(|| format!("{day} {mark}"))
}

fn row(line: &str) -> Option<Row<'_>> {
    let line = line.trim();
    let day = line.trim_end_matches(|c: char| !c.is_alphanumeric());
    let sign: String = line.get(day.len()..)?.chars().filter(|c| !c.is_whitespace() && !":|=".contains(*c)).collect();
    let mark = match sign.as_str() {
        "+" => Mark::Plus,
        "-" | "–" => Mark::Minus,
        "+/-" | "+-" | "±" | "-/+" => Mark::Both,
        // "6?" asks; behind a space the day is left open
        "?" if !line.ends_with(&format!("{day}?")) => Mark::Open,
        "❓" => Mark::Open,
        other if other.is_ascii() => return None,
        _ => Mark::Other,
    };
    let words = day.split_whitespace().count();
    // "6 - 10 +": two days in one row
    if day.split_whitespace().any(|word| matches!(word, "+" | "-" | "–")) {
        return None;
    }
    // "On peut être 9 ?" is a question
    let most = if matches!(mark, Mark::Open) { WORDS - 1 } else { WORDS };
    (words <= most && day.contains(|c: char| c.is_ascii_digit())).then_some(Row { day, mark })
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_table_of_signs_is_told_in_marks() {
        assert_eq!(told("26/02 -\n02/03 +").as_deref(), Some("26/02 ❌\n02/03 ✅"));
        assert_eq!(told("5 : +\n8 : -\n13 : ?").as_deref(), Some("5 ✅\n8 ❌"));
        assert_eq!(told("1 ✅\n2 ❌\n4 ❓").as_deref(), Some("1 ✅\n2 ❌"));
        assert_eq!(told("6 +\n10 +/-\n13 -").as_deref(), Some("6 ✅\n10 ±\n13 ❌"));
        assert_eq!(told("✅ 10/09\n✅ 14/09\n❌ 17/09").as_deref(), Some("10/09 ✅\n14/09 ✅\n17/09 ❌"));
        assert_eq!(told("✅ 6 ❌ 10\n✅ 13").as_deref(), Some("6 ✅\n10 ❌\n13 ✅"));
        assert_eq!(told("30 - / 31 - / 2 +").as_deref(), Some("30 ❌\n31 ❌\n2 ✅"));
        let dates = "Bonjour. La 1re date : non. La 2e : oui.\nMarie";
        assert_eq!(told(dates).as_deref(), Some("Bonjour\nLa 1re date : non\nLa 2e : oui\nMarie"));
        assert_eq!(told("1) yes 2) no 3) if needed").as_deref(), Some("1: yes\n2: no\n3: if needed"));
        assert_eq!(told("17/3 Y, 19/3 N; mardi 24 : y").as_deref(), Some("17/3 ✅\n19/3 ❌\nmardi 24 ✅"));
        assert_eq!(told("6 ✗\n10 +").as_deref(), Some("6 ✗\n10 ✅"));
        assert_eq!(told("Bonjour,\n6 +\n10 -\nMarie").as_deref(), Some("Bonjour,\n6 ✅\n10 ❌\nMarie"));
    }

    #[test]
    fn what_is_no_table_stays() {
        let texts = [
            "Le 6 -",
            "Bonjour,\n\nLe 6 me va.\nEt le 10 ?",
            "1 ✅\n2 ❌",
            "On finit à 20 h ?\nOn peut être 9 ?\nJe prends le 6",
            "6 ?\n10 ?",
            "6 - 10 +, 13 -",
            "1. Le 6 me va 2. et Paul ?",
            "Le 6 Y",
            "Le 6, plan B, le 10 N",
        ];
        for text in texts {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
