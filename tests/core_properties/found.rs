//! What histories of chance brought to light, each told as an ordinary test.

use super::ops::{Edit, Op};
use super::world::{World, became};
use chrono::Duration;
use codevd::core::agenda::agenda;
use codevd::core::draft::InReplyTo;
use codevd::core::event::Ask;
use codevd::core::{Attending, CalendarAsk, Event, Facts, Kind, Meaning, MeetingNo, Order, Outcome, Stage};

const FIRST: MeetingNo = MeetingNo(1);
/// The facilitator's place in the file; Ana, the first requester, is the next.
const MARIE: usize = 0;
const ANA: usize = 1;
const BO: usize = 2;

fn days(n: u32) -> Op {
    Op::Wait(n * 86_400)
}

/// The first meeting is on everybody's calendar, and Ana was asked for her subject.
fn ahead() -> World {
    let mut world = World::new();
    world.play(&days(1));
    assert_eq!(world.group.meetings[0].requester.as_str(), "ana");
    world
}

fn shift_a_day(world: &mut World) {
    world.play(&Op::Move { meeting: 0, hours: 24 });
}

fn mails(world: &World, kind: Kind, to: &str) -> usize {
    world.mails.iter().filter(|d| d.key.kind == kind && d.key.member.as_str() == to).count()
}

#[test]
fn an_invitation_in_doubt_does_not_go_out_again_for_a_cancelled_meeting() {
    let mut world = ahead();
    let first = became(world.newest(Kind::Invitation, "bo"), Outcome::InDoubt);
    world.play(&Op::Cancel { meeting: 0 });
    world.decide(&first);
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 1);
    in_doubt(&mut world, Kind::Cancelled, "bo");
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 2, "the cancellation itself is made good");
}

fn in_doubt(world: &mut World, kind: Kind, to: &str) {
    let event = became(world.newest(kind, to), Outcome::InDoubt);
    world.now += Duration::seconds(1);
    world.decide(&event);
}

#[test]
fn a_farewell_in_doubt_goes_once_more_unless_they_are_back() {
    let mut world = ahead();
    world.play(&Op::Apply(Edit::Toggle(BO)));
    in_doubt(&mut world, Kind::Cancelled, "bo");
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 2);
    assert_eq!(world.newest(Kind::Cancelled, "bo").facts, Facts::TakenOff);
    // nor does it end in the others' event, called off since
    world.play(&Op::Cancel { meeting: 0 });
    in_doubt(&mut world, Kind::Cancelled, "bo");
    assert_eq!(world.newest(Kind::Cancelled, "bo").facts, Facts::TakenOff);
    let mut world = ahead();
    world.play(&Op::Apply(Edit::Toggle(BO)));
    world.play(&days(1));
    world.play(&Op::Apply(Edit::Toggle(BO)));
    in_doubt(&mut world, Kind::Cancelled, "bo");
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 1, "they were invited again");
}

#[test]
fn what_takes_the_alarms_away_goes_once_more_when_it_is_in_doubt() {
    let mut world = ahead();
    world.play(&Op::Cancel { meeting: 0 });
    in_doubt(&mut world, Kind::FacilitatorAlarmsOff, "marie");
    assert_eq!(mails(&world, Kind::FacilitatorAlarmsOff, "marie"), 2);
}

#[test]
fn what_was_in_doubt_at_an_address_that_was_left_goes_there_once_more_unless_it_is_theirs_again() {
    let mut world = ahead();
    let before = world.group.member(&"marie".parse().unwrap()).unwrap().email.clone();
    world.play(&Op::Apply(Edit::Address(0)));
    for kind in [Kind::AddressLeft, Kind::AlarmsLeft] {
        in_doubt(&mut world, kind, "marie");
        assert_eq!(mails(&world, kind, "marie"), 2);
        assert_eq!(world.newest(kind, "marie").facts, Facts::AddressLeft { address: before.clone() });
    }
    assert_eq!(mails(&world, Kind::FacilitatorAlarms, "marie"), 3, "above what took it away");
    let event = became(world.newest(Kind::AddressLeft, "marie"), Outcome::InDoubt);
    world.group.members.iter_mut().find(|m| m.id.as_str() == "marie").unwrap().email = before;
    world.decide(&event);
    assert_eq!(mails(&world, Kind::AddressLeft, "marie"), 2, "she is there again");
}

