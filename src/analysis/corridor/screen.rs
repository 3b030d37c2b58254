//! Screening one site against the network.
