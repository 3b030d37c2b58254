//! Digests of inputs, for the run manifest.
#![allow(unsafe_code, reason = "the processor's instructions for SHA-256 are called where it is known to have them")]

#[cfg(target_arch = "x86_64")]
mod two;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use sha2::block_api::compress256;

use crate::error::{Error, Result};

/// A file an input consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Path as given.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Files that belong to a shapefile and change what is read from it.
const SHAPEFILE_PARTS: [&str; 4] = ["shx", "dbf", "prj", "cpg"];

/// Bytes read at a time.
const PART: usize = 1 << 20;
/// First 32 bits of the fractional parts of the square roots of the first eight primes (FIPS 180-4, 5.3.3).
const START: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// State of a message: words A to H.
type State = [u32; 8];

/// Digests of the files of an input: the file, a shapefile's parts, or all files of a folder (FileGDB); none for a
/// database.
///
/// # Errors
/// `Input` where a file cannot be read.
pub fn digests(path: &Path) -> Result<Vec<FileDigest>> {
    all(&parts(path)?, &AtomicBool::new(false))
}

/// The digest of one file.
///
/// # Errors
/// `Input` where it cannot be read.
pub fn digest(path: &Path) -> Result<FileDigest> {
    let mut m = Message::open(path)?;
    while m.fill()? {
        m.take_alone();
    }
    Ok(m.finish())
}

/// The files of an input, as [`digests`] takes them.
fn parts(path: &Path) -> Result<Vec<PathBuf>> {
    if path.to_string_lossy().starts_with("PG:") {
        return Ok(Vec::new());
    }
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let failed = |e: std::io::Error| unreadable(path, &e);
        files = std::fs::read_dir(path)
            .map_err(failed)?
            .map(|e| e.map(|e| e.path()).map_err(failed))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|f| f.is_file() && f.extension().is_none_or(|e| e != "lock"));
        files.sort();
    } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("shp")) {
        let parts =
            SHAPEFILE_PARTS.iter().flat_map(|e| [path.with_extension(e), path.with_extension(e.to_uppercase())]);
        files.extend(parts.filter(|p| p.exists()));
    }
    Ok(files)
}

/// Digests of files in their order, two files at a time; ends early, with what is done, once it is told to stop.
fn all(files: &[PathBuf], stop: &AtomicBool) -> Result<Vec<FileDigest>> {
    let mut out = Vec::with_capacity(files.len());
    for two in files.chunks(2) {
        let mut open = two.iter().map(|f| Message::open(f)).collect::<Result<Vec<_>>>()?;
        loop {
            let mut more = false;
            for m in &mut open {
                more |= m.fill()?;
            }
            if !more || stop.load(Ordering::Relaxed) {
                break;
            }
            if let [a, b] = open.as_mut_slice() {
                take_both(a, b);
            }
            open.iter_mut().for_each(Message::take_alone);
        }
        out.extend(open.into_iter().map(Message::finish));
    }
    Ok(out)
}

/// A file on its way into a digest.
struct Message {
    path: PathBuf,
    file: File,
    state: State,
    bytes: u64,
    /// What was read and is not in the state yet.
    buffer: Vec<u8>,
}

impl Message {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        Ok(Self { path: path.to_path_buf(), file, state: START, bytes: 0, buffer: Vec::with_capacity(PART) })
    }

    /// Reads on until the buffer is full; false at the end, when less than a block is left in it.
    fn fill(&mut self) -> Result<bool> {
        let had = self.buffer.len();
        let room = (PART - had) as u64;
        let n = self.file.by_ref().take(room).read_to_end(&mut self.buffer).map_err(|e| unreadable(&self.path, &e))?;
        self.bytes += n as u64;
        Ok(self.buffer.len() >= 64)
    }

    fn take_alone(&mut self) {
        let (blocks, _) = self.buffer.as_chunks::<64>();
        compress256(&mut self.state, blocks);
        self.drop_blocks(self.buffer.len() / 64);
    }

    fn drop_blocks(&mut self, n: usize) {
        self.buffer.drain(..64 * n);
    }

    /// Pads the message (FIPS 180-4, 5.1.1).
    fn finish(mut self) -> FileDigest {
        self.take_alone();
        self.buffer.push(0x80);
        let zeros = (64 + 56 - self.buffer.len()) % 64;
        self.buffer.resize(self.buffer.len() + zeros, 0);
        self.buffer.extend_from_slice(&(8 * self.bytes).to_be_bytes());
        self.take_alone();
        let sha256 = self.state.iter().map(|w| format!("{w:08x}")).collect();
        FileDigest { path: self.path, bytes: self.bytes, sha256 }
    }
}