#[test]
fn who_left_and_comes_back_is_invited_again() {
    let mut world = ahead();
    world.play(&Op::Apply(Edit::Toggle(BO)));
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 1);
    world.play(&days(1));
    world.play(&Op::Apply(Edit::Toggle(BO)));
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 2);
    world.play(&days(1));
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 2, "once is enough");
}

#[test]
fn who_left_twice_before_anybody_looked_is_taken_off_once() {
    let mut world = ahead();
    for _ in 0..3 {
        world.now += Duration::seconds(1);
        world.applies(&Edit::Toggle(BO));
    }
    world.due();
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 1);
    world.play(&Op::Apply(Edit::Toggle(BO)));
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 2);
}

#[test]
fn who_is_invited_leaves_and_comes_back_in_one_instant_is_invited_again() {
    let mut world = World::new();
    world.applies(&Edit::Toggle(BO));
    world.applies(&Edit::Toggle(BO));
    world.due();
    assert_eq!((mails(&world, Kind::Cancelled, "bo"), mails(&world, Kind::Invitation, "bo")), (1, 2));
    world.applies(&Edit::Toggle(BO));
    assert_eq!(mails(&world, Kind::Cancelled, "bo"), 2, "and off once more");
}

#[test]
fn who_stopped_mail_left_and_came_back_is_invited_before_anything_else() {
    let mut world = ahead();
    world.says("bo", Kind::Invitation, Meaning::Yes);
    world.now += Duration::seconds(1);
    let mut stop = world.answer_to(&world.newest(Kind::Invitation, "bo").clone(), Meaning::Stop, true);
    stop.question = None;
    world.decide(&Event::Answer(stop));
    world.play(&Op::Apply(Edit::Toggle(BO)));
    world.play(&Op::Apply(Edit::Toggle(BO)));
    world.says("bo", Kind::Receipt, Meaning::Undo);
    world.due();
    assert_eq!(mails(&world, Kind::Updated, "bo"), 0, "no state of an event that they are asked to anew");
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 2);
    let meeting = &world.group.meetings[0];
    assert_eq!((meeting.sequence, meeting.attending(&"bo".parse().unwrap())), (2, None));
}

#[test]
fn a_calendar_that_asks_before_the_new_invitation_gets_nothing() {
    let mut world = ahead();
    let refresh = |world: &World| {
        let (uid, from) = (world.group.meetings[0].uid.clone(), "bo".parse().unwrap());
        let mail = InReplyTo { message_id: "1@x.example".to_owned(), subject: "Re: codev".to_owned() };
        Event::Asked(CalendarAsk { uid, mail, proven: true, ask: Ask::Refresh { from } })
    };
    world.play(&Op::Apply(Edit::Toggle(BO)));
    assert!(!world.decide(&refresh(&world)), "who left");
    world.applies(&Edit::Toggle(BO));
    assert!(!world.decide(&refresh(&world)), "who is back, and not invited yet");
    world.due();
    world.play(&Op::Wait(60));
    assert!(world.decide(&refresh(&world)));
    assert_eq!((mails(&world, Kind::Invitation, "bo"), mails(&world, Kind::Updated, "bo")), (2, 1));
}

#[test]
fn a_requester_who_now_facilitates_from_outside_gives_the_seat_away() {
    let mut world = ahead();
    world.play(&Op::Apply(Edit::Facilitator(ANA)));
    assert_ne!(world.group.meetings[0].requester.as_str(), "ana");
    world.play(&Op::Apply(Edit::Facilitator(MARIE)));
    assert!(world.group.meetings[0].backup.is_some());
}

