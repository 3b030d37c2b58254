//! An index as bytes, and bytes as an index without a copy.
//!
//! A header of 128 bytes, the nodes, the exact boxes; every number in the byte order of the machine that wrote it, which
//! the header tells. The tree holds no pointers: where a node's children are follows from the number of items, so
//! damaged bytes can give wrong answers but lead nowhere. [`BoxIndex::verify`] tells whether they are damaged.

use super::node::{Bounds, Frame, Node, WIDTH};
use super::packed::{BoxIndex, Owned, Shape, Storage, Tree, sealed};

/// Why bytes are no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// Not the beginning of an index.
    #[error("not a saved index")]
    Foreign,
    /// Written by another version.
    #[error("version {0} of the format, and this program reads version {VERSION}")]
    Version(u32),
    /// Written on a machine with another byte order.
    #[error("written on a machine with another byte order")]
    ByteOrder,
    /// The header contradicts its checksum or itself.
    #[error("the header is damaged")]
    Header,
    /// Too few or too many bytes.
    #[error("{found} bytes, and the header tells of {expected}")]
    Length {
        /// Bytes that an index of this header has.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The first byte is not at an address that is a multiple of 64.
    #[error("the bytes do not begin at a multiple of 64")]
    Unaligned,
    /// The nodes or boxes contradict their checksum.
    #[error("the nodes or boxes are damaged")]
    Body,
}

const MAGIC: [u8; 8] = *b"HSBOXIDX";
const VERSION: u32 = 1;
const BYTE_ORDER: u32 = 0x0102_0304;
const HEADER: usize = 128;
/// Bytes of the header that its checksum covers.
const CHECKED: usize = 64;

/// Arrays of a [`BoxIndex`] in the bytes of a saved index.
#[derive(Debug, Clone)]
pub struct Bytes<B> {
    shape: Shape,
    sum: u64,
    data: B,
}

impl<B: AsRef<[u8]> + Sync> sealed::Sealed for Bytes<B> {
    #[inline]
    fn tree(&self) -> Tree<'_> {
        let data = self.data.as_ref();
        let end = HEADER + self.shape.nodes() * size_of::<Node>();
        // checked at the beginning; `AsRef` that gives other bytes later would get an empty index
        let nodes = data.get(HEADER..end).and_then(|b| bytemuck::try_cast_slice(b).ok()).unwrap_or(&[]);
        let bounds = data.get(end..).and_then(|b| bytemuck::try_cast_slice(b).ok()).unwrap_or(&[]);
        Tree { shape: &self.shape, bounds, nodes }
    }
}

impl<B: AsRef<[u8]> + Sync> BoxIndex<Bytes<B>> {
    /// The index in `data`, which begins at a multiple of 64 (as a mapped file does). Nothing is copied; only the
    /// header is read.
    ///
    /// # Errors
    /// [`BytesError`] where this is no index, or a truncated one; damage beyond the header is told by
    /// [`BoxIndex::verify`].
    pub fn from_bytes(data: B) -> Result<Self, BytesError> {
        let bytes = data.as_ref();
        let (shape, sum) = read_header(bytes)?;
        if bytes.as_ptr().addr() % align_of::<Node>() != 0 {
            return Err(BytesError::Unaligned);
        }
        Ok(Self { store: Bytes { shape, sum, data } })
    }

    /// Reads all bytes and compares them with their checksum.
    ///
    /// # Errors
    /// [`BytesError::Body`] where they differ.
    pub fn verify(&self) -> Result<(), BytesError> {
        if checksum(self.store.data.as_ref().get(HEADER..).unwrap_or(&[])) == self.store.sum {
            Ok(())
        } else {
            Err(BytesError::Body)
        }
    }
}

impl BoxIndex {
    /// A copy of the index in `data`, wherever it begins; all of it is verified.
    ///
    /// # Errors
    /// [`BytesError`] where this is no index, or a damaged one.
    pub fn copied_from(data: &[u8]) -> Result<Self, BytesError> {
        let (shape, sum) = read_header(data)?;
        let (nodes, bounds) = data[HEADER..].split_at(shape.nodes() * size_of::<Node>());
        if checksum(&data[HEADER..]) != sum {
            return Err(BytesError::Body);
        }
        Ok(Self {
            store: Owned {
                shape,
                bounds: bytemuck::pod_collect_to_vec(bounds),
                nodes: bytemuck::pod_collect_to_vec(nodes),
            },
        })
    }
}

