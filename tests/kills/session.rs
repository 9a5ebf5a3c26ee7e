//! Groups whose session takes half a minute.

use crate::house::House;
use crate::people::PEOPLE;
use chrono::{Duration, Utc};

pub use crate::seconds::format_of_seconds;

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