#[test]
fn an_answer_for_the_hour_before_a_move_does_not_come_back() {
    let mut world = ahead();
    world.says("bo", Kind::Invitation, Meaning::Yes);
    world.says("bo", Kind::Invitation, Meaning::No);
    let bo = "bo".parse().unwrap();
    assert_eq!(world.group.meetings[0].attending(&bo), Some(Attending::No));
    shift_a_day(&mut world);
    world.says("bo", Kind::Receipt, Meaning::Undo);
    assert_eq!(world.group.meetings[0].attending(&bo), None);
}

#[test]
fn a_subject_does_not_come_back_into_a_seat_that_is_anothers() {
    let mut world = ahead();
    world.says("ana", Kind::SubjectRequest, Meaning::Text { anonymous: false });
    world.says("ana", Kind::SubjectReceipt, Meaning::Text { anonymous: false });
    assert!(world.group.meetings[0].subject.is_some());
    let order = Order::Swap { meeting: FIRST, with: "bo".to_owned() };
    assert!(world.decide(&Event::Order(order)));
    world.says("ana", Kind::SubjectReceipt, Meaning::Undo);
    assert_eq!(world.group.meetings[0].subject, None);
}

#[test]
fn the_seat_of_a_meeting_that_was_held_is_not_given_back() {
    let mut world = ahead();
    world.says("bo", Kind::Invitation, Meaning::Yes);
    while world.group.was_sent(Some(FIRST), Kind::NoSubject, &"marie".parse().unwrap()).is_none() {
        world.play(&Op::Next(0));
    }
    world.says("marie", Kind::NoSubject, Meaning::Swap { name: Some("bo".to_owned()) });
    let given = world.newest(Kind::Receipt, "marie").clone();
    while world.group.meetings[0].is_open() {
        world.play(&Op::Next(0));
    }
    world.decide(&Event::Answer(world.answer_to(&given, Meaning::Undo, true)));
    assert_eq!(world.group.meetings[0].requester.as_str(), "bo");
}

#[test]
fn a_pause_that_nobody_ends_does_not_keep_the_session_open() {
    let mut world = World::in_session();
    world.play(&Op::Wait(600));
    world.says("marie", Kind::StepPrompt, Meaning::Pause);
    world.play(&Op::Wait(3 * 3600));
    assert_eq!(world.group.meetings[0].stage, Stage::Collecting);
}

#[test]
fn more_time_in_a_pause_goes_to_the_step_that_was_stopped() {
    let mut world = World::in_session();
    world.play(&Op::Wait(120));
    world.says("marie", Kind::StepPrompt, Meaning::Pause);
    let run = world.group.meetings[0].run.clone().unwrap();
    world.play(&Op::Wait(1800));
    world.says("marie", Kind::StepPrompt, Meaning::Extend { minutes: 5, move_end: true });
    let now = world.group.meetings[0].run.clone().unwrap();
    assert_eq!(now.steps[0].end - run.steps[0].end, Duration::minutes(5));
}

#[test]
fn a_step_back_ends_a_pause() {
    let mut world = World::in_session();
    world.play(&Op::Wait(1500));
    world.says("marie", Kind::StepPrompt, Meaning::Pause);
    world.play(&Op::Wait(300));
    world.says("marie", Kind::StepPrompt, Meaning::Back);
    let run = world.group.meetings[0].run.clone().unwrap();
    assert_eq!(run.paused, None);
    let current = run.current(world.now).unwrap() as usize;
    assert_eq!(run.steps[current].start, world.now);
}

