//! Pages of the services: the shell around each, its style, and plots; all made on the server.
//!
//! A page is whole without JavaScript. One small script keeps the marked part of a page that is still
//! changing up to date; without it such a page loads itself again. What is on a page is its service's
//! business: nothing here knows of topics, health or load.

mod assets;
pub mod number;
pub mod plot;
mod shell;

pub use assets::assets;
pub use shell::{Link, Shell};
