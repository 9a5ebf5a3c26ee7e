//! How long after its time a live prompt is in the mail server's hands, while many groups are in session at once.

use super::house::{House, Stuck, is_busy};
use super::seconds::format_of_seconds;
use chrono::{DateTime, Duration, SubsecRound, Utc};
use std::fmt::Write;

const GROUPS: usize = 20;
/// In the circle, and the facilitator.
const PEOPLE: usize = 8;
/// Steps that are waited for.
const STEPS: i32 = 3;
const STEP: Duration = Duration::seconds(20);
/// From the first group's file to the session.
const BEGINS_AFTER: Duration = Duration::seconds(30);

/// Ten steps of 20 seconds: what a step brings leaves before the next begins, or never.
fn format() -> String {
    let longer = format_of_seconds().replace("minutes = \"3s\"", "minutes = \"20s\"");
    longer.replace("minutes = \"4s\"", "minutes = \"20s\"").replace("length = \"33s\"", "length = \"200s\"")
}

fn group(number: usize, start: DateTime<Utc>) -> String {
    let mut text = format!(
        "name = \"Codev {number}\"\nid = \"g{number}\"\nlanguage = \"fr\"\ntimezone = \"UTC\"\nschedule = \"{} *\"\n\
         format = \"seconds\"\nplace = \"https://visio.example.org\"\nfacilitator = \"m0\"\n[settings]\n\
         prompt_lead_seconds = 1\n",
        start.format("%-S %-M %-H %-d %-m")
    );
    for n in 0..PEOPLE {
        let member =
            format!("[[member]]\nid = \"m{n}\"\nname = \"M{n} Test\"\nemail = \"m{n}.g{number}@example.org\"\n");
        text.write_str(&member).unwrap();
    }
    text
}

/// With `CODEVD_PROGRAM=target/release/codevd`, and `--nocapture` to see the figures.
#[test]
#[ignore = "measures a release build: .ci/run"]
fn prompts_of_twenty_sessions_at_once_are_handed_over_within_10_s() {
    let server = Stuck::never();
    let house = House::with(&server.url());
    let config = house.config();
    std::fs::write(house.path("codevd.toml"), format!("formats = \"formats\"\n{config}")).unwrap();
    std::fs::create_dir(house.path("formats")).unwrap();
    std::fs::write(house.path("formats/seconds.toml"), format()).unwrap();
    // the schedule knows whole seconds
    let start = (Utc::now() + BEGINS_AFTER).trunc_subsecs(0);
    for number in 0..GROUPS {
        std::fs::write(house.path(&format!("g{number}.toml")), group(number, start)).unwrap();
        house.run(&["group", "apply", &format!("g{number}.toml"), "--live", "--yes"]).ends(0);
    }
    assert!(Utc::now() < start, "the groups took longer than {BEGINS_AFTER} to set up");
    let daemon = house.daemon(&[], &[]);
    let expected = GROUPS * PEOPLE * usize::try_from(STEPS).unwrap();
    // into the last of the steps, whose own prompts are what is left to be waited for
    let end = start + STEP * STEPS - Duration::seconds(3);
    while Utc::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let due = start - Duration::seconds(1);
    let since_due = |at: DateTime<Utc>| (at - due).num_milliseconds() % STEP.num_milliseconds();
    let mut late: Vec<i64> = server.times().into_iter().filter(|at| *at >= due).map(since_due).collect();
    late.sort_unstable();
    let at = |part: usize| late.get(late.len() * part / 100).or(late.last()).copied().unwrap_or(0);
    println!(
        "{GROUPS} sessions at once, {} prompts at a time: {} of {expected} were taken, {} ms after their time at the \
         median, {} ms at p99, {} ms at most",
        GROUPS * PEOPLE,
        late.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(late.len() <= expected, "something else left, or twice");
    if is_busy() {
        println!("the machine is busy: this is not held to the figure");
    } else {
        assert!(late.len() == expected && at(99) <= 10_000, "see above");
    }
    assert_eq!(daemon.stop().0, 0);
}
