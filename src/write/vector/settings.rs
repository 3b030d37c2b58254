//! What GDAL is told for the thread that writes.
#![allow(unsafe_code, reason = "GDAL's C interface: options of one thread are not in the safe wrapper")]

use std::ffi::{CStr, CString};
use std::ptr::null;

use chrono::{DateTime, Utc};

/// The time GDAL writes into files, for this thread, until dropped.
pub(super) struct Clock;

impl Clock {
    pub fn set(time: DateTime<Utc>) -> Self {
        option(c"OGR_CURRENT_DATE", Some(&time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()));
        Self
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        option(c"OGR_CURRENT_DATE", None);
    }
}

/// How GDAL opens SQLite files on this thread, until dropped: a staged file is written through to disk once, before it gets
/// its name, and not at each commit; pages of its index are kept in memory up to 64 MB.
pub(super) struct Unsynced;

impl Unsynced {
    pub fn set() -> Self {
        option(c"OGR_SQLITE_SYNCHRONOUS", Some("OFF"));
        option(c"OGR_SQLITE_CACHE", Some("64"));
        Self
    }
}

impl Drop for Unsynced {
    fn drop(&mut self) {
        option(c"OGR_SQLITE_SYNCHRONOUS", None);
        option(c"OGR_SQLITE_CACHE", None);
    }
}

/// Sets an option of GDAL for this thread.
fn option(name: &CStr, value: Option<&str>) {
    let value = value.and_then(|v| CString::new(v).ok());
    // SAFETY: both strings live through the call, which copies them
    unsafe {
        gdal_sys::CPLSetThreadLocalConfigOption(name.as_ptr(), value.as_ref().map_or(null(), |v| v.as_ptr()));
    }
}
