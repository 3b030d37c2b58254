//! A GeoPackage layer read by several threads, each with a dataset of its own, by ranges of the feature id.
//!
//! The ranges come back in their order, so that the features stand as one reader would give them.

use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::ogr::{OgrSource, unreadable};
use super::remarks::Seen;
use crate::error::{Error, Result};
use crate::model::{Feature, FeatureSource, LayerInfo, Skipped};

/// Feature ids of a range.
const STEP: i64 = 2048;
/// Threads that read, at most: beyond, the disk or the use of the features is what takes the time.
const READERS: usize = 8;
/// Layers of fewer features are read by one thread.
const WORTH_IT: u64 = 4 * STEP as u64;

/// What a reader found in one range.
struct Part {
    features: Vec<Feature>,
    skipped: Vec<Skipped>,
    seen: Seen,
}

type Reader = (Receiver<Result<Part>>, JoinHandle<()>);

pub(super) struct ByRanges {
    info: LayerInfo,
    skipped: Vec<Skipped>,
    /// Before the first batch.
    sources: Vec<OgrSource>,
    ids: Range<i64>,
    readers: Vec<Reader>,
    /// Ranges asked for so far.
    asked: usize,
    read: u64,
    seen: Seen,
    /// Read, but more than was asked for.
    left: Vec<Feature>,
}

impl ByRanges {
    /// How many readers a layer of `count` features with these ids is worth; 1 where ranges of ids would be mostly empty.
    pub fn readers(count: Option<u64>, ids: Option<&Range<i64>>) -> usize {
        let (Some(count), Some(ids)) = (count, ids) else { return 1 };
        let span = ids.end.checked_sub(ids.start).and_then(|n| u64::try_from(n).ok());
        let dense = span.is_some_and(|n| n / 4 <= count);
        if count >= WORTH_IT && dense { rayon::current_num_threads().min(READERS) } else { 1 }
    }

    /// Sources of the same layer, one for each thread.
    pub fn of(sources: Vec<OgrSource>, ids: Range<i64>) -> Option<Self> {
        let first = sources.first()?;
        let (info, skipped) = (first.info().clone(), first.skipped().to_vec());
        let (readers, seen) = (Vec::new(), Seen::default());
        Some(Self { info, skipped, sources, ids, readers, asked: 0, read: 0, seen, left: Vec::new() })
    }

    fn begin(&mut self) {
        let (n, ids) = (self.sources.len(), self.ids.clone());
        for (at, source) in std::mem::take(&mut self.sources).into_iter().enumerate() {
            // one range waits while the next is read
            let (to, from) = sync_channel(1);
            let mine = ranges(&ids).skip(at).step_by(n);
            self.readers.push((from, std::thread::spawn(move || read(source, mine, &to))));
        }
    }

    /// The features of the next range; `None` after the last.
    fn next_range(&mut self) -> Result<Option<Vec<Feature>>> {
        if ranges(&self.ids).nth(self.asked).is_none() {
            return self.ended();
        }
        let Some((from, _)) = self.readers.get(self.asked % self.readers.len().max(1)) else { return Ok(None) };
        self.asked += 1;
        let Ok(part) = from.recv() else {
            let e = Error::input("reading stopped by a fault of the program", "读取因程序故障中止");
            return Err(e.in_file(&self.info.source).in_layer(&self.info.name));
        };
        let part = part?;
        self.read += part.features.len() as u64;
        self.skipped.extend(part.skipped);
        self.seen.add(part.seen);
        Ok(Some(part.features))
    }

    /// As many features as the file promised.
    fn ended(&mut self) -> Result<Option<Vec<Feature>>> {
        self.skipped.extend(std::mem::take(&mut self.seen).remarks(&self.info));
        match self.info.count {
            Some(n) if self.read < n => {
                let why = format!("{} of {n} features", self.read);
                Err(unreadable(&self.info.source, &why).in_layer(&self.info.name))
            }
            _ => Ok(None),
        }
    }
}

/// Ids in steps, in order.
fn ranges(ids: &Range<i64>) -> impl Iterator<Item = Range<i64>> + use<> {
    let (mut at, end) = (ids.start, ids.end);
    std::iter::from_fn(move || {
        let range = at..at.saturating_add(STEP).min(end);
        at = range.end;
        (!range.is_empty()).then_some(range)
    })
}

fn read(mut source: OgrSource, mine: impl Iterator<Item = Range<i64>>, to: &std::sync::mpsc::SyncSender<Result<Part>>) {
    let mut told = source.skipped().len();
    for range in mine {
        let features = source.range(&range);
        let part = features.map(|features| {
            let skipped = source.skipped()[told..].to_vec();
            told += skipped.len();
            Part { features, skipped, seen: source.take_seen() }
        });
        let failed = part.is_err();
        // nobody listens any more where sending fails
        if to.send(part).is_err() || failed {
            return;
        }
    }
}

impl FeatureSource for ByRanges {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        if self.readers.is_empty() {
            self.begin();
        }
        while self.left.len() < max {
            match self.next_range()? {
                Some(features) => self.left.extend(features),
                None => break,
            }
        }
        let rest = self.left.split_off(max.min(self.left.len()));
        let batch = std::mem::replace(&mut self.left, rest);
        Ok((!batch.is_empty()).then_some(batch))
    }
}

impl Drop for ByRanges {
    fn drop(&mut self) {
        for (from, reader) in self.readers.drain(..) {
            // nobody listens any more: the reader stops after its range
            drop(from);
            let _ = reader.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_the_ids_once() {
        let all: Vec<_> = ranges(&(1..5000)).collect();
        assert_eq!(all, [1..2049, 2049..4097, 4097..5000]);
        assert_eq!(ranges(&(7..7)).count(), 0);
        // the last id there can be
        assert_eq!(ranges(&(i64::MAX - 3000..i64::MAX)).map(|r| r.end - r.start).sum::<i64>(), 3000);
    }

    #[test]
    fn sparse_and_small_layers_are_read_by_one() {
        assert_eq!(ByRanges::readers(Some(100), Some(&(1..101))), 1);
        assert_eq!(ByRanges::readers(Some(10_000), Some(&(0..i64::MAX))), 1);
        assert_eq!(ByRanges::readers(Some(10_000), Some(&(i64::MIN..i64::MAX))), 1);
        assert_eq!(ByRanges::readers(None, Some(&(1..100_000))), 1);
        assert_eq!(ByRanges::readers(Some(100_000), None), 1);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(pool.install(|| ByRanges::readers(Some(10_000), Some(&(1..10_001)))), 3);
    }
}
