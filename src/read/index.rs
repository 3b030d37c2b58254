//! Saved spatial indexes, mapped into memory: opened at once, read where a query looks.
#![allow(
    unsafe_code,
    reason = "mapping a file is unsafe because others may change it meanwhile; heshan replaces whole files"
)]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};
use crate::space::index::{BoxIndex, Bytes, BytesError};

/// A saved index, mapped into memory.
pub type MappedIndex = BoxIndex<Bytes<Mmap>>;

/// Opens an index saved by [`crate::write::index::write`] and reads it once to see that it is whole.
///
/// The file must not be changed while it is open; saving an index anew puts a new file in its place and harms no one
/// who has the old one open.
///
/// # Errors
/// `Input`, naming the file, where it cannot be read, is no index, is truncated or damaged, or was written by another
/// version or on a machine with another byte order.
pub fn open(path: &Path) -> Result<MappedIndex> {
    let unreadable = |e: std::io::Error| {
        Error::input(format!("the index cannot be read: {e}"), format!("无法读取空间索引:{e}"))
            .in_file(path)
            .remedy("check the path and the right to read it", "请检查路径与读取权限")
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() == 0 {
        return Err(unfit(path, BytesError::Foreign));
    }
    // SAFETY: the mapping is read only; that nobody cuts the file short meanwhile is the contract above
    let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
    let index = BoxIndex::from_bytes(map).map_err(|e| unfit(path, e))?;
    index.verify().map_err(|e| unfit(path, e))?;
    Ok(index)
}

fn unfit(path: &Path, why: BytesError) -> Error {
    let zh = match why {
        BytesError::Foreign => "不是空间索引文件".to_owned(),
        BytesError::Version(v) => format!("空间索引格式版本为 {v},本程序无法读取"),
        BytesError::ByteOrder => "空间索引由字节序不同的机器写出".to_owned(),
        BytesError::Header => "空间索引文件头已损坏".to_owned(),
        BytesError::Length { expected, found } => format!("空间索引文件应有 {expected} 字节,实有 {found} 字节"),
        BytesError::Unaligned => "空间索引在内存中未对齐".to_owned(),
        BytesError::Body => "空间索引内容已损坏".to_owned(),
    };
    Error::input(format!("no usable index: {why}"), zh)
        .in_file(path)
        .remedy("delete the file and have it made anew", "请删除该文件并重新生成")
}
