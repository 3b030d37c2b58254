//! The only file that calls PROJ: safe handles over the C functions that the rest of `crs` needs.
//!
//! Every handle owns or shares its `PJ_CONTEXT`, so nothing here is shared between threads. Network access is
//! switched off (the same input gives the same coordinates on every machine) and PROJ's messages are kept for the
//! error text instead of going to stderr.
#![expect(unsafe_code, reason = "PROJ is a C library; this is the one file that talks to it")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

use geo::Coord;
use proj_sys as ffi;

/// West, south, east, north in degrees.
pub(super) type Bounds = [f64; 4];

/// One PROJ context: settings, database handle, last message.
pub(super) struct Context {
    raw: *mut ffi::PJ_CONTEXT,
    message: Box<RefCell<String>>,
}

unsafe extern "C" fn keep_message(slot: *mut c_void, _level: c_int, text: *const c_char) {
    if slot.is_null() || text.is_null() {
        return;
    }
    // SAFETY: `slot` is the boxed RefCell of the context that logs, alive as long as the context.
    let slot = unsafe { &*(slot as *const RefCell<String>) };
    if let Ok(mut s) = slot.try_borrow_mut() {
        *s = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    }
}

impl Context {
    pub(super) fn new() -> Rc<Self> {
        let message = Box::new(RefCell::new(String::new()));
        // SAFETY: a fresh context; the log slot outlives it (dropped after `proj_context_destroy`).
        let raw = unsafe { ffi::proj_context_create() };
        unsafe {
            let slot = std::ptr::from_ref(message.as_ref()) as *mut c_void;
            ffi::proj_log_func(raw, slot, Some(keep_message));
            ffi::proj_log_level(raw, ffi::PJ_LOG_LEVEL_PJ_LOG_ERROR);
            ffi::proj_context_set_enable_network(raw, 0);
        }
        Rc::new(Self { raw, message })
    }

    /// What PROJ said last; empty where it said nothing.
    pub(super) fn last_message(&self) -> String {
        self.message.borrow().clone()
    }

    /// A `key` of proj.db's metadata table, e.g. `EPSG.VERSION`.
    pub(super) fn database_metadata(&self, key: &str) -> Option<String> {
        let key = CString::new(key).ok()?;
        text(unsafe { ffi::proj_context_get_database_metadata(self.raw, key.as_ptr()) })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: every Pj holds the context by Rc, so none is left.
        unsafe { ffi::proj_context_destroy(self.raw) };
    }
}

fn text(p: *const c_char) -> Option<String> {
    if p.is_null() {
        return None;
    }
    // SAFETY: PROJ returns NUL-terminated strings that live until the next call on the same object.
    Some(unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned())
}

/// What sort of CRS an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Geographic2D,
    Geographic3D,
    Projected,
    Compound,
    Bound,
    Engineering,
    Geocentric,
    Vertical,
    Other,
}

/// One axis of a coordinate system.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) unit: String,
    /// Radians or metres in one unit.
    pub(super) to_si: f64,
}

/// One parameter of a map projection.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) code: String,
    /// In radians, metres or unity.
    pub(super) si: f64,
}

/// The method and parameters of a projected CRS.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conversion {
    pub(super) method: String,
    pub(super) method_code: String,
    pub(super) params: Vec<Param>,
}

/// One PROJ object.
pub(super) struct Pj {
    raw: *mut ffi::PJ,
    ctx: Rc<Context>,
}

impl Drop for Pj {
    fn drop(&mut self) {
        // SAFETY: `raw` is owned by this handle alone.
        unsafe { ffi::proj_destroy(self.raw) };
    }
}

impl Pj {
    fn own(ctx: &Rc<Context>, raw: *mut ffi::PJ) -> Option<Self> {
        (!raw.is_null()).then(|| Self { raw, ctx: Rc::clone(ctx) })
    }

    /// From `EPSG:n`, WKT of any flavour, a PROJ string or PROJJSON.
    pub(super) fn create(ctx: &Rc<Context>, definition: &str) -> Option<Self> {
        let def = CString::new(definition).ok()?;
        ctx.message.borrow_mut().clear();
        Self::own(ctx, unsafe { ffi::proj_create(ctx.raw, def.as_ptr()) })
    }

    pub(super) fn is_crs(&self) -> bool {
        unsafe { ffi::proj_is_crs(self.raw) != 0 }
    }

