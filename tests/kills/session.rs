//! Groups whose session takes half a minute.

use crate::house::House;
use crate::people::PEOPLE;
use chrono::{Duration, Utc};

/// A group of six that meets so many seconds from now.
pub fn group(house: &House<'_>, number: i64, meets_after: i64) -> String {
    let member =
        |who: &&str| format!("[[member]]\nid = \"{who}\"\nname = \"{who} Test\"\nemail = \"{}\"\n", house.address(who));
    let people: String = PEOPLE.iter().map(member).collect();
    let start = Utc::now() + Duration::seconds(meets_after);
    format!(
        "name = \"Codev {number}\"\nid = \"g{number}\"\nlanguage = \"fr\"\ntimezone = \"UTC\"\nschedule = \"{} *\"\n\
         format = \"seconds\"\nplace = \"https://visio.example.org\"\nfacilitator = \"ana\"\n[settings]\n\
         prompt_lead_seconds = 1\ncollect_after_seconds = 1\nlast_call_seconds = 10\nreview_seconds = 8\n\
         review_time_seconds = 6\ndigest_seconds = 16\nday_of_minutes = 5\n{people}",
        start.format("%-S %-M %-H %-d %-m")
    )
}

/// Ten steps in 33 seconds.
pub fn format_of_seconds() -> String {
    let steps = [
        ("opening", 3, "all", "turn", "none"),
        ("choice", 3, "facilitator", "free", "none"),
        ("presentation", 3, "requester", "free", "none"),
        ("clarification", 4, "cooperants", "turn", "none"),
        ("feelings", 3, "cooperants", "turn", "none"),
        ("request", 4, "requester", "free", "request"),
        ("contributions", 4, "cooperants", "turn", "contribution"),
        ("action_plan", 3, "requester", "free", "action"),
        ("learnings", 3, "all", "turn", "learning"),
        ("closing", 3, "all", "turn", "none"),
    ];
    let head = "title.fr = \"Répétition\"\ntitle.en = \"Rehearsal\"\nlength = \"33s\"\npeople = { min = 4, ideal = 6, max = 8 }\n";
    let step = |(key, seconds, speaker, order, collects): &(&str, u32, &str, &str, &str)| {
        format!(
            "[[step]]\nkey = \"{key}\"\nminutes = \"{seconds}s\"\nspeaker = \"{speaker}\"\norder = \"{order}\"\n\
             collects = \"{collects}\"\n"
        )
    };
    head.to_owned() + &steps.iter().map(step).collect::<String>()
}
