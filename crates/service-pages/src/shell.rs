//! What is around every page.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::assets::{SCRIPT, STYLE};

/// Only what the service itself serves; styles and scripts that stand in the page are none of ours.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// A link in the head of every page.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Where to.
    pub href: &'static str,
    /// In words.
    pub text: &'static str,
}

/// What all pages of a service have around them.
#[derive(Debug, Clone, Copy)]
pub struct Shell {
    /// The service's name, which leads to `/`.
    pub service: &'static str,
    /// Links beside it.
    pub links: &'static [Link],
    /// A line at the end.
    pub footer: &'static str,
}

#[derive(Template)]
#[template(path = "shell.html")]
struct Document<'a> {
    title: &'a str,
    service: &'a str,
    links: &'a [Link],
    footer: &'a str,
    style: &'a str,
    script: &'a str,
    refresh_s: Option<u32>,
    body: &'a str,
}

impl Shell {
    /// A page whose main part is the HTML `body`; `title` is plain text. Where there is no script it
    /// loads itself again every `refresh_s` seconds.
    ///
    /// # Errors
    /// The template's.
    pub fn page(
        &self,
        status: StatusCode,
        title: &str,
        refresh_s: Option<u32>,
        body: &str,
    ) -> askama::Result<Response> {
        let document = Document {
            title,
            service: self.service,
            links: self.links,
            footer: self.footer,
            style: STYLE,
            script: SCRIPT,
            refresh_s,
            body,
        };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
        ];
        Ok((status, headers, Html(document.render()?)).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(refresh_s: Option<u32>) -> String {
        Document {
            title: "<run>",
            service: "s",
            links: &[Link {
                href: "/swagger-ui/",
                text: "API",
            }],
            footer: "f",
            style: STYLE,
            script: SCRIPT,
            refresh_s,
            body: "<p>hello</p>",
        }
        .render()
        .unwrap()
    }

    #[test]
    fn the_title_is_text_and_the_body_is_html() {
        let html = html(None);
        assert!(html.contains("<title>&#60;run&#62; - s</title>"), "{html}");
        assert!(html.contains("<p>hello</p>"));
        assert!(!html.contains("http-equiv"));
    }

    #[test]
    fn only_a_page_that_changes_loads_itself_again_and_only_without_a_script() {
        let html = html(Some(2));
        assert!(html.contains("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"));
    }
}