    pub(super) fn sort(&self) -> Sort {
        match unsafe { ffi::proj_get_type(self.raw) } {
            ffi::PJ_TYPE_PJ_TYPE_GEOGRAPHIC_2D_CRS => Sort::Geographic2D,
            ffi::PJ_TYPE_PJ_TYPE_GEOGRAPHIC_3D_CRS => Sort::Geographic3D,
            ffi::PJ_TYPE_PJ_TYPE_PROJECTED_CRS => Sort::Projected,
            ffi::PJ_TYPE_PJ_TYPE_COMPOUND_CRS => Sort::Compound,
            ffi::PJ_TYPE_PJ_TYPE_BOUND_CRS => Sort::Bound,
            ffi::PJ_TYPE_PJ_TYPE_ENGINEERING_CRS => Sort::Engineering,
            ffi::PJ_TYPE_PJ_TYPE_GEOCENTRIC_CRS => Sort::Geocentric,
            ffi::PJ_TYPE_PJ_TYPE_VERTICAL_CRS => Sort::Vertical,
            _ => Sort::Other,
        }
    }

    pub(super) fn name(&self) -> String {
        text(unsafe { ffi::proj_get_name(self.raw) }).unwrap_or_default()
    }

    /// `AUTH:CODE` that the object carries.
    pub(super) fn id(&self) -> Option<String> {
        let auth = text(unsafe { ffi::proj_get_id_auth_name(self.raw, 0) })?;
        let code = text(unsafe { ffi::proj_get_id_code(self.raw, 0) })?;
        Some(format!("{auth}:{code}"))
    }

    pub(super) fn sub_crs(&self, i: i32) -> Option<Self> {
        Self::own(&self.ctx, unsafe { ffi::proj_crs_get_sub_crs(self.ctx.raw, self.raw, i) })
    }

    /// The source of a bound CRS or of an operation.
    pub(super) fn source_crs(&self) -> Option<Self> {
        Self::own(&self.ctx, unsafe { ffi::proj_get_source_crs(self.ctx.raw, self.raw) })
    }

    pub(super) fn geodetic_crs(&self) -> Option<Self> {
        Self::own(&self.ctx, unsafe { ffi::proj_crs_get_geodetic_crs(self.ctx.raw, self.raw) })
    }

    /// The same object with easting or longitude first.
    pub(super) fn normalized(&self) -> Option<Self> {
        Self::own(&self.ctx, unsafe { ffi::proj_normalize_for_visualization(self.ctx.raw, self.raw) })
    }

    /// The name of the datum or of the datum ensemble.
    pub(super) fn datum_name(&self) -> Option<String> {
        let datum = unsafe { ffi::proj_crs_get_datum(self.ctx.raw, self.raw) };
        let datum = Self::own(&self.ctx, datum).or_else(|| self.ensemble())?;
        Some(datum.name())
    }

    fn ensemble(&self) -> Option<Self> {
        Self::own(&self.ctx, unsafe { ffi::proj_crs_get_datum_ensemble(self.ctx.raw, self.raw) })
    }

    /// Metres to which the members of the datum ensemble agree.
    pub(super) fn ensemble_accuracy(&self) -> Option<f64> {
        let e = self.ensemble()?;
        let m = unsafe { ffi::proj_datum_ensemble_get_accuracy(self.ctx.raw, e.raw) };
        (m >= 0.0).then_some(m)
    }

    /// Semi-major axis in metres and inverse flattening.
    pub(super) fn ellipsoid(&self) -> Option<(f64, f64)> {
        let e = Self::own(&self.ctx, unsafe { ffi::proj_get_ellipsoid(self.ctx.raw, self.raw) })?;
        let (mut a, mut b, mut computed, mut rf) = (0.0, 0.0, 0, 0.0);
        let ok =
            unsafe { ffi::proj_ellipsoid_get_parameters(self.ctx.raw, e.raw, &mut a, &mut b, &mut computed, &mut rf) };
        (ok != 0).then_some((a, rf))
    }

    /// Degrees east of Greenwich where the CRS counts longitude from.
    pub(super) fn prime_meridian_deg(&self) -> Option<f64> {
        let pm = Self::own(&self.ctx, unsafe { ffi::proj_get_prime_meridian(self.ctx.raw, self.raw) })?;
        let (mut lon, mut conv) = (0.0, 0.0);
        let ok =
            unsafe { ffi::proj_prime_meridian_get_parameters(self.ctx.raw, pm.raw, &mut lon, &mut conv, null_mut()) };
        (ok != 0).then(|| (lon * conv).to_degrees())
    }

