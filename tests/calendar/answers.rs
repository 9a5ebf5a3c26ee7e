//! In charge of what members' programs answer to what we write.

use super::{assert_wire, at, event, request};
use codevd::ical::itip::{Known, Outcome, Refusal, answer};
use codevd::ical::*;
use codevd::sim::calendar_reply::{ReplyError, ReplyStyle, counter, refresh, reply};

pub fn known<'a>(uid: &'a str, mine: &'a [String]) -> Known<'a> {
    Known {
        uid,
        sequence: 2,
        time_sequence: 1,
        start: event().start,
        told_before: None,
        member_emails: mine,
        delegates: &[],
        sender: &mine[0],
        last: None,
        cancelled: false,
    }
}

#[test]
fn every_program_and_every_button() {
    let invitation = request(&event());
    let pressed = at("2026-09-02T09:00:00Z");
    let mine = ["Ana@Example.org".to_owned()];
    let known = known("7f3k9q@codev.example.org", &mine);
    let said = "Je ne peux pas; jeudi, peut-être ?";
    for style in ReplyStyle::ALL {
        for part_stat in [PartStat::Accepted, PartStat::Declined, PartStat::Tentative] {
            let text = reply(&invitation, "ana@example.org", part_stat, style, Some(said), pressed).unwrap();
            assert_wire(&text);
            let messages = read(text.as_bytes());
            assert_eq!(messages.len(), 1, "{style:?}");
            let message = &messages[0];
            assert_eq!(message.start, Some(When::At(event().start)), "{style:?}");
            assert_eq!(message.end, Some(When::At(event().end)), "{style:?}");
            assert_eq!(message.organizer.is_none(), style == ReplyStyle::Outlook);
            let outcome = answer(&known, None, message, pressed).unwrap();
            let Outcome::Apply(answer) = outcome else { panic!("{style:?}: {outcome:?}") };
            assert_eq!((answer.part_stat, answer.sequence), (part_stat, 2), "{style:?}");
            assert_eq!(answer.dtstamp, pressed);
            let comment = (style != ReplyStyle::Proton).then_some(said);
            assert_eq!(answer.comment.as_deref(), comment, "{style:?}");
        }
    }
}

#[test]
fn an_answer_to_the_old_hour_is_kept_as_such_whatever_the_program() {
    let invitation = request(&event());
    let mine = ["ana@example.org".to_owned()];
    let moved = Known { sequence: 3, time_sequence: 3, ..known("7f3k9q@codev.example.org", &mine) };
    for style in ReplyStyle::ALL {
        let stamp = at("2026-09-02T09:00:00Z");
        let text = reply(&invitation, "ana@example.org", PartStat::Accepted, style, None, stamp);
        let message = read(text.unwrap().as_bytes()).remove(0);
        let outcome = answer(&moved, Some("REPLY"), &message, stamp);
        assert!(matches!(outcome, Ok(Outcome::OldTime(_))), "{style:?}: {outcome:?}");
    }
}

#[test]
fn our_own_invitation_sent_back_is_no_answer() {
    let mine = ["ana@example.org".to_owned()];
    let message = read(request(&event()).as_bytes()).remove(0);
    let known = known("7f3k9q@codev.example.org", &mine);
    let outcome = answer(&known, None, &message, at("2026-09-02T09:00:00Z"));
    assert_eq!(outcome, Err(Refusal::NotAReply(Method::Request)));
}

#[test]
fn nobody_answers_an_invitation_that_is_not_theirs() {
    let stamp = at("2026-09-02T09:00:00Z");
    let press = |text: &str| reply(text, "eve@example.org", PartStat::Accepted, ReplyStyle::Google, None, stamp);
    assert_eq!(press(&request(&event())), Err(ReplyError::NotInvited("eve@example.org".into())));
    assert!(matches!(press("hello"), Err(ReplyError::NoInvitation(_))));
}

#[test]
fn rule_15_another_time_of_every_program_is_a_proposal_and_the_same_hour_an_answer() {
    let invitation = request(&event());
    let mine = ["ana@example.org".to_owned()];
    let known = known("7f3k9q@codev.example.org", &mine);
    let stamp = at("2026-09-02T09:00:00Z");
    for style in ReplyStyle::ALL {
        let proposed = at("2026-10-29T16:30:00Z");
        let text = counter(&invitation, "ana@example.org", proposed, style, None, stamp).unwrap();
        assert_wire(&text);
        let outcome = answer(&known, Some("COUNTER"), &read(text.as_bytes())[0], stamp);
        let Ok(Outcome::Counter { start, answer: said }) = outcome else { panic!("{style:?}: {outcome:?}") };
        assert_eq!((start, said.part_stat), (proposed, PartStat::Tentative), "{style:?}");
        let text = counter(&invitation, "ana@example.org", event().start, style, None, stamp).unwrap();
        let outcome = answer(&known, Some("COUNTER"), &read(text.as_bytes())[0], stamp);
        assert!(matches!(outcome, Ok(Outcome::Apply(_))), "{style:?}: {outcome:?}");
    }
}

#[test]
fn rule_17_a_refresh_asks_for_the_state() {
    let mine = ["ana@example.org".to_owned()];
    let stamp = at("2026-09-02T09:00:00Z");
    let text = refresh(&request(&event()), "ana@example.org", stamp).unwrap();
    assert_wire(&text);
    let known = known("7f3k9q@codev.example.org", &mine);
    assert_eq!(answer(&known, None, &read(text.as_bytes())[0], stamp), Ok(Outcome::Refresh));
}
