//! What GDAL complains of, heard instead of printed, by thread.

use std::cell::RefCell;
use std::sync::Once;

use gdal::errors::CplErrType;

thread_local!(static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

/// Hears GDAL's errors from now on; warnings are left out.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gdal::config::set_error_handler(|kind, _, text| {
            if matches!(kind, CplErrType::Failure | CplErrType::Fatal) {
                SAID.with_borrow_mut(|s| s.push(text.to_owned()));
            }
        });
    });
}

/// The errors of this thread since the last call.
pub(crate) fn take() -> Vec<String> {
    SAID.take()
}
