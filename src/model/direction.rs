//! The direction of a change.

/// What became of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Direction {
    /// The value fell below the lower threshold.
    Loss = 1,
    /// The value rose above the upper threshold.
    Gain = 2,
    /// Changed, by a method that knows no direction.
    Changed = 3,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Loss, Self::Gain, Self::Changed];

    /// Name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Gain => "gain",
            Self::Changed => "changed",
        }
    }

    /// Name for people.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Loss => "减少",
            Self::Gain => "增加",
            Self::Changed => "变化",
        }
    }

    /// By its number in class rasters.
    pub fn of(class: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|d| *d as u8 == class)
    }
}