    /// The first axis.
    pub(super) fn first_axis(&self) -> Option<Axis> {
        let cs = unsafe { ffi::proj_crs_get_coordinate_system(self.ctx.raw, self.raw) };
        let cs = Self::own(&self.ctx, cs)?;
        let (mut to_si, mut unit) = (0.0, null());
        let ok = unsafe {
            ffi::proj_cs_get_axis_info(
                self.ctx.raw,
                cs.raw,
                0,
                null_mut(),
                null_mut(),
                null_mut(),
                &mut to_si,
                &mut unit,
                null_mut(),
                null_mut(),
            )
        };
        (ok != 0).then(|| Axis { unit: text(unit).unwrap_or_default(), to_si })
    }

    /// The projection of a projected CRS.
    pub(super) fn conversion(&self) -> Option<Conversion> {
        let op = unsafe { ffi::proj_crs_get_coordoperation(self.ctx.raw, self.raw) };
        let op = Self::own(&self.ctx, op)?;
        let (mut name, mut code) = (null(), null());
        let ok =
            unsafe { ffi::proj_coordoperation_get_method_info(self.ctx.raw, op.raw, &mut name, null_mut(), &mut code) };
        if ok == 0 {
            return None;
        }
        let (method, method_code) = (text(name).unwrap_or_default(), text(code).unwrap_or_default());
        let n = unsafe { ffi::proj_coordoperation_get_param_count(self.ctx.raw, op.raw) };
        let params = (0..n).filter_map(|i| op.param(i)).collect();
        Some(Conversion { method, method_code, params })
    }

