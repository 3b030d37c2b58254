//! What the allocator does with memory that was freed.
#![allow(unsafe_code, reason = "the C library's allocator is set by a C function alone")]

/// Blocks up to this size come from memory that is kept, bytes.
const KEPT: i32 = 64 << 20;
/// Free memory beyond this goes back to the system, bytes.
const RETURNED: i32 = 128 << 20;

/// Keeps the memory of blocks for the blocks to come: glibc would hand each megabyte back to the system when it is freed,
/// and the system clears every page anew when the next is taken, which cost a quarter of the time of a raster job.
pub(super) fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt may be called at any time; it takes numbers and answers one
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, KEPT);
        libc::mallopt(libc::M_TRIM_THRESHOLD, RETURNED);
    }
}
