//! A source read on a thread of its own, a few batches ahead of whoever uses it.
//!
//! GDAL reads a layer on one thread; meanwhile the run works on what is read already.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::model::{Feature, FeatureSource, LayerInfo, Skipped};

/// Batches that wait to be asked for.
const AHEAD: usize = 2;

/// Features, and the remarks made while they were read.
type Batch = (Vec<Feature>, Vec<Skipped>);

pub(super) struct Ahead {
    info: LayerInfo,
    skipped: Vec<Skipped>,
    /// Before the first batch: its size is that of all.
    source: Option<Box<dyn FeatureSource + Send>>,
    reader: Option<(Receiver<Result<Batch>>, JoinHandle<()>)>,
    /// Read, but more than was asked for.
    left: Vec<Feature>,
}

impl Ahead {
    pub fn of(source: Box<dyn FeatureSource + Send>) -> Self {
        let (info, skipped) = (source.info().clone(), source.skipped().to_vec());
        Self { info, skipped, source: Some(source), reader: None, left: Vec::new() }
    }

    fn begin(&mut self, max: usize) {
        let Some(mut source) = self.source.take() else { return };
        let (to, from) = sync_channel(AHEAD);
        let reader = std::thread::spawn(move || {
            let mut told = source.skipped().len();
            loop {
                let batch = source.next_batch(max);
                let more = matches!(batch, Ok(Some(_)));
                let news = source.skipped()[told..].to_vec();
                told += news.len();
                if to.send(batch.map(|b| (b.unwrap_or_default(), news))).is_err() || !more {
                    return;
                }
            }
        });
        self.reader = Some((from, reader));
    }
}

impl FeatureSource for Ahead {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    fn next_batch(&mut self, max: usize) -> Result<Option<Vec<Feature>>> {
        self.begin(max);
        if self.left.is_empty() {
            let Some((from, _)) = &self.reader else { return Ok(None) };
            match from.recv() {
                Ok(Ok((features, news))) => {
                    self.skipped.extend(news);
                    self.left = features;
                }
                Ok(Err(e)) => return Err(e),
                Err(_) => return self.ended(),
            }
        }
        let rest = self.left.split_off(max.min(self.left.len()));
        let batch = std::mem::replace(&mut self.left, rest);
        if batch.is_empty() { self.ended() } else { Ok(Some(batch)) }
    }
}

impl Ahead {
    fn ended(&mut self) -> Result<Option<Vec<Feature>>> {
        match self.reader.take().map(|(_, reader)| reader.join()) {
            Some(Err(_)) => {
                let e = Error::input("reading stopped by a fault of the program", "读取因程序故障中止");
                Err(e.in_file(&self.info.source).in_layer(&self.info.name))
            }
            _ => Ok(None),
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some((from, reader)) = self.reader.take() {
            // nobody listens any more: the reader stops after its batch
            drop(from);
            let _ = reader.join();
        }
    }
}
