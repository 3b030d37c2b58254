//! The loop of every raster job: units of work aligned to the file's tiles, many threads, bounded memory, results in
//! order.
//!
//! Threads take the next unit, compute it, and hand it in; whoever completes the next one in order carries it (and those
//! that waited behind it) to the sink. No thread runs further ahead than two units a thread, so memory is bounded by
//! threads × unit, and what the sink hears does not depend on the number of threads.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};

use crate::error::{Error, Result};
use crate::model::{Grid, Progress, Window};
use crate::write::raster::TILE;

/// Units that may be taken ahead of the one that the sink waits for, for each thread.
const AHEAD: usize = 2;
/// Rows of a unit at most where strips allow it.
const ROWS: usize = TILE;

/// Windows that cover the grid, row by row, each beginning at edges of output tiles: one output tile where the inputs'
/// tiles divide it or are the same, a multiple of it where they are larger, full rows where the inputs are striped.
pub(super) fn units(grid: &Grid, blocks: &[(usize, usize)]) -> Vec<Window> {
    units_from((TILE, ROWS), grid, blocks)
}

/// As [`units`], two output tiles wide at least where a tile of a file fills an output tile: two tiles of a file are
/// inflated in turns, in little more time than one ([`crate::read::raster`]). For jobs that read few bands.
pub(super) fn wide_units(grid: &Grid, blocks: &[(usize, usize)]) -> Vec<Window> {
    let alone = blocks.iter().any(|(w, _)| *w >= TILE);
    units_from((if alone { 2 * TILE } else { TILE }, ROWS), grid, blocks)
}

fn units_from(mut size: (usize, usize), grid: &Grid, blocks: &[(usize, usize)]) -> Vec<Window> {
    for (w, h) in blocks {
        let fit = |n: usize, most: usize| {
            if TILE.is_multiple_of(n) { TILE } else { n.div_ceil(TILE).saturating_mul(TILE).min(most) }
        };
        size.0 = size.0.max(fit(*w, grid.width.div_ceil(TILE) * TILE));
        size.1 = size.1.max(fit(*h, grid.height.div_ceil(TILE) * TILE));
    }
    let mut out = Vec::new();
    for row in (0..grid.height).step_by(size.1) {
        for col in (0..grid.width).step_by(size.0) {
            let (width, height) = (size.0.min(grid.width - col), size.1.min(grid.height - row));
            out.push(Window { col, row, width, height });
        }
    }
    out
}

struct State<R, S> {
    /// Next unit to be taken.
    next: usize,
    /// Unit the sink waits for.
    due: usize,
    waiting: BTreeMap<usize, R>,
    /// `None` while a thread carries results to it.
    sink: Option<S>,
    failed: Option<(usize, Error)>,
}

/// Runs `work` on every window and hands the results to `sink` in the order of the windows.
///
/// # Errors
/// The error of the first window (in order) that failed among those that were computed, or of the sink; an interruption.
pub(super) fn run<R: Send>(
    windows: &[Window],
    progress: &dyn Progress,
    work: impl Fn(Window) -> Result<R> + Sync,
    sink: impl FnMut(Window, R) -> Result<()> + Send,
) -> Result<()> {
    let threads = rayon::current_num_threads().min(windows.len()).max(1);
    let ahead = AHEAD * threads;
    let state = Mutex::new(State { next: 0, due: 0, waiting: BTreeMap::new(), sink: Some(sink), failed: None });
    let moved = Condvar::new();
    let worker = || {
        while let Some(i) = take(&state, &moved, windows.len(), ahead) {
            let done = progress.check().and_then(|()| work(windows[i]));
            hand_in(&state, &moved, windows, i, done);
            progress.advance(1);
        }
    };
    std::thread::scope(|s| {
        for _ in 1..threads {
            s.spawn(worker);
        }
        worker();
    });
    match state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).failed {
        Some((_, e)) => Err(e),
        None => Ok(()),
    }
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The next unit, once it is not too far ahead; `None` at the end or after a failure.
fn take<R, S>(state: &Mutex<State<R, S>>, moved: &Condvar, n: usize, ahead: usize) -> Option<usize> {
    let mut s = lock(state);
    loop {
        if s.failed.is_some() || s.next == n {
            return None;
        }
        if s.next < s.due + ahead {
            s.next += 1;
            return Some(s.next - 1);
        }
        s = moved.wait(s).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

fn hand_in<R, S: FnMut(Window, R) -> Result<()>>(
    state: &Mutex<State<R, S>>,
    moved: &Condvar,
    windows: &[Window],
    i: usize,
    done: Result<R>,
) {
    let mut s = lock(state);
    match done {
        Ok(r) => drop(s.waiting.insert(i, r)),
        Err(e) => fail(&mut s, i, e),
    }
    // one thread at a time carries; the others go on computing
    while let Some(mut sink) = s.sink.take() {
        let due = s.due;
        let Some(r) = s.waiting.remove(&due).filter(|_| s.failed.is_none()) else {
            s.sink = Some(sink);
            break;
        };
        drop(s);
        let put = sink(windows[due], r);
        s = lock(state);
        s.sink = Some(sink);
        s.due += 1;
        if let Err(e) = put {
            fail(&mut s, due, e);
        }
        moved.notify_all();
    }
    drop(s);
    moved.notify_all();
}

fn fail<R, S>(s: &mut State<R, S>, i: usize, e: Error) {
    if s.failed.as_ref().is_none_or(|(j, _)| i < *j) {
        s.failed = Some((i, e));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NoProgress;

    fn grid(width: usize, height: usize) -> Grid {
        Grid { transform: [0.0, 1.0, 0.0, 0.0, 0.0, -1.0], width, height, crs: None }
    }

    #[test]
    fn units_cover_every_pixel_once() {
        for (w, h, blocks, n) in [
            (1100, 600, vec![(512, 512)], 6),
            (1100, 600, vec![(256, 128)], 6),
            (1100, 600, vec![(1100, 1)], 2),
            (1100, 600, vec![(1024, 1024), (512, 512)], 2),
            (1100, 600, vec![(1100, 600)], 1),
            (1, 1, vec![(1, 1)], 1),
        ] {
            let u = units(&grid(w, h), &blocks);
            assert_eq!((u.len(), u.iter().map(Window::len).sum::<usize>()), (n, w * h), "{blocks:?}");
            assert!(u.iter().all(|u| u.col % TILE == 0 && u.row % TILE == 0));
        }
    }

    #[test]
    fn results_arrive_in_order_and_the_first_error_wins() {
        let windows = units(&grid(TILE * 40, 1), &[]);
        let mut heard = Vec::new();
        let slow_at_first = |w: Window| {
            if w.col == 0 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(w.col / TILE)
        };
        run(&windows, &NoProgress, slow_at_first, |_, i| {
            heard.push(i);
            Ok(())
        })
        .unwrap();
        assert_eq!(heard, (0..40).collect::<Vec<_>>());
        let e = run(
            &windows,
            &NoProgress,
            |_| Ok(()),
            |w, ()| {
                if w.col / TILE >= 7 { Err(Error::output(format!("{}", w.col / TILE), "")) } else { Ok(()) }
            },
        );
        assert_eq!(e.unwrap_err().what.en, "7");
        let e = run(
            &windows,
            &NoProgress,
            |w| if w.col == 0 { Err(Error::input("a", "")) } else { Ok(()) },
            |_, ()| Ok(()),
        );
        assert_eq!(e.unwrap_err().what.en, "a");
    }
}
