//! What was understood as JSON, in the shape of `codevd mail understand` (`inbound.md` §9).

use super::Heard;
use crate::core::event::{Certainty, Meaning};
use crate::core::meeting::Progress;
use serde_json::{Value, json};

fn progress_name(progress: Progress) -> &'static str {
    match progress {
        Progress::Done => "done",
        Progress::Started => "started",
        Progress::Stuck => "stuck",
        Progress::Dropped => "dropped",
    }
}

/// A name of a meaning where the contract's differs from the type's.
fn contract_name(meaning: &Meaning) -> Option<&'static str> {
    match meaning {
        Meaning::ShareAll => Some("all"),
        Meaning::ShareTitle => Some("title_only"),
        Meaning::ShareNothing => Some("nothing"),
        Meaning::Asked => Some("question"),
        _ => None,
    }
}

/// `{"meaning": "late", "certainty": "sure", "minutes": 10}`: meaning, certainty, then its parameters.
///
/// Progress that is the same for all actions is named by its state (`"done"`), else `"progress"`;
/// `actions` lists each.
pub fn to_json(heard: &Heard) -> Value {
    let certainty = match heard.certainty {
        Certainty::Sure => "sure",
        Certainty::Probable => "probable",
        Certainty::None => "none",
    };
    if let Meaning::Progress { actions } = &heard.meaning {
        let first = actions.first().copied().flatten();
        let same = first.filter(|f| actions.iter().all(|a| *a == Some(*f)));
        let meaning = same.map_or("progress", progress_name);
        let each: Vec<_> = actions.iter().map(|a| a.map(progress_name)).collect();
        return json!({"meaning": meaning, "certainty": certainty, "actions": each});
    }
    let mut out = json!({"meaning": contract_name(&heard.meaning), "certainty": certainty});
    let said = serde_json::to_value(&heard.meaning).unwrap_or_default();
    for (key, value) in said.as_object().into_iter().flatten() {
        if key != "meaning" || out["meaning"].is_null() {
            out[key.as_str()] = value.clone();
        }
    }
    out
}
