//! Style and script, as files of their own: a page's policy allows nothing that stands in the page.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Path of the style.
pub const STYLE: &str = "/assets/pages.css";
/// Path of the script.
pub const SCRIPT: &str = "/assets/live.js";

/// The files that every page asks for.
pub fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(STYLE, get(style))
        .route(SCRIPT, get(script))
}

async fn style() -> Response {
    file(
        "text/css; charset=utf-8",
        include_str!("../assets/pages.css"),
    )
}

async fn script() -> Response {
    file(
        "text/javascript; charset=utf-8",
        include_str!("../assets/live.js"),
    )
}

/// Asked for anew with each page, so that a new version of the service shows at once; they are small.
fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
