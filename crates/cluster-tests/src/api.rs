//! A service as its users meet it: HTTP by base URL, nothing of its code. Every answer is held to the
//! service's own OpenAPI document.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::document::{Document, Seen};

/// What may have no end.
const STREAMS: [&[u8]; 2] = [b"text/event-stream", b"application/x-ndjson"];
/// After this it has nothing to say yet.
const STREAM_PATIENCE: Duration = Duration::from_secs(5);

/// One service.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: reqwest::Client,
    /// Read before the first answer is judged.
    document: Arc<OnceCell<Document>>,
}

/// One answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: header::HeaderMap,
    /// The body.
    pub text: String,
    /// From the call to the last byte.
    pub took: Duration,
}

/// The lines of an answer that may have no end.
#[derive(Debug)]
pub struct Lines {
    answer: reqwest::Response,
    read: Vec<u8>,
}

impl Lines {
    /// The next line that is not empty; `None` at the end.
    ///
    /// # Errors
    /// The answer was cut off.
    ///
    /// # Panics
    /// When it is no text.
    pub async fn next(&mut self) -> Result<Option<String>, reqwest::Error> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.drain(..=end).take(end).collect();
                let line = String::from_utf8(line).expect("a line of text");
                if !line.is_empty() {
                    return Ok(Some(line));
                }
            }
            match self.answer.chunk().await? {
                Some(chunk) => self.read.extend(chunk),
                None => return Ok(None),
            }
        }
    }
}

impl Api {
    /// The service at `base`, such as `http://127.0.0.1:8081`.
    ///
    /// # Panics
    /// When there is no TLS library to make a client with.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self::with_headers(base, header::HeaderMap::new())
    }

    /// The service at `base`, which wants a token.
    ///
    /// # Panics
    /// As [`Api::new`].
    #[must_use]
    pub fn with_token(base: &str, token: &str) -> Self {
        let value = format!("Bearer {}", token.trim());
        let value = value.parse().expect("a token is a header's value");
        Self::with_headers(base, [(header::AUTHORIZATION, value)].into_iter().collect())
    }

    fn with_headers(base: &str, headers: header::HeaderMap) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            client: reqwest::Client::builder()
                .default_headers(headers)
                .timeout(Duration::from_secs(120))
                // A kept connection belongs to the runtime of the test that opened it, and is gone
                // with that while another test takes it from the pool.
                .pool_max_idle_per_host(0)
                .build()
                .expect("a plain client"),
            document: Arc::default(),
        }
    }

    /// Where the service is.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// `GET path`; of a stream, which may have no end, only what comes first, if anything does soon.
    ///
    /// # Panics
    /// When no answer comes, or another than the service documents.
    pub async fn get_beginning(&self, path: &str) -> Answer {
        let started = Instant::now();
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.send().await;
        let mut answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error:?}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let media_type = headers.get("content-type");
        let streams = media_type.is_some_and(|media_type| STREAMS.contains(&media_type.as_bytes()))
            && !headers.contains_key("content-length");
        let mut text = Vec::new();
        loop {
            let next = answer.chunk();
            let chunk = if streams {
                let soon = tokio::time::timeout(STREAM_PATIENCE, next).await;
                soon.unwrap_or(Ok(None))
            } else {
                next.await
            };
            let chunk = chunk.unwrap_or_else(|error| panic!("GET {path}: {error}"));
            text.extend(chunk.iter().flatten());
            if streams || chunk.is_none() {
                break;
            }
        }
        let answer = Answer {
            status,
            headers,
            text: String::from_utf8_lossy(&text).into_owned(),
            took: started.elapsed(),
        };
        self.judge(&Method::GET, path, &answer).await;
        answer
    }

    /// `GET path`, to be read line by line as it comes.
    ///
    /// # Panics
    /// When it is not answered with 200.
    pub async fn lines(&self, path: &str, accept: &'static str) -> Lines {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.header(header::ACCEPT, accept).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error:?}"));
        assert_eq!(answer.status(), StatusCode::OK, "GET {path}");
        Lines {
            answer,
            read: Vec::new(),
        }
    }

    /// `POST path`, without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None).await
    }

    /// `POST path`, to be answered at once.
    pub async fn post_async(&self, path: &str) -> Answer {
        let prefer = vec![("prefer", "respond-async".to_owned())];
        self.send_with(Method::POST, path, prefer, "").await
    }

    /// `POST path` with a JSON body.
    pub async fn post_json(&self, path: &str, body: &str) -> Answer {
        let body = ("application/json", body.to_owned());
        self.send(Method::POST, path, Some(body)).await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch_json(&self, path: &str, body: &str) -> Answer {
        let body = ("application/json", body.to_owned());
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any call; `body` is content type and text.
    ///
    /// # Panics
    /// When no whole answer comes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Answer {
        match body {
            Some((content_type, text)) => {
                let headers = vec![("content-type", content_type.to_owned())];
                self.send_with(method, path, headers, text).await
            }
            None => self.send_with(method, path, Vec::new(), "").await,
        }
    }

    /// Any call with any headers; an empty body is none.
    ///
    /// # Panics
    /// When no whole answer comes, or another than the service documents.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: Vec<(&'static str, String)>,
        body: impl Into<String>,
    ) -> Answer {
        let started = Instant::now();
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.base))
            .body(body.into());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await;
        let answer = Answer {
            status,
            headers,
            text: text.unwrap_or_else(|error| panic!("{method} {path}: {error}")),
            took: started.elapsed(),
        };
        self.judge(&method, path, &answer).await;
        answer
    }

    async fn judge(&self, method: &Method, path: &str, answer: &Answer) {
        let document = self.document.get_or_init(|| async {
            let url = format!("{}/api-docs/openapi.json", self.base);
            let document = self.client.get(url).send().await;
            let document = document.expect("the service describes itself");
            let text = document.text().await.expect("the whole document");
            Document::new(serde_json::from_str(&text).expect("it is JSON"))
        });
        let seen = Seen {
            method: method.as_str(),
            path,
            status: answer.status.as_u16(),
            content_type: answer.header("content-type"),
            body: &answer.text,
        };
        if let Err(finding) = document.await.judge(seen) {
            panic!("{finding}: {seen:?}");
        }
        note_code(&seen);
    }
}

