//! Fires in one scene, pixel by pixel.
//!
//! Two steps, so that a block is decoded once and neighbours are looked at only where a candidate stands: [`screen`] asks
//! each pixel by itself and leaves flags; [`context`] and [`thermal`] decide from the flags and values of a block and what
//! lies around it.

pub mod cluster;
pub mod context;
pub mod sagbt;
pub mod screen;
pub mod temperature;
pub mod thermal;

use crate::error::{Error, Result};
use crate::model::{Confidence, Role};
use Role::{Blue, Coastal, Green, Nir, Red, Swir1, Swir2, Tir};

/// A published way of telling fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Schroeder et al. 2016.
    Schroeder,
    /// Murphy et al. 2016, HOTMAP.
    Hotmap,
    /// Kumar & Roy 2018, GOLI.
    Goli,
    /// Several of the three above.
    Vote,
    /// Local robust anomaly of surface temperature.
    Thermal,
    /// Du et al. 2015, self-adaptive gradient-based threshold.
    Sagbt,
}

impl Method {
    /// All methods in the order of their bits.
    pub const ALL: [Self; 6] = [Self::Schroeder, Self::Hotmap, Self::Goli, Self::Vote, Self::Thermal, Self::Sagbt];
    /// Those that vote.
    pub const VOTERS: [Self; 3] = [Self::Schroeder, Self::Hotmap, Self::Goli];

    /// Name on the command line and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schroeder => "schroeder",
            Self::Hotmap => "hotmap",
            Self::Goli => "goli",
            Self::Vote => "vote",
            Self::Thermal => "thermal",
            Self::Sagbt => "sagbt",
        }
    }

    /// By name.
    ///
    /// # Errors
    /// `Usage` that lists the names.
    pub fn of(name: &str) -> Result<Self> {
        let lower = name.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|m| m.as_str() == lower).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::usage(format!("the method “{name}” is not known"), format!("未知方法“{name}”"))
                .remedy(format!("known are: {names}"), format!("可用:{names}"))
        })
    }

    /// Its bit in masks: 1 Schroeder, 2 HOTMAP, 4 GOLI, 8 vote, 16 thermal, 32 SAGBT.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The bands it cannot do without.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Schroeder | Self::Vote => &[Coastal, Blue, Green, Red, Nir, Swir1, Swir2],
            Self::Hotmap => &[Nir, Swir1, Swir2],
            Self::Goli => &[Blue, Green, Red, Nir, Swir1, Swir2],
            Self::Thermal | Self::Sagbt => &[Tir],
        }
    }
}

/// Names of the methods in a mask, with commas.
pub fn names(methods: u8) -> String {
    let named: Vec<&str> = Method::ALL.into_iter().filter(|m| methods & m.bit() != 0).map(Method::as_str).collect();
    named.join(",")
}

/// How sure a detection is, of the methods that found a pixel and those that are sure of it by itself: high where two
/// methods or more found it, one of them by the pixel itself, or where it is hot by day and by night; nominal where one
/// did so by the pixel itself, or two by its neighbours; else low. The vote itself is no method.
pub fn confidence(methods: u8, sure: u8) -> Confidence {
    let n = voices(methods);
    if n >= 2 && sure != 0 || sure & Method::Thermal.bit() != 0 {
        Confidence::High
    } else if n >= 2 || sure != 0 {
        Confidence::Nominal
    } else {
        Confidence::Low
    }
}

/// Number of methods that found a pixel; the vote is none.
pub fn voices(methods: u8) -> u32 {
    (methods & !Method::Vote.bit()).count_ones()
}

/// Adds the bit of the vote where at least `least` of the three voters found the pixel.
pub fn vote(methods: u8, least: u32) -> u8 {
    let voters = Method::VOTERS.into_iter().fold(0, |a, m| a | m.bit());
    if (methods & voters).count_ones() >= least { methods | Method::Vote.bit() } else { methods }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_three_and_how_sure() {
        let (s, h, g, t) = (Method::Schroeder.bit(), Method::Hotmap.bit(), Method::Goli.bit(), Method::Thermal.bit());
        assert_eq!((s, h, g, Method::Vote.bit(), t, Method::Sagbt.bit()), (1, 2, 4, 8, 16, 32));
        assert_eq!(vote(s | g, 2), s | g | 8);
        assert_eq!(vote(s | t, 2), s | t);
        assert_eq!(vote(s | h, 3), s | h);
        assert_eq!(names(s | g | 8), "schroeder,goli,vote");
        assert_eq!(confidence(s | 8, 0), Confidence::Low);
        assert_eq!(confidence(s, s), Confidence::Nominal);
        assert_eq!(confidence(s | g, 0), Confidence::Nominal);
        assert_eq!(confidence(s | g, s), Confidence::High);
        assert_eq!(confidence(t, t), Confidence::High);
        assert_eq!(Method::of("GOLI").unwrap(), Method::Goli);
        assert_eq!(Method::of("goly").unwrap_err().kind.exit_code(), 2);
    }
}