/// Takes as many blocks of both messages as both have, in turns where the processor can.
fn take_both(a: &mut Message, b: &mut Message) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3") {
        let n = a.buffer.len().min(b.buffer.len()) / 64;
        let (x, y) = (&a.buffer.as_chunks::<64>().0[..n], &b.buffer.as_chunks::<64>().0[..n]);
        // SAFETY: the processor has the instructions that the function was compiled for.
        unsafe { two::blocks([&mut a.state, &mut b.state], [x, y]) };
        a.drop_blocks(n);
        b.drop_blocks(n);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (a, b);
}

/// Digests by the path that was given.
pub type Digests = BTreeMap<PathBuf, Vec<FileDigest>>;

/// Digests of inputs, made by a thread of its own while the job works; dropped, it ends soon.
#[derive(Debug)]
pub struct Digesting {
    thread: Option<JoinHandle<Result<Digests>>>,
    stop: Arc<AtomicBool>,
}

impl Digesting {
    /// Begins.
    pub fn begin(paths: Vec<PathBuf>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let work = move || {
            let files = paths.iter().map(|p| parts(p)).collect::<Result<Vec<_>>>()?;
            let mut made = all(&files.concat(), &told)?.into_iter();
            Ok(paths.into_iter().zip(files).map(|(p, f)| (p, made.by_ref().take(f.len()).collect())).collect())
        };
        Self { thread: Some(std::thread::spawn(work)), stop }
    }

    /// The digests, by the paths that were given.
    ///
    /// # Errors
    /// As [`digests`].
    pub fn wait(mut self) -> Result<Digests> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(found)) => found,
            _ => Ok(BTreeMap::new()),
        }
    }
}

impl Drop for Digesting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    Error::input(format!("cannot be read: {e}"), format!("无法读取:{e}"))
        .in_file(path)
        .remedy("check the path and the right to read it", "请检查路径与读取权限")
}

/// Version of the GDAL library.
pub fn gdal_version() -> String {
    gdal::version::version_info("RELEASE_NAME")
}

/// Version of GEOS, as GDAL was built with it; `None` where GDAL does not say.
pub fn geos_version() -> Option<String> {
    let info = gdal::version::version_info("BUILD_INFO");
    info.lines().find_map(|l| l.strip_prefix("GEOS_VERSION=").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_fips_180_4() {
        let d = tempfile::tempdir().unwrap();
        let f = d.path().join("abc");
        std::fs::write(&f, "abc").unwrap();
        let got = digests(&f).unwrap();
        assert_eq!(got[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(got[0].bytes, 3);
        assert_eq!(digest(&f).unwrap(), got[0]);
    }

    #[test]
    fn files_in_turns_have_the_digests_that_the_crate_gives() {
        // around the edges of blocks, of the padding and of what is read at a time
        let sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, PART - 1, PART, PART + 64, 3 * PART + 17];
        let d = tempfile::tempdir().unwrap();
        let make = |(i, n): (usize, usize)| {
            let f = d.path().join(i.to_string());
            std::fs::write(&f, (0..n).map(|k| (k * 7 + k / 251 + i) as u8).collect::<Vec<u8>>()).unwrap();
            f
        };
        let mut files: Vec<PathBuf> = sizes.iter().copied().enumerate().map(make).collect();
        let check = |files: &[PathBuf]| {
            for (f, got) in files.iter().zip(all(files, &AtomicBool::new(false)).unwrap()) {
                let bytes = std::fs::read(f).unwrap();
                let wanted: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!((got.sha256, got.bytes, &got.path), (wanted, bytes.len() as u64, f));
            }
        };
        check(&files);
        // an odd number, and others side by side
        files.rotate_left(1);
        check(&files[1..]);
        let known = Digesting::begin(files.clone()).wait().unwrap();
        assert_eq!(known.len(), files.len());
        assert_eq!(known[&files[3]][0], digest(&files[3]).unwrap());
        assert!(Digesting::begin(vec![d.path().join("none")]).wait().is_err());
    }
}
