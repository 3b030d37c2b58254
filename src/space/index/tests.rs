//! Every query against brute force.
