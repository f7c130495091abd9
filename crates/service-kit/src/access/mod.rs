//! Who may call: bearer tokens with a role, where a file of them is given. Without one everybody who
//! reaches the service may do everything, so that it listens on loopback only unless told otherwise.
//!
//! A browser cannot send a bearer token by itself: the same token is taken as the password of HTTP's
//! Basic authentication, with any user name.

mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::ensure;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::Problem;
use crate::settings::HttpSettings;

pub use tokens::{NewToken, TokenFile};

/// What a caller may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Changes things.
    Operator,
    /// Also what cannot be taken back.
    Admin,
}

/// Who calls; an extension of each request that came with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// How the topics begin that it may touch; empty for all.
    pub topic_prefix: String,
}

/// Paths that need no token: probes, metrics, and what describes the API.
const OPEN: [&str; 4] = ["/livez", "/readyz", "/metrics", "/api-docs/"];
const OPEN_PAGES: &str = "/swagger-ui";
/// Both ways to send a token.
const CHALLENGE: HeaderValue = HeaderValue::from_static(
    "Bearer realm=\"kafka-log-streaming-cluster\", Basic realm=\"kafka-log-streaming-cluster\"",
);

/// The rules of one service. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    tokens: Option<Arc<TokenFile>>,
    needs: fn(&Method, &Uri) -> Role,
    knows_topics: bool,
}

impl Access {
    /// Reads the file of tokens, where the settings name one. Looking takes a viewer, everything else an
    /// operator.
    ///
    /// # Errors
    /// The file cannot be read, or a line is wrong, by its number.
    pub fn open(http: &HttpSettings) -> anyhow::Result<Self> {
        let tokens = http
            .tokens_file
            .as_deref()
            .map(TokenFile::open)
            .transpose()?;
        Ok(Self {
            tokens: tokens.map(Arc::new),
            needs: usual_role,
            knows_topics: false,
        })
    }

    /// The role that each call takes is told by `needs`, and whether a token's topics allow it is judged by
    /// the service itself. Otherwise such a token only looks.
    #[must_use]
    pub fn judged_by(mut self, needs: fn(&Method, &Uri) -> Role) -> Self {
        self.needs = needs;
        self.knows_topics = true;
        self
    }

    /// Who calls, as far as that is known, and why the call is refused.
    fn check(&self, request: &Request) -> (Option<Caller>, Result<(), Problem>) {
        let path = request.uri().path();
        let open = path.starts_with(OPEN_PAGES) || OPEN.iter().any(|open| path.starts_with(open));
        let Some(tokens) = self.tokens.as_ref().filter(|_| !open) else {
            return (None, Ok(()));
        };
        let caller = token(request.headers()).and_then(|token| tokens.caller(&token));
        let judged = match &caller {
            Some(caller) => self.judge(caller, (self.needs)(request.method(), request.uri())),
            None => {
                let detail = "a token is needed: Authorization: Bearer TOKEN";
                let status = StatusCode::UNAUTHORIZED;
                Err(Problem::new(status, "unauthenticated", detail))
            }
        };
        (caller, judged)
    }

    fn judge(&self, caller: &Caller, needs: Role) -> Result<(), Problem> {
        if caller.role < needs {
            let detail = format!(
                "token {:?} has the role {:?}; this call takes {needs:?}",
                caller.name, caller.role
            );
            return Err(forbidden("role_forbidden", detail.to_lowercase()));
        }
        if !self.knows_topics && needs > Role::Viewer && !caller.topic_prefix.is_empty() {
            let detail = format!("token {:?} is for some topics only", caller.name);
            return Err(forbidden("topic_forbidden", detail));
        }
        Ok(())
    }
}

impl Caller {
    /// Whether it may touch `topic`; `None` is about more than one topic.
    ///
    /// # Errors
    /// 403 `topic_forbidden`.
    pub fn check_topic(&self, topic: Option<&str>) -> Result<(), Problem> {
        if topic.unwrap_or_default().starts_with(&self.topic_prefix) {
            return Ok(());
        }
        let (name, prefix) = (&self.name, &self.topic_prefix);
        let detail = format!("token {name:?} is for topics that begin with {prefix:?}");
        Err(forbidden("topic_forbidden", detail))
    }
}

/// Refuses to be open to a network without saying so.
///
/// # Errors
/// `listen` is no loopback address, there are no tokens, and nobody said that this is meant.
pub(crate) fn check_address(listen: SocketAddr, http: &HttpSettings) -> anyhow::Result<()> {
    ensure!(
        listen.ip().is_loopback() || http.tokens_file.is_some() || http.listen_without_tokens,
        "{listen} can be reached by others, and they could change everything: give TOKENS_FILE, or say \
         LISTEN_WITHOUT_TOKENS=true"
    );
    Ok(())
}

/// The layer; goes around all routes. The answer carries the [`Caller`] as well, for whoever keeps account
/// of refusals.
pub(crate) async fn layer(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, judged) = access.check(&request);
    let mut response = match judged {
        Ok(()) => {
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            next.run(request).await
        }
        Err(problem) => {
            let unauthenticated = problem.status == StatusCode::UNAUTHORIZED;
            let mut response = problem.into_response();
            if unauthenticated {
                let headers = response.headers_mut();
                headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
            }
            response
        }
    };
    if let Some(caller) = caller {
        response.extensions_mut().insert(caller);
    }
    response
}

fn usual_role(method: &Method, _: &Uri) -> Role {
    if method.is_safe() {
        Role::Viewer
    } else {
        Role::Operator
    }
}

fn forbidden(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}

fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    let decoded = BASE64_STANDARD.decode(credentials.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (_, password) = text.split_once(':')?;
    scheme
        .eq_ignore_ascii_case("basic")
        .then(|| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(authorization: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        headers
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_the_password_of_basic() {
        assert_eq!(token(&with("Bearer abc")).as_deref(), Some("abc"));
        assert_eq!(token(&with("bearer abc")).as_deref(), Some("abc"));
        let basic = BASE64_STANDARD.encode("anybody:abc");
        assert_eq!(
            token(&with(&format!("Basic {basic}"))).as_deref(),
            Some("abc")
        );
        for wrong in ["abc", "Basic ???", "Digest abc"] {
            assert_eq!(token(&with(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_for_some_topics_touches_no_others() {
        let caller = |prefix: &str| Caller {
            name: "ci".to_owned(),
            role: Role::Operator,
            topic_prefix: prefix.to_owned(),
        };
        assert!(caller("app-").check_topic(Some("app-1")).is_ok());
        assert!(caller("").check_topic(None).is_ok());
        for other in [Some("orders"), None] {
            let problem = caller("app-").check_topic(other).unwrap_err();
            assert_eq!(problem.code, "topic_forbidden");
        }
    }
}
