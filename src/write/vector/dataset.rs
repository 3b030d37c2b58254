//! Outputs of many layers through GDAL, on a thread of their own: GeoPackage, FileGDB, PostGIS.
//!
//! GDAL writes on one thread; the run goes on meanwhile, at most [`AHEAD`] batches ahead. So that a file does not
//! depend on how layers are interleaved, only the first layer of a GeoPackage is written as it comes; the rows of the
//! others wait on disk. A FileGDB keeps integers as doubles: all its rows wait until it is known which of them are too
//! large for that. A database takes every layer as it comes, in one transaction.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use gdal_sys::OGRLayerH;

use super::ogr::{self, BATCH, Output};
use super::settings::{Clock, Unsynced};
use super::sink::Sink;
use super::spool::Rows;
use super::{Format, WriteOptions, Written};
use crate::error::{Error, Result};
use crate::model::{FieldType, Row, Table, Value};
use crate::write::staging::unwritable;

/// Batches that wait for the writer.
const AHEAD: usize = 2;
/// Whole numbers that a double keeps exactly.
const EXACT: u64 = 1 << 53;

/// What is to be written where.
pub(super) struct DatasetFile {
    pub format: Format,
    pub staged: PathBuf,
    pub target: PathBuf,
    pub heads: Vec<Table>,
    /// Rows come layer by layer, in the order of the heads: nothing need wait.
    pub in_order: bool,
    pub options: WriteOptions,
}

enum Message {
    Rows(usize, Vec<Row>),
    Finish,
}

struct DatasetSink {
    to: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<Result<Written>>>,
}

pub(super) fn open(file: DatasetFile) -> Result<Box<dyn Sink>> {
    let (to, messages) = sync_channel(AHEAD);
    let (ready, opened) = channel();
    let writer = std::thread::spawn(move || work(&file, &messages, &ready));
    let mut sink = DatasetSink { to: Some(to), writer: Some(writer) };
    match opened.recv() {
        Ok(()) => Ok(Box::new(sink)),
        Err(_) => Err(sink.failure()),
    }
}

impl DatasetSink {
    /// Waits for the writer, which has been told to finish, or that nobody speaks to it any more.
    fn join(&mut self) -> Result<Written> {
        self.to = None;
        let stopped = || Error::output("the writer of the output stopped", "写出线程意外停止");
        self.writer.take().map_or_else(|| Err(stopped()), |w| w.join().unwrap_or_else(|_| Err(stopped())))
    }

    fn failure(&mut self) -> Error {
        self.join().err().unwrap_or_else(Error::interrupted)
    }
}

