//! The disk as a power cut leaves it: what was synced is there; of what was written since, each sector of 512 bytes
//! holds what it held at some moment since the last sync, whatever the others hold.

use super::trace::Op;
use std::collections::BTreeMap;

const SECTOR: usize = 512;

/// Numbers by chance, the same for the same seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end.max(1) as u64).unwrap()
    }
}

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A disk while the recording goes on.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Safe content, by the file's number.
    safe: Vec<Vec<u8>>,
    /// Written and not synced, in order, with the operation's number.
    pending: Vec<Vec<(usize, Op)>>,
    safe_names: BTreeMap<String, usize>,
    pending_names: Vec<(usize, Op)>,
    /// Syncs are believed. Without: the kernel writes what is older than so many operations.
    honest: Option<usize>,
}

/// How a cut picks what of the unsynced is there.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// Each sector any of its moments.
    Any,
    /// All that was written, but for some sectors.
    Most,
    /// Nothing that was written, but for some sectors.
    Few,
    /// All up to some moment, as a killed process leaves it.
    Prefix(usize),
}

impl Disk {
    pub fn new(files: usize) -> Self {
        Self {
            safe: vec![Vec::new(); files],
            pending: vec![Vec::new(); files],
            safe_names: BTreeMap::new(),
            pending_names: Vec::new(),
            honest: None,
        }
    }

    /// A disk that lies about syncs (or a program that makes none), and writes by itself what is so old.
    pub fn lying(files: usize, old: usize) -> Self {
        Self { honest: Some(old), ..Self::new(files) }
    }

    /// The next operation of the recording, its number first.
    pub fn apply(&mut self, number: usize, op: &Op) {
        match op {
            Op::Write { file, .. } | Op::Size { file, .. } => self.pending[*file].push((number, op.clone())),
            Op::Link { .. } | Op::Unlink { .. } => self.pending_names.push((number, op.clone())),
            Op::Sync { file, from } if self.honest.is_none() => self.flush(*file, *from),
            Op::SyncNames { from } if self.honest.is_none() => self.flush_names(*from),
            _ => {}
        }
        if let Some(old) = self.honest {
            let from = number.saturating_sub(old);
            (0..self.safe.len()).for_each(|file| self.flush(file, from));
            self.flush_names(from);
        }
    }

    fn flush(&mut self, file: usize, from: usize) {
        let end = self.pending[file].iter().take_while(|(number, _)| *number < from).count();
        for (_, op) in self.pending[file].drain(..end) {
            write(&mut self.safe[file], &op);
        }
    }

    fn flush_names(&mut self, from: usize) {
        let end = self.pending_names.iter().take_while(|(number, _)| *number < from).count();
        for (_, op) in self.pending_names.drain(..end) {
            name(&mut self.safe_names, &op);
        }
    }

    /// Whether a cut now can leave more than one image.
    pub fn is_settled(&self) -> bool {
        self.pending_names.is_empty() && self.pending.iter().all(Vec::is_empty)
    }

    /// All that was written is there: what a killed process leaves.
    pub fn whole(&self) -> Files {
        self.image(None, &mut Dice(0))
    }

    /// What a power cut leaves now, one of many.
    pub fn cut(&self, dice: &mut Dice) -> Files {
        let last = self.pending.iter().flatten().map(|(number, _)| *number).max().unwrap_or(0);
        let first = self.pending.iter().flatten().map(|(number, _)| *number).min().unwrap_or(0);
        let pick = match dice.below(4) {
            0 => Pick::Any,
            1 => Pick::Most,
            2 => Pick::Few,
            _ => Pick::Prefix(first + dice.below(last - first + 2)),
        };
        self.image(Some(pick), dice)
    }

    fn image(&self, pick: Option<Pick>, dice: &mut Dice) -> Files {
        let mut names = self.safe_names.clone();
        // a file system writes its names in their order
        let there = if pick.is_none() { self.pending_names.len() } else { dice.below(self.pending_names.len() + 1) };
        self.pending_names.iter().take(there).for_each(|(_, op)| name(&mut names, op));
        let file = |(name, file): (String, usize)| (name, content(&self.safe[file], &self.pending[file], pick, dice));
        names.into_iter().map(file).collect()
    }
}

fn name(names: &mut BTreeMap<String, usize>, op: &Op) {
    match op {
        Op::Link { name, file } => drop(names.insert(name.clone(), *file)),
        Op::Unlink { name } => drop(names.remove(name)),
        _ => {}
    }
}

fn write(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { at, data, .. } => {
            let at = usize::try_from(*at).unwrap();
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[at..at + data.len()].copy_from_slice(data);
        }
        Op::Size { len, .. } => bytes.resize(usize::try_from(*len).unwrap(), 0),
        _ => {}
    }
}

fn content(safe: &[u8], pending: &[(usize, Op)], pick: Option<Pick>, dice: &mut Dice) -> Vec<u8> {
    let mut now = safe.to_vec();
    let Some(pick) = pick else {
        pending.iter().for_each(|(_, op)| write(&mut now, op));
        return now;
    };
    if let Pick::Prefix(end) = pick {
        pending.iter().take_while(|(number, _)| *number < end).for_each(|(_, op)| write(&mut now, op));
        return now;
    }
    // at which of the pending moments each sector reached the disk: 0 is before all of them
    let mut moments: BTreeMap<usize, usize> = BTreeMap::new();
    for (_, op) in pending {
        let Op::Write { at, data, .. } = op else { continue };
        let (from, to) =
            (usize::try_from(*at).unwrap() / SECTOR, (usize::try_from(*at).unwrap() + data.len() - 1) / SECTOR);
        moments.extend((from..=to).map(|sector| (sector, 0)));
    }
    for moment in moments.values_mut() {
        *moment = match pick {
            Pick::Any => dice.below(pending.len() + 1),
            Pick::Most if dice.below(8) > 0 => pending.len(),
            Pick::Few if dice.below(8) > 0 => 0,
            _ => dice.below(pending.len() + 1),
        };
    }
    let mut live = now.clone();
    for (number, (_, op)) in pending.iter().enumerate() {
        write(&mut live, op);
        let Op::Write { at, data, .. } = op else { continue };
        let at = usize::try_from(*at).unwrap();
        let (from, to) = (at / SECTOR, (at + data.len() - 1) / SECTOR);
        // a sector is written as it was at its moment: this write is in it if it came before
        for sector in (from..=to).filter(|s| moments[s] > number) {
            let (begin, end) = (sector * SECTOR, ((sector + 1) * SECTOR).min(live.len()));
            if now.len() < end {
                now.resize(end, 0);
            }
            now[begin..end].copy_from_slice(&live[begin..end]);
        }
    }
    now
}
