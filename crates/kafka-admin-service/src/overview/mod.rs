//! The cluster as a whole: what it has, which broker holds what, and what deserves attention.

pub mod attention;
mod uneven;
pub mod view;