impl Sink for DatasetSink {
    fn write(&mut self, layer: usize, rows: Vec<Row>) -> Result<()> {
        let sent = self.to.as_ref().is_some_and(|to| to.send(Message::Rows(layer, rows)).is_ok());
        if sent { Ok(()) } else { Err(self.failure()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Written> {
        // where the writer is gone already, joining says why
        let _ = self.to.as_ref().map(|to| to.send(Message::Finish));
        self.join()
    }
}

impl Drop for DatasetSink {
    fn drop(&mut self) {
        if self.writer.is_some() {
            let _ = self.join();
        }
    }
}

/// A layer on its way.
enum Layer {
    /// Written as it comes; rows so far.
    Open(OGRLayerH, usize),
    /// Waits on disk; columns with integers too large for a double.
    Waits(Rows, Vec<bool>),
    /// Made when the layers before it are whole.
    Later,
    /// Whole.
    Done,
}

struct Writer<'a> {
    file: &'a DatasetFile,
    out: Output<'a>,
    layers: Vec<Layer>,
    written: Written,
}

fn work(file: &DatasetFile, messages: &Receiver<Message>, ready: &Sender<()>) -> Result<Written> {
    crate::gdal_log::listen();
    crate::gdal_log::take();
    let _clock = file.options.timestamp.map(Clock::set);
    let _unsynced = Unsynced::set();
    let mut writer = Writer::open(file)?;
    let _ = ready.send(());
    loop {
        match messages.recv() {
            Ok(Message::Rows(layer, rows)) => writer.rows(layer, rows)?,
            Ok(Message::Finish) => return writer.finish(),
            Err(_) => return Err(Error::interrupted()),
        }
    }
}

impl<'a> Writer<'a> {
    fn open(file: &'a DatasetFile) -> Result<Self> {
        let mut out = Output::create(&file.staged, &file.target, file.format)?;
        out.encoding.clone_from(&file.options.encoding);
        let mut w = Self { file, out, layers: Vec::new(), written: Written::default() };
        let whole = file.format == Format::PostGis;
        if whole && !w.out.begin() {
            return Err(unwritable(&file.target, "the database allows no transaction"));
        }
        for (k, head) in file.heads.iter().enumerate() {
            let comes = whole || file.format == Format::GeoPackage && k == 0;
            let layer = if file.in_order && file.format == Format::GeoPackage && k > 0 {
                Layer::Later
            } else if comes {
                let layer = w.out.add_layer(head, &file.options, &mut w.written)?;
                if !whole {
                    w.out.begin();
                }
                Layer::Open(layer, 0)
            } else {
                let rows = Rows::beside(&file.staged, head.columns.len()).map_err(|e| unwritable(&file.target, e))?;
                Layer::Waits(rows, vec![false; head.columns.len()])
            };
            w.layers.push(layer);
        }
        Ok(w)
    }

    /// Makes the layers up to `k`, each after those before it were committed.
    fn reach(&mut self, k: usize) -> Result<()> {
        for i in 1..=k {
            if matches!(self.layers[i], Layer::Later) {
                self.out.end_layer(&self.file.heads[i - 1].name)?;
                self.layers[i - 1] = Layer::Done;
                let layer = self.out.add_layer(&self.file.heads[i], &self.file.options, &mut self.written)?;
                self.out.begin();
                self.layers[i] = Layer::Open(layer, 0);
            }
        }
        Ok(())
    }

    fn rows(&mut self, k: usize, rows: Vec<Row>) -> Result<()> {
        self.reach(k)?;
        let head = &self.file.heads[k];
        match &mut self.layers[k] {
            // rows that come after their turn
            Layer::Later | Layer::Done => {
                return Err(unwritable(&self.file.target, format!("rows of layer {} came too late", head.name)));
            }
            Layer::Open(layer, count) => {
                for row in &rows {
                    add(&mut self.out, *layer, head, row, count, &mut self.written)?;
                }
            }
            Layer::Waits(spool, large) => {
                for row in &rows {
                    for (l, v) in large.iter_mut().zip(&row.1) {
                        *l |= matches!(v, Value::Int(n) if n.unsigned_abs() > EXACT);
                    }
                    spool.push(row).map_err(|e| unwritable(&self.file.target, e))?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Written> {
        self.reach(self.layers.len().saturating_sub(1))?;
        let Self { file, mut out, layers, mut written } = self;
        let o = &file.options;
        for (head, layer) in file.heads.iter().zip(layers) {
            match layer {
                Layer::Open(..) => out.end_layer(&head.name)?,
                Layer::Later | Layer::Done => {}
                Layer::Waits(rows, large) => {
                    let head = &kept(head, file.format, &large, &mut written);
                    let layer = out.add_layer(head, o, &mut written)?;
                    out.begin();
                    let mut count = 0;
                    rows.each(|row| add(&mut out, layer, head, &row, &mut count, &mut written).map_err(Fault::Gdal))
                        .map_err(|e| e.error(file))?;
                    out.end_layer(&head.name)?;
                }
            }
        }
        if file.format == Format::GeoPackage && file.heads.iter().any(|t| t.style.is_some()) {
            out.layer(&ogr::styles(&file.heads.iter().collect::<Vec<_>>(), o), o, &mut written)?;
        }
        out.close()?;
        Ok(written)
    }
}

/// One feature; a file's transaction ends every [`BATCH`] of them, a database's at the end.
fn add(
    out: &mut Output<'_>,
    layer: OGRLayerH,
    head: &Table,
    (g, values): &Row,
    count: &mut usize,
    written: &mut Written,
) -> Result<()> {
    out.feature(layer, head, g.as_ref(), values, written)?;
    *count += 1;
    if count.is_multiple_of(BATCH) && out.is_file() {
        out.next_batch(&head.name)?;
    }
    Ok(())
}

/// A FileGDB keeps integers beyond 2^53 as text.
fn kept(head: &Table, format: Format, large: &[bool], written: &mut Written) -> Table {
    let mut head = head.head();
    if format == Format::FileGdb {
        for (c, _) in head.columns.iter_mut().zip(large).filter(|(c, l)| **l && c.field.ty == FieldType::Int64) {
            c.field.ty = FieldType::Text;
            let why = super::columns::beyond_double();
            written.changed.push((head.name.clone(), c.field.name.clone(), why));
        }
    }
    head
}

/// What stops the rows on disk.
enum Fault {
    Disk(std::io::Error),
    Gdal(Error),
}

impl From<std::io::Error> for Fault {
    fn from(e: std::io::Error) -> Self {
        Self::Disk(e)
    }
}

impl Fault {
    fn error(self, file: &DatasetFile) -> Error {
        match self {
            Self::Disk(e) => unwritable(&file.target, e),
            Self::Gdal(e) => e,
        }
    }
}
