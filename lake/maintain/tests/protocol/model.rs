//! The protocol of hot files and seals as a state machine: one day of one table, every step of every actor, and a
//! crash between any two.
//!
//! What the model leaves out is what can't go wrong here: the content of rows (a row is its raw object and a version)
//! and time (the grace is "every reader that was listing when the covering file was put has finished"). Sealers,
//! mergers, collectors and replays may sleep for ever between two steps and then go on: zombies.

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Model, Property};

/// A raw object; its number is its time.
pub(crate) type Object = u8;

/// A mistake that was made on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    AcknowledgeBeforeWrite,
    SplitRawObject,
    SealWithoutSeals,
    CollectWithoutGrace,
    ReplayDrops,
    FreeASealsName,
}

/// Which actors take part, and how much they may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) bug: Option<Bug>,
    pub(crate) objects: Object,
    /// Batches that writers take, over all.
    pub(crate) takes: u8,
    pub(crate) merger: bool,
    pub(crate) sealers: usize,
    pub(crate) collectors: usize,
    pub(crate) replay: bool,
    pub(crate) readers: bool,
}

/// How much of a raw object's rows a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    Whole,
    Half,
}

/// What a file covers. Of a hot file this is also its name: the earliest object first, then what else is in it.
type Cover = BTreeMap<Object, (u8, Part)>;
type Name = Vec<(Object, u8, Part)>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct File {
    cover: Cover,
    etag: u8,
    /// A reader was listing when the file was put, and has not finished.
    seen_by_nobody_yet: bool,
}