impl<S: Storage> BoxIndex<S> {
    /// The bytes of the saved index in three parts: header, nodes, boxes.
    pub fn byte_parts(&self) -> ([u8; HEADER], &[u8], &[u8]) {
        let t = self.tree();
        let (nodes, bounds): (&[u8], &[u8]) = (bytemuck::cast_slice(t.nodes), bytemuck::cast_slice(t.bounds));
        let mut h = [0; HEADER];
        let mut put = |at: usize, bytes: &[u8]| h[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &MAGIC);
        put(8, &VERSION.to_ne_bytes());
        put(12, &BYTE_ORDER.to_ne_bytes());
        put(16, &(t.shape.items as u64).to_ne_bytes());
        put(24, &(t.shape.nodes() as u64).to_ne_bytes());
        put(32, &(WIDTH as u64).to_ne_bytes());
        put(40, &t.shape.frame.x.to_ne_bytes());
        put(48, &t.shape.frame.y.to_ne_bytes());
        put(56, &checksum_of(bounds, checksum(nodes)).to_ne_bytes());
        let sum = checksum(&h[..CHECKED]);
        h[CHECKED..CHECKED + 8].copy_from_slice(&sum.to_ne_bytes());
        (h, nodes, bounds)
    }

    /// The bytes of the saved index.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (header, nodes, bounds) = self.byte_parts();
        [&header, nodes, bounds].concat()
    }
}

fn read_header(data: &[u8]) -> Result<(Shape, u64), BytesError> {
    let found = data.len() as u64;
    let Some(h) = data.first_chunk::<HEADER>() else {
        let begun = data.len() >= MAGIC.len() && data.starts_with(&MAGIC);
        return Err(if begun { BytesError::Length { expected: HEADER as u64, found } } else { BytesError::Foreign });
    };
    if !h.starts_with(&MAGIC) {
        return Err(BytesError::Foreign);
    }
    let small = |at: usize| u32::from_ne_bytes([h[at], h[at + 1], h[at + 2], h[at + 3]]);
    let large = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| h[at + i]));
    match (small(12), small(8)) {
        (BYTE_ORDER, VERSION) => {}
        (BYTE_ORDER, other) => return Err(BytesError::Version(other)),
        (swapped, _) if swapped == BYTE_ORDER.swap_bytes() => return Err(BytesError::ByteOrder),
        _ => return Err(BytesError::Header),
    }
    let items = large(16);
    let frame = Frame { x: f64::from_bits(large(40)), y: f64::from_bits(large(48)) };
    let sound = large(CHECKED) == checksum(&h[..CHECKED])
        && u32::try_from(items).is_ok()
        && h[CHECKED + 8..].iter().all(|&b| b == 0)
        && large(32) == WIDTH as u64
        && frame.x.is_finite()
        && frame.y.is_finite();
    if !sound {
        return Err(BytesError::Header);
    }
    let shape = Shape::new(items as usize, frame);
    if large(24) != shape.nodes() as u64 {
        return Err(BytesError::Header);
    }
    let nodes = shape.nodes() as u64;
    let expected = HEADER as u64 + nodes * size_of::<Node>() as u64 + (items + nodes) * size_of::<Bounds>() as u64;
    if found == expected { Ok((shape, large(56))) } else { Err(BytesError::Length { expected, found }) }
}

/// FNV-1a (Fowler, Noll & Vo) over words of 64 bits instead of bytes, with the high half folded down.
fn checksum(bytes: &[u8]) -> u64 {
    checksum_of(bytes, BASIS)
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn checksum_of(bytes: &[u8], from: u64) -> u64 {
    bytes.chunks(8).fold(from, |h, c| {
        let mut w = [0; 8];
        w[..c.len()].copy_from_slice(c);
        let h = (h ^ u64::from_ne_bytes(w)).wrapping_mul(0x0000_0100_0000_01b3);
        h ^ (h >> 32)
    })
}