    fn param(&self, index: i32) -> Option<Param> {
        let (mut name, mut code, mut value, mut conv) = (null(), null(), 0.0, 0.0);
        let ok = unsafe {
            ffi::proj_coordoperation_get_param(
                self.ctx.raw,
                self.raw,
                index,
                &mut name,
                null_mut(),
                &mut code,
                &mut value,
                null_mut(),
                &mut conv,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        let (name, code) = (text(name).unwrap_or_default(), text(code).unwrap_or_default());
        (ok != 0).then_some(Param { name, code, si: value * conv })
    }

    /// The `TOWGS84` values of a bound CRS (metres, arc seconds, ppm), where it has them.
    pub(super) fn to_wgs84(&self) -> Option<[f64; 7]> {
        let op = unsafe { ffi::proj_crs_get_coordoperation(self.ctx.raw, self.raw) };
        let op = Self::own(&self.ctx, op)?;
        let mut v = [0.0; 7];
        let ok = unsafe { ffi::proj_coordoperation_get_towgs84_values(self.ctx.raw, op.raw, v.as_mut_ptr(), 7, 0) };
        (ok != 0).then_some(v)
    }

    /// Where the CRS or operation is meant to be used: west, south, east, north in degrees.
    pub(super) fn area_of_use(&self) -> Option<Bounds> {
        let mut b = [0.0f64; 4];
        let [w, s, e, n] = &mut b;
        let ok = unsafe { ffi::proj_get_area_of_use(self.ctx.raw, self.raw, w, s, e, n, null_mut()) };
        // PROJ writes -1000 where it does not know
        (ok != 0 && b.iter().all(|v| v.abs() <= 360.0)).then_some(b)
    }

    /// WKT2:2019 on one line.
    pub(super) fn wkt2(&self) -> Option<String> {
        let opt = c"MULTILINE=NO";
        let options = [opt.as_ptr(), null()];
        text(unsafe { ffi::proj_as_wkt(self.ctx.raw, self.raw, ffi::PJ_WKT_TYPE_PJ_WKT2_2019, options.as_ptr()) })
    }

    /// The PROJ pipeline of an operation.
    pub(super) fn pipeline(&self) -> Option<String> {
        text(unsafe { ffi::proj_as_proj_string(self.ctx.raw, self.raw, ffi::PJ_PROJ_STRING_TYPE_PJ_PROJ_5, null()) })
    }

    /// True where both describe the same CRS, axis order set aside.
    pub(super) fn same_crs(&self, other: &Self) -> bool {
        let (Some(a), Some(b)) = (self.normalized(), other.normalized()) else {
            return false;
        };
        unsafe {
            ffi::proj_is_equivalent_to_with_ctx(
                self.ctx.raw,
                a.raw,
                b.raw,
                ffi::PJ_COMPARISON_CRITERION_PJ_COMP_EQUIVALENT,
            ) != 0
        }
    }

    /// EPSG objects that PROJ takes this CRS for, with its confidence in percent, best first.
    pub(super) fn identify(&self) -> Vec<(Self, i32)> {
        let auth = c"EPSG";
        let mut confidence: *mut c_int = null_mut();
        let list = unsafe { ffi::proj_identify(self.ctx.raw, self.raw, auth.as_ptr(), null(), &mut confidence) };
        let mut found = Vec::new();
        for (i, pj) in self.take_list(list).into_iter().enumerate() {
            // SAFETY: PROJ gives as many confidences as list entries.
            let c = if confidence.is_null() { 0 } else { unsafe { *confidence.add(i) } };
            found.push((pj, c));
        }
        unsafe { ffi::proj_int_list_destroy(confidence) };
        found
    }

    fn take_list(&self, list: *mut ffi::PJ_OBJ_LIST) -> Vec<Self> {
        if list.is_null() {
            return Vec::new();
        }
        let n = unsafe { ffi::proj_list_get_count(list) };
        let all =
            (0..n).filter_map(|i| Self::own(&self.ctx, unsafe { ffi::proj_list_get(self.ctx.raw, list, i) })).collect();
        unsafe { ffi::proj_list_destroy(list) };
        all
    }

    /// Every operation from this CRS to `target` that PROJ can run here, in PROJ's order of preference.
    pub(super) fn operations_to(&self, target: &Self, area: Option<Bounds>) -> Vec<Self> {
        let ctx = self.ctx.raw;
        let list = unsafe {
            let factory = ffi::proj_create_operation_factory_context(ctx, null());
            if factory.is_null() {
                return Vec::new();
            }
            if let Some([w, s, e, n]) = area {
                ffi::proj_operation_factory_context_set_area_of_interest(ctx, factory, w, s, e, n);
            }
            ffi::proj_operation_factory_context_set_spatial_criterion(
                ctx,
                factory,
                ffi::PROJ_SPATIAL_CRITERION_PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION,
            );
            ffi::proj_operation_factory_context_set_grid_availability_use(
                ctx,
                factory,
                ffi::PROJ_GRID_AVAILABILITY_USE_PROJ_GRID_AVAILABILITY_DISCARD_OPERATION_IF_MISSING_GRID,
            );
            let list = ffi::proj_create_operations(ctx, self.raw, target.raw, factory);
            ffi::proj_operation_factory_context_destroy(factory);
            list
        };
        self.take_list(list)
    }

    /// Accuracy of an operation in metres, `None` where unknown.
    pub(super) fn accuracy_m(&self) -> Option<f64> {
        let m = unsafe { ffi::proj_coordoperation_get_accuracy(self.ctx.raw, self.raw) };
        (m >= 0.0).then_some(m)
    }

    /// True where the operation changes the datum without parameters.
    pub(super) fn is_ballpark(&self) -> bool {
        unsafe { ffi::proj_coordoperation_has_ballpark_transformation(self.ctx.raw, self.raw) != 0 }
    }

    /// Transforms in place; a point that cannot be transformed becomes infinite.
    pub(super) fn transform(&self, points: &mut [Coord<f64>], inverse: bool) {
        if points.is_empty() {
            return;
        }
        let (n, step, base) = (points.len(), size_of::<Coord<f64>>(), points.as_mut_ptr());
        // SAFETY: there is a first point, and `base` points at it.
        let (x, y) = unsafe { (&raw mut (*base).x, &raw mut (*base).y) };
        let direction = if inverse { ffi::PJ_DIRECTION_PJ_INV } else { ffi::PJ_DIRECTION_PJ_FWD };
        // SAFETY: x and y point at the fields of the first of `n` coordinates, `step` bytes apart.
        unsafe {
            ffi::proj_errno_reset(self.raw);
            ffi::proj_trans_generic(self.raw, direction, x, step, n, y, step, n, null_mut(), 0, 0, null_mut(), 0, 0);
        }
    }
}

/// The version of the PROJ library in this process.
pub(super) fn library_version() -> String {
    text(unsafe { ffi::proj_info() }.version).unwrap_or_default()
}