#[test]
fn a_step_that_nobody_reads_does_not_stay_due() {
    let mut world = World::in_session();
    let people: Vec<_> = world.group.members.iter().map(|m| m.id.to_string()).collect();
    for who in people {
        world.says(&who, Kind::Invitation, Meaning::No);
        world.now += Duration::seconds(1);
        let mut answer = world.answer_to(&world.newest(Kind::Invitation, &who).clone(), Meaning::Stop, true);
        answer.question = None;
        world.decide(&Event::Answer(answer));
    }
    while let Some(next) = agenda(&world.group).first().map(|d| d.at) {
        world.now = next.max(world.now);
        world.due();
        if !world.group.meetings[0].is_open() {
            return;
        }
    }
    panic!("the session never ended");
}

#[test]
fn no_prompt_goes_out_long_after_the_announced_end() {
    let mut world = World::in_session();
    world.play(&Op::Wait(300));
    world.says("marie", Kind::StepPrompt, Meaning::Pause);
    let end = world.group.meetings[0].run.clone().unwrap().announced_end;
    // nobody looks in between: the word comes first
    world.now = end + Duration::minutes(20);
    let before = mails(&world, Kind::StepPrompt, "bo");
    world.says("marie", Kind::StepPrompt, Meaning::Resume { move_end: false });
    assert_eq!(mails(&world, Kind::StepPrompt, "bo"), before);
    assert_eq!(world.newest(Kind::Receipt, "marie").decided, world.now, "the facilitator hears that it was done");
}

#[test]
fn a_subject_that_comes_before_the_start_is_noticed_is_read_back_all_the_same() {
    let mut world = ahead();
    while world.group.was_sent(Some(FIRST), Kind::SubjectRequest, &"ana".parse().unwrap()).is_none() {
        world.play(&Op::Next(0));
    }
    world.now = world.group.starts(&world.group.meetings[0]) + Duration::seconds(30);
    world.says("ana", Kind::SubjectRequest, Meaning::Text { anonymous: false });
    let read_back = world.newest(Kind::SubjectReceipt, "ana");
    assert!(read_back.useful_until > read_back.due);
}

#[test]
fn a_mail_in_doubt_does_not_go_out_again_to_who_left() {
    let mut world = ahead();
    let first = became(world.newest(Kind::Invitation, "bo"), Outcome::InDoubt);
    world.play(&Op::Apply(Edit::Toggle(2)));
    world.now += Duration::seconds(1);
    world.decide(&first);
    assert_eq!(mails(&world, Kind::Invitation, "bo"), 1);
}

/// Marie's mailbox refuses mail until no more is sent there.
fn marie_is_lost(world: &mut World) {
    while world.group.member(&"marie".parse().unwrap()).unwrap().gets_mail() {
        let refused = Outcome::Refused { why: "550 no such user".to_owned(), trouble: None };
        let event = became(world.newest(Kind::Invitation, "marie"), refused);
        world.decide(&event);
        world.play(&days(1));
    }
}

#[test]
fn who_is_heard_of_again_hears_what_changed_meanwhile() {
    let mut world = ahead();
    marie_is_lost(&mut world);
    world.play(&Op::Apply(Edit::Facilitator(ANA)));
    shift_a_day(&mut world);
    world.says("marie", Kind::Invitation, Meaning::Yes);
    assert_eq!(mails(&world, Kind::FacilitatorAlarmsOff, "marie"), 1, "somebody else leads since");
    assert_eq!(mails(&world, Kind::Updated, "marie"), 1);
}

#[test]
fn who_is_heard_of_again_loses_what_was_cancelled_meanwhile() {
    let mut world = ahead();
    marie_is_lost(&mut world);
    world.play(&Op::Cancel { meeting: 0 });
    assert_eq!(mails(&world, Kind::Cancelled, "marie"), 0);
    world.says("marie", Kind::Invitation, Meaning::Help);
    assert_eq!(mails(&world, Kind::Cancelled, "marie"), 1);
    assert_eq!(mails(&world, Kind::FacilitatorAlarmsOff, "marie"), 1);
    assert_eq!(mails(&world, Kind::Updated, "marie"), 0);
}
