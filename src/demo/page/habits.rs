//! What somebody does by themselves, each thing with its switch.

use super::layout::{Body, View};
use crate::ical::PartStat;
use crate::sim::person::beginning;
use crate::sim::{Habit, Say};
use maud::{Markup, html};

/// Characters shown of somebody's words.
const SHOWN: usize = 160;

impl View {
    /// Everything a person does by habit, and whether they will.
    pub fn habits(&self, at: usize) -> Body {
        let (w, seat) = (self.words, &self.scene.seats[at]);
        let name = [("name", seat.first())];
        let title = w.fill("habits.title", &name);
        let lead = if seat.played { "habits.played" } else { "habits.lead" };
        let habits = seat.person.habits.iter().enumerate();
        let main = html! {
            (self.you(at, true))
            div class="list alone" {
                (self.tabs(at, "habits"))
                div data-live="habits" {
                    h2 class="habits-title" { (title) }
                    @if seat.person.habits.is_empty() { p class="empty" { (w.fill("habits.none", &name)) } }
                    @else { p class="hint" { (w.fill(lead, &name)) } }
                    ul class="habits" { @for (which, habit) in habits { li { (self.one_habit(at, which, habit)) } } }
                }
            }
        };
        Body { title, class: "habits", main }
    }

    fn one_habit(&self, at: usize, which: usize, habit: &Habit) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[at]);
        let on = !seat.off.contains(&which);
        let id = format!("habit-{which}");
        html! {
            form method="post" action="/do" class=(if on { "" } else { "off" }) {
                (self.hidden())
                input type="hidden" name="who" value=(seat.id);
                input type="hidden" name="habit" value=(which);
                p id=(format!("{id}-what")) { b { (self.occasion(habit)) } br; (self.deed(habit)) }
                button class="switch" name="what" value=(if on { "habit-off" } else { "habit-on" }) role="switch" id=(id)
                    aria-checked=(if on { "true" } else { "false" }) aria-labelledby=(format!("{id}-what")) {
                    (w.get(if on { "habits.on" } else { "habits.off" }))
                }
            }
        }
    }

    /// "Étape de la séance : Contributions (séance 1), 14 min après".
    fn occasion(&self, habit: &Habit) -> String {
        let w = self.words;
        let mail = habit.step.map_or_else(|| w.kind(habit.on.name()).to_owned(), |step| self.step_name(step));
        let minutes = habit.after.num_minutes();
        let (name, n) = if minutes < 60 { ("habits.minutes", minutes) } else { ("habits.hours", minutes / 60) };
        let after = w.fill(name, &[("n", &n.max(1).to_string())]);
        let meeting = habit.meeting.map(|n| w.fill("habits.meeting", &[("n", &n.to_string())]));
        [Some(mail), meeting, Some(after)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    fn deed(&self, habit: &Habit) -> Markup {
        let w = self.words;
        match &habit.say {
            Say::Words(words) => html! { q { (beginning(words, SHOWN)) } },
            Say::Absence(words) => html! { (w.get("habits.absence")) " " q { (beginning(words, SHOWN)) } },
            Say::Button(answer) => {
                let button = w.get(match answer {
                    PartStat::Accepted => "button.accept",
                    PartStat::Declined => "button.decline",
                    _ => "button.maybe",
                });
                html! { (w.fill("habits.button", &[("button", button)])) }
            }
        }
    }
}