/// Leaves a file of the code's name in the folder `PROBLEM_CODES_SEEN`, where `./test.sh` looks for every
/// documented one.
fn note_code(seen: &Seen<'_>) {
    let folder = std::env::var_os("PROBLEM_CODES_SEEN");
    let Some(folder) = folder.filter(|_| seen.content_type.starts_with("application/problem+json"))
    else {
        return;
    };
    let problem: Value = serde_json::from_str(seen.body).expect("a problem is JSON");
    if let Some(code) = problem["code"].as_str() {
        let file = std::path::PathBuf::from(folder).join(code);
        std::fs::write(file, "").expect("the folder is there");
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{}: no JSON ({error}): {}", self.status, self.text))
    }

    /// The `code` of the body, where it is JSON and has one.
    #[must_use]
    pub fn json_code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.text).ok()?;
        body["code"].as_str().map(str::to_owned)
    }

    /// One header, empty when missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body, when the answer has this status.
    ///
    /// # Panics
    /// When it has another.
    pub fn ok_json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// Holds the answer to being a problem of this status and code, in the right form; returns it.
    ///
    /// # Panics
    /// When it is anything else.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
        assert!(problem["retriable"].is_boolean(), "{problem}");
        problem
    }

    /// Holds the answer to being a problem of this status that names `field`.
    ///
    /// # Panics
    /// When it is anything else.
    pub fn field_problem(&self, status: u16, field: &str) {
        let problem = self.problem(status, "invalid_input");
        let fields: Vec<_> = problem["errors"].as_array().into_iter().flatten().collect();
        assert!(
            fields.iter().any(|error| error["field"] == field),
            "{problem}"
        );
    }
}
