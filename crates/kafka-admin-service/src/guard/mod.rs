//! Guard rails: what topics of this cluster must be like, whoever asks. What breaks one is refused with
//! the field; what is merely unusual is a warning.

mod audit_log;
mod judge;
mod patterns;
mod settings;

pub use audit_log::{PROTECTED, shortenings};
pub use judge::{Surroundings, Verdict, cost, judge};
pub use patterns::{NamePattern, Protected, RequiredConfig};
pub use settings::GuardSettings;
