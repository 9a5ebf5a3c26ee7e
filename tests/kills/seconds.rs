//! A session format of half a minute.

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
