//! Machines that write to the daemon: absence notices of every kind and floods never start a conversation.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stage;

/// Mails that left, by kind and reader, as the transcript tells them.
fn left(transcript: &str, kind: &str, who: &str) -> usize {
    let told = |line: &&str| line.contains(&format!(" {kind}:")) && line.contains('→');
    let to = |line: &str| line.rsplit(": ").next().unwrap().split(' ').filter(|w| *w == who).count();
    transcript.lines().filter(told).map(to).sum()
}

const START: [&str; 2] = ["start 2026-11-17 08:30", "group court"];

#[test]
fn a_thousand_mails_that_say_nothing_get_a_handful_of_answers() {
    let flood = (0..1000).map(|n| format!("bo answers invitation: zorglub {n}"));
    let lines: Vec<String> = START.into_iter().map(str::to_owned).chain(flood).chain(["kept".into()]).collect();
    let told = stage::play(lines.iter().map(String::as_str));
    assert_eq!(left(&told, "R2 refusal", "bo"), 1, "all within a moment: one refusal");
    assert_eq!(left(&told, "R1 receipt", "bo"), 1, "and once: a person will answer");
    assert_eq!(left(&told, "R3 notice", "marie"), 1);
    assert_eq!(told.matches(" · not answered: this address").count(), 998, "the others are kept, and say why");
}

#[test]
fn absence_notices_of_both_kinds_are_answered_by_nothing() {
    let mut lines: Vec<String> = START.into_iter().map(str::to_owned).collect();
    // a week in which every mail of ours meets an absence notice, with headers and by its subject alone
    for round in 0..2 {
        for who in ["ana", "bo", "chloe", "dimitri", "elise", "marie"] {
            lines.push(format!("{who} is away on invitation: I am out of the office, round {round}."));
        }
        lines.extend(["post away-subject-only-ana.eml".into(), "post away-subject-only-bo.eml".into()]);
        lines.push(format!("until 2026-11-{} 08:00", 18 + round));
    }
    lines.push("kept".into());
    let told = stage::play(lines.iter().map(String::as_str));
    let quiet = stage::play(START.into_iter().chain(["until 2026-11-19 08:00"]));
    let mails = |told: &str| told.lines().filter(|l| l.contains('→')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(mails(&told), mails(&quiet), "the same mails leave as if nobody had an absence notice");
    // the same bytes a second time are the same mail
    assert!(told.matches("  recorded: ").count() >= 13, "{told}");
}
