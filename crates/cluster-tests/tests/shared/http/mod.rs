//! The services as their users meet them: HTTP by base URL. The same tests hold for services that
//! were started by other means (`TEST_SERVICES`).

mod admin;
mod admin_api;
mod canary;
mod conventions;
pub mod group_classes;
pub mod health;
pub mod load_test;
mod openapi;