/// A writer: takes a batch, writes its file, acknowledges. Writer 1 has newer rules than writer 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Writer {
    #[default]
    Idle,
    Took(BTreeSet<Object>),
    /// What it has still to write, and what it has still to acknowledge.
    Wrote(BTreeSet<Object>),
    /// The mistake: acknowledged, and not written yet.
    Acknowledged(BTreeSet<Object>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Sealer {
    #[default]
    Idle,
    ListedHot(BTreeMap<Name, Cover>),
    /// Ready to put this under this number.
    Planned(u8, Cover),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Reader {
    #[default]
    Idle,
    /// The hot files of the first page of the listing, and what must be in the answer.
    FirstPage(BTreeSet<Name>, BTreeSet<Object>),
    BothPages(BTreeSet<Name>, BTreeSet<Object>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct State {
    hot: BTreeMap<Name, File>,
    seals: BTreeMap<u8, File>,
    acknowledged: BTreeSet<Object>,
    ever_sealed: BTreeSet<Object>,
    taken: u8,
    writers: [Writer; 2],
    merging: Option<Cover>,
    sealers: [Sealer; 2],
    collecting: [Vec<Name>; 2],
    /// Seal, its ETag, and what shall be in it.
    replaying: Option<(u8, u8, Cover)>,
    reader: Reader,
    pub(crate) broken: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Take(usize, BTreeSet<Object>),
    Write(usize),
    Acknowledge(usize),
    CrashWriter(usize),
    PlanMerge,
    PutMerged,
    ListHot(usize),
    ListSeals(usize),
    PutSeal(usize),
    CrashSealer(usize),
    PlanCollect(usize),
    Delete(usize),
    /// Reads a seal and its raw objects; those in the set can't be read again.
    ReadForReplay(u8, BTreeSet<Object>),
    ReplaceSeal,
    /// The mistake: moves a seal to the next number.
    MoveSeal,
    StartReading,
    ListSecondPage,
    FinishReading,
}

const NEWEST: u8 = 2;

fn name(cover: &Cover) -> Name {
    cover.iter().map(|(object, (version, part))| (*object, *version, *part)).collect()
}

impl State {
    fn put_hot(&mut self, cover: Cover) {
        let seen_by_nobody_yet = self.reader != Reader::Idle;
        self.hot.entry(name(&cover)).or_insert(File { cover, etag: 0, seen_by_nobody_yet });
    }

    fn put_seal(&mut self, number: u8, cover: Cover, etag: u8) {
        let seen_by_nobody_yet = self.reader != Reader::Idle;
        self.seals.insert(number, File { cover, etag, seen_by_nobody_yet });
        self.check_seals();
    }

    /// What people see who read the seals alone, at every moment.
    fn check_seals(&mut self) {
        let mut found = BTreeSet::new();
        for (object, (_, part)) in self.seals.values().flat_map(|seal| &seal.cover) {
            if !found.insert(*object) {
                self.broken = Some("a row twice in the seals");
            }
            if *part == Part::Half {
                self.broken = Some("half a raw object in a seal");
            }
        }
        if !self.ever_sealed.is_subset(&found) {
            self.broken = Some("a sealed row is gone");
        }
        self.ever_sealed.extend(found);
    }

    fn sealed(&self) -> BTreeSet<Object> {
        self.seals.values().flat_map(|seal| seal.cover.keys().copied()).collect()
    }

    /// Of the hot files given, from which each object is taken: highest version, then smallest name.
    fn choose<'a>(files: impl Iterator<Item = (&'a Name, &'a Cover)>) -> Cover {
        let mut chosen = Cover::new();
        for (_, cover) in files {
            for (object, (version, part)) in cover {
                let better = chosen.get(object).is_none_or(|(taken, _)| version > taken);
                if better {
                    chosen.insert(*object, (*version, *part));
                }
            }
        }
        chosen
    }

    fn unsealed(&self) -> Cover {
        let sealed = self.sealed();
        let mut chosen = Self::choose(self.hot.iter().map(|(name, file)| (name, &file.cover)));
        chosen.retain(|object, _| !sealed.contains(object));
        chosen
    }

    /// Hot files that a collector may delete: as `covered` in collect.rs.
    fn deletable(&self, with_grace: bool) -> Vec<Name> {
        let old = |file: &File| !with_grace || !file.seen_by_nobody_yet;
        let sealed: BTreeSet<Object> = self
            .seals
            .values()
            .filter(|seal| old(seal))
            .flat_map(|seal| seal.cover.keys().copied())
            .collect();
        let place = |name: &Name, file: &File| (file.cover.len(), name.clone());
        let covered = |own: &Name, file: &File| {
            file.cover.iter().all(|(object, (version, _))| {
                sealed.contains(object)
                    || self.hot.iter().any(|(other, candidate)| {
                        old(candidate)
                            && place(other, candidate) > place(own, file)
                            && candidate.cover.get(object).is_some_and(|(theirs, _)| theirs >= version)
                    })
            })
        };
        self.hot.iter().filter(|(name, file)| covered(name, file)).map(|(name, _)| name.clone()).collect()
    }

    fn finish_reading(&mut self, listed: &BTreeSet<Name>, must: &BTreeSet<Object>) {
        // A file that went away between listing and reading: plan again.
        if listed.iter().any(|name| !self.hot.contains_key(name)) {
            return;
        }
        let sealed = self.sealed();
        let mut answer = Self::choose(listed.iter().map(|name| (name, &self.hot[name].cover)));
        answer.retain(|object, _| !sealed.contains(object));
        if answer.values().any(|(_, part)| *part == Part::Half) {
            self.broken = Some("half a raw object in an answer");
        }
        if must.iter().any(|object| !sealed.contains(object) && !answer.contains_key(object)) {
            self.broken = Some("an acknowledged row is missing in an answer");
        }
    }

    fn reading_ends(&mut self) {
        self.reader = Reader::Idle;
        for file in self.hot.values_mut().chain(self.seals.values_mut()) {
            file.seen_by_nobody_yet = false;
        }
    }
}

impl Protocol {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn batches(&self) -> Vec<BTreeSet<Object>> {
        let mut batches: Vec<BTreeSet<Object>> =
            (0..self.objects).map(|object| BTreeSet::from([object])).collect();
        batches.push((0..self.objects).collect());
        batches
    }

    fn step(&self, state: &mut State, action: Action) {
        match action {
            Action::Take(writer, batch) => {
                state.taken += 1;
                state.writers[writer] = Writer::Took(batch);
            }
            Action::Write(writer) => self.write(state, writer),
            Action::Acknowledge(writer) => {
                state.writers[writer] = match std::mem::take(&mut state.writers[writer]) {
                    Writer::Took(batch) => {
                        state.acknowledged.extend(batch.iter().copied());
                        Writer::Acknowledged(batch)
                    }
                    Writer::Wrote(batch) => {
                        state.acknowledged.extend(batch);
                        Writer::Idle
                    }
                    other => other,
                };
            }
            Action::CrashWriter(writer) => state.writers[writer] = Writer::Idle,
            Action::PlanMerge => state.merging = Some(state.unsealed()).filter(|cover| !cover.is_empty()),
            Action::PutMerged => {
                if let Some(cover) = state.merging.take() {
                    state.put_hot(cover);
                }
            }
            Action::ListHot(sealer) => {
                let listed = state.hot.iter().map(|(name, file)| (name.clone(), file.cover.clone()));
                state.sealers[sealer] = Sealer::ListedHot(listed.collect());
            }
            Action::ListSeals(sealer) => {
                let Sealer::ListedHot(listed) = std::mem::take(&mut state.sealers[sealer]) else { return };
                let mut cover = State::choose(listed.iter());
                if !self.has(Bug::SealWithoutSeals) {
                    let sealed = state.sealed();
                    cover.retain(|object, _| !sealed.contains(object));
                }
                let number = state.seals.keys().max().map_or(0, |highest| highest + 1);
                if !cover.is_empty() {
                    state.sealers[sealer] = Sealer::Planned(number, cover);
                }
            }
            Action::PutSeal(sealer) => {
                let Sealer::Planned(number, cover) = std::mem::take(&mut state.sealers[sealer]) else {
                    return;
                };
                // Create-if-absent: who finds the name taken lists again.
                if !state.seals.contains_key(&number) {
                    state.put_seal(number, cover, 0);
                }
            }
            Action::CrashSealer(sealer) => state.sealers[sealer] = Sealer::Idle,
            Action::PlanCollect(collector) => {
                state.collecting[collector] = state.deletable(!self.has(Bug::CollectWithoutGrace));
            }
            Action::Delete(collector) => {
                if let Some(name) = state.collecting[collector].pop() {
                    state.hot.remove(&name);
                }
            }
            Action::ReadForReplay(number, unreadable) => {
                let seal = &state.seals[&number];
                let mut cover = seal.cover.clone();
                for (object, made) in &mut cover {
                    if !unreadable.contains(object) {
                        *made = (NEWEST, Part::Whole);
                    }
                }
                if self.has(Bug::ReplayDrops) {
                    cover.retain(|object, _| !unreadable.contains(object));
                }
                state.replaying = Some((number, seal.etag, cover));
            }
            Action::ReplaceSeal => {
                let Some((number, etag, cover)) = state.replaying.take() else { return };
                if state.seals.get(&number).is_some_and(|seal| seal.etag == etag) {
                    state.put_seal(number, cover, etag + 1);
                }
            }
            Action::MoveSeal => {
                if let Some((number, seal)) = state.seals.pop_last() {
                    state.put_seal(number + 1, seal.cover, 0);
                }
            }
            Action::StartReading => {
                let first = state.hot.keys().filter(|name| name[0].0 == 0).cloned().collect();
                state.reader = Reader::FirstPage(first, state.acknowledged.clone());
            }
            Action::ListSecondPage => {
                let Reader::FirstPage(mut listed, must) = std::mem::take(&mut state.reader) else { return };
                listed.extend(state.hot.keys().filter(|name| name[0].0 > 0).cloned());
                state.reader = Reader::BothPages(listed, must);
            }
            Action::FinishReading => {
                let Reader::BothPages(listed, must) = std::mem::take(&mut state.reader) else { return };
                state.finish_reading(&listed, &must);
                state.reading_ends();
            }
        }
    }

    fn write(&self, state: &mut State, writer: usize) {
        let version = u8::try_from(writer).unwrap_or(0) + 1;
        let (batch, next) = match std::mem::take(&mut state.writers[writer]) {
            Writer::Took(batch) => (batch.clone(), Writer::Wrote(batch)),
            Writer::Acknowledged(batch) => (batch, Writer::Idle),
            other => (BTreeSet::new(), other),
        };
        state.writers[writer] = next;
        if batch.is_empty() {
            return;
        }
        let part = if self.has(Bug::SplitRawObject) { Part::Half } else { Part::Whole };
        state.put_hot(batch.into_iter().map(|object| (object, (version, part))).collect());
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (writer, at) in state.writers.iter().enumerate() {
            match at {
                Writer::Idle if state.taken < self.takes => {
                    actions.extend(self.batches().into_iter().map(|batch| Action::Take(writer, batch)));
                }
                Writer::Idle => {}
                Writer::Took(_) if self.has(Bug::AcknowledgeBeforeWrite) => {
                    actions.extend([Action::Acknowledge(writer), Action::CrashWriter(writer)]);
                }
                Writer::Took(_) | Writer::Acknowledged(_) => {
                    actions.extend([Action::Write(writer), Action::CrashWriter(writer)]);
                }
                Writer::Wrote(_) => {
                    actions.extend([Action::Acknowledge(writer), Action::CrashWriter(writer)]);
                }
            }
        }
        if self.merger {
            match &state.merging {
                None if state.hot.len() > 1 => actions.push(Action::PlanMerge),
                None => {}
                Some(_) => actions.push(Action::PutMerged),
            }
        }
        for sealer in 0..self.sealers {
            match &state.sealers[sealer] {
                Sealer::Idle if !state.hot.is_empty() => actions.push(Action::ListHot(sealer)),
                Sealer::Idle => {}
                Sealer::ListedHot(_) => actions.push(Action::ListSeals(sealer)),
                Sealer::Planned(..) => {
                    actions.extend([Action::PutSeal(sealer), Action::CrashSealer(sealer)]);
                }
            }
        }
        for collector in 0..self.collectors {
            match state.collecting[collector].as_slice() {
                [] => {
                    if !state.deletable(!self.has(Bug::CollectWithoutGrace)).is_empty() {
                        actions.push(Action::PlanCollect(collector));
                    }
                }
                _ => actions.push(Action::Delete(collector)),
            }
        }
        if self.replay {
            match &state.replaying {
                None => {
                    for (number, seal) in state.seals.iter().filter(|(_, seal)| seal.etag < 2) {
                        actions.push(Action::ReadForReplay(*number, BTreeSet::new()));
                        let lost = seal.cover.keys().next().copied();
                        actions.push(Action::ReadForReplay(*number, lost.into_iter().collect()));
                    }
                }
                Some(_) => actions.push(Action::ReplaceSeal),
            }
        }
        if self.has(Bug::FreeASealsName) && state.seals.len() == 1 && state.seals.contains_key(&0) {
            actions.push(Action::MoveSeal);
        }
        if self.readers {
            actions.push(match state.reader {
                Reader::Idle => Action::StartReading,
                Reader::FirstPage(..) => Action::ListSecondPage,
                Reader::BothPages(..) => Action::FinishReading,
            });
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        self.step(&mut next, action);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("every row once", |_, state: &State| state.broken.is_none())]
    }
}
