//! The compact table, and the rows that it stands for.

use super::letter::Token;
use crate::stage::{Set, mail_name};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub scene: Vec<Scene>,
    pub role: BTreeMap<String, String>,
    /// Verdicts with proof A, B and C, by what the answer is and which token it bears.
    pub verdict: BTreeMap<String, BTreeMap<Token, [String; 3]>>,
    /// Verdicts for those who have no such mail of their own: by role, token and proof.
    pub outsider: BTreeMap<String, BTreeMap<Token, [String; 3]>>,
    pub act: Vec<Act>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    pub name: String,
    pub play: String,
}

/// An answer, to which mail, and whose it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    pub name: String,
    pub scene: String,
    pub mail: String,
    pub text: String,
    /// `own`, `leave`, `clock`, `all`, `word`, `button`: the table of verdicts that holds for it.
    pub weight: String,
    /// Roles whose it is.
    pub may: Vec<String>,
    /// What "applied" looks like here.
    #[serde(default = "applied")]
    pub done: String,
    /// What it is for others who got that mail, by role: a note of their own, unless said.
    #[serde(default)]
    pub others: BTreeMap<String, Other>,
    /// Nobody else may have it: another's token leads nobody to their own.
    #[serde(default)]
    pub personal: bool,
    /// Every place a token can stand in is tried; for the other acts those that differ most.
    #[serde(default)]
    pub every_token: bool,
    /// A calendar's button is pressed, for this member's invitation in the rows with another's token.
    pub button: Option<String>,
    /// Nothing leads to that mail without its token: it asks nothing.
    #[serde(default)]
    pub asks_nothing: bool,
}

fn applied() -> String {
    "applied".to_owned()
}

/// The same words from somebody else, to the mail of that name that they got.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Other {
    pub done: String,
    pub weight: String,
    pub asks_nothing: bool,
}

impl Default for Other {
    fn default() -> Self {
        Self { done: "noted".to_owned(), weight: "own".to_owned(), asks_nothing: false }
    }
}

/// One case.
pub struct Row<'t> {
    pub act: &'t Act,
    pub role: &'t str,
    /// The member behind the role.
    pub who: &'t str,
    pub address: String,
    /// Whose mail the token is from.
    pub of: String,
    pub token: Token,
    pub proof: char,
    pub expected: String,
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { act, role, of, token, proof, expected, .. } = self;
        write!(f, "{role}, {}, {token:?} of {of}, proof {proof} → {expected}", act.name)
    }
}

pub fn read() -> Table {
    toml::from_str(include_str!("table.toml")).unwrap()
}

/// Every combination that there can be.
pub fn rows<'t>(table: &'t Table, sets: &BTreeMap<&str, Set>) -> Vec<Row<'t>> {
    let mut rows = Vec::new();
    for act in &table.act {
        let set = &sets[act.scene.as_str()];
        let owner = act.may.iter().map(|role| table.role[role].split('@').next().unwrap());
        let owner = owner
            .clone()
            .find(|who| has(set, who, &act.mail))
            .unwrap_or_else(|| panic!("nobody who got {}", act.mail))
            .to_owned();
        for (role, address) in &table.role {
            let who = address.split('@').next().unwrap();
            let own = has(set, who, &act.mail) && !table.outsider.contains_key(role);
            let case = |token, of: &str, verdicts: &[String; 3]| {
                let row = |(proof, expected): (char, &String)| Row {
                    act,
                    role,
                    who,
                    address: address.clone(),
                    of: of.to_owned(),
                    token,
                    proof,
                    expected: expected.clone(),
                };
                ['A', 'B', 'C'].into_iter().zip(verdicts).map(row).collect::<Vec<_>>()
            };
            let outsider = table.outsider.get(role).or_else(|| (!own).then(|| &table.outsider["member"]));
            if let Some(outsider) = outsider {
                for (token, verdicts) in outsider {
                    let often = *token == Token::Other && role != "operator" || act.every_token;
                    if !often && act.button.is_none() && act.weight != "word" {
                        continue;
                    }
                    // who left has the mail they got before; others have nobody's but the owner's
                    let of = if *token == Token::Right && has(set, who, &act.mail) { who } else { owner.as_str() };
                    let told = act.button.is_some() && token.has_button() && role != "member_who_left";
                    let told = told.then(|| ["told".to_owned(), "told".to_owned(), "kept".to_owned()]);
                    let private = matches!(act.weight.as_str(), "word" | "back") && token.is_anothers();
                    let private = private.then(|| ["kept".to_owned(), "kept".to_owned(), "kept".to_owned()]);
                    if *token == Token::Right && of != who || act.button.is_some() && !token.has_button() {
                        continue;
                    }
                    rows.extend(case(*token, of, told.as_ref().or(private.as_ref()).unwrap_or(verdicts)));
                }
                continue;
            }
            let Other { done, weight, asks_nothing } = match act.may.contains(role) {
                true => Other { done: act.done.clone(), weight: act.weight.clone(), asks_nothing: act.asks_nothing },
                false => act.others.get(role).cloned().unwrap_or_default(),
            };
            for (token, verdicts) in &table.verdict[&weight] {
                let seldom = matches!(
                    token,
                    Token::Replayed
                        | Token::Guessed
                        | Token::Address
                        | Token::Footer
                        | Token::Stale
                        | Token::Two
                        | Token::Forwarded
                ) || matches!(token, Token::Random | Token::Hint | Token::WrongHint | Token::Elsewhere);
                if seldom && !act.every_token {
                    continue;
                }
                let one = *token == Token::Two && set.got[who].len() < 2;
                if one || act.button.is_some() && !token.has_button() {
                    continue;
                }
                let another = || set.got.keys().find(|w| *w != who && has(set, w, &act.mail)).cloned();
                let of = match token.is_anothers() {
                    true if owner != who => owner.clone(),
                    true => match another() {
                        Some(other) => other,
                        None => continue,
                    },
                    false => who.to_owned(),
                };
                // who wants no more mail needs none of ours at hand
                let leaves = weight == "leave" && *token == Token::Nothing;
                let as_done = |verdict: &String| match verdict.as_str() {
                    "applied" if leaves => done.clone(),
                    _ if asks_nothing && token.needs_open() => "kept".to_owned(),
                    "applied" => done.clone(),
                    "asked" if act.personal && token.is_anothers() => "kept".to_owned(),
                    other => other.to_owned(),
                };
                let verdicts = [0, 1, 2].map(|at| as_done(&verdicts[at]));
                rows.extend(case(*token, &of, &verdicts));
            }
        }
    }
    rows
}

fn has(set: &Set, who: &str, name: &str) -> bool {
    set.got.get(who).is_some_and(|all| all.iter().any(|(key, step, _)| mail_name(key, *step).ends_with(name)))
}
