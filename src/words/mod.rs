//! tmp
use crate::core::event::*;
use crate::core::*;
use chrono::NaiveDate;
pub struct Words;
pub struct Heard {
    pub meaning: Meaning,
    pub certainty: Certainty,
}
pub struct Context {
    pub today: NaiveDate,
    pub actions: usize,
    pub names: Vec<String>,
}
impl Words {
    pub fn understand(&self, _q: Option<Question>, _l: &Language, _t: &str, _c: &Context) -> Heard {
        Heard { meaning: Meaning::None, certainty: Certainty::None }
    }
}
pub fn strip_marks(_w: &Words, t: &str) -> String {
    t.into()
}
