//! The OpenAPI document of a service as a judge of its answers: route, status, media type and schema
//! of each must be in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// A service's own description of what it answers.
#[derive(Debug)]
pub struct Document {
    document: Value,
    /// By the place of the schema in the document.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// What came back, as far as a document speaks of it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Such as `GET`.
    pub method: &'a str,
    /// With or without a query.
    pub path: &'a str,
    /// HTTP status.
    pub status: u16,
    /// The whole header, empty when there is none.
    pub content_type: &'a str,
    /// What was read of it.
    pub body: &'a str,
}

impl Document {
    /// The document of `/api-docs/openapi.json`.
    #[must_use]
    pub fn new(document: Value) -> Self {
        Self {
            document,
            validators: Mutex::default(),
        }
    }

    /// Holds an answer to the document.
    ///
    /// # Errors
    /// What it does not allow.
    pub fn judge(&self, seen: Seen<'_>) -> Result<(), String> {
        let media_type = seen.content_type.split(';').next().unwrap_or_default();
        let Some(operation) = self.operation(seen.method, seen.path) else {
            // Pages and Swagger UI's files are no calls; everything that programs read is one.
            let unknown = matches!(seen.status, 404 | 405) || !media_type.ends_with("json");
            return unknown
                .then_some(())
                .ok_or_else(|| "the call is not in the document".to_owned());
        };
        let place = format!("{operation}/responses/{}", seen.status);
        let response = self
            .document
            .pointer(&place)
            .ok_or("the status is not in the document")?;
        let Some(content) = response["content"].as_object() else {
            return if seen.body.is_empty() {
                Ok(())
            } else {
                Err("the document says that nothing follows".to_owned())
            };
        };
        let documented = [seen.content_type, media_type]
            .into_iter()
            .any(|given| content.contains_key(given));
        if !documented {
            let all: Vec<_> = content.keys().collect();
            return Err(format!("{:?} is none of {all:?}", seen.content_type));
        }
        let bodies: Vec<&str> = match media_type {
            "application/x-ndjson" => seen.body.lines().collect(),
            json if json.ends_with("json") => vec![seen.body],
            _ => return Ok(()),
        };
        let schema = format!("{place}/content/{}/schema", escaped(media_type));
        let validator = self.validator(&schema)?;
        for body in bodies {
            let value: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
            let errors: Vec<_> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            if !errors.is_empty() {
                return Err(format!("not as in the schema: {}", errors.join("; ")));
            }
        }
        Ok(())
    }

    /// Where the operation is in the document; a path without parameters goes before one with.
    fn operation(&self, method: &str, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or_default();
        let paths = self.document["paths"].as_object()?;
        let fits = |template: &&String| {
            let (mut given, mut wanted) = (path.split('/'), template.split('/'));
            loop {
                match (given.next(), wanted.next()) {
                    (None, None) => return true,
                    (Some(given), Some(wanted)) if given == wanted => {}
                    (Some(given), Some(wanted)) if wanted.starts_with('{') && !given.is_empty() => {
                    }
                    _ => return false,
                }
            }
        };
        let template = paths
            .keys()
            .filter(fits)
            .min_by_key(|template| template.matches('{').count())?;
        let method = method.to_lowercase();
        paths[template]
            .get(&method)
            .map(|_| format!("/paths/{}/{method}", escaped(template)))
    }

    fn validator(&self, place: &str) -> Result<Arc<Validator>, String> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(place) {
            return Ok(validator.clone());
        }
        let schema = self
            .document
            .pointer(place)
            .ok_or_else(|| format!("no schema at {place}"))?;
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::draft202012::new(&whole).map_err(|error| error.to_string())?;
        let validator = Arc::new(validator);
        validators.insert(place.to_owned(), validator.clone());
        Ok(validator)
    }
}

/// One step of a JSON pointer (RFC 6901).
fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document::new(json!({
            "paths": { "/things/{id}": { "get": { "responses": { "200": { "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } },
                "application/x-ndjson": { "schema": { "$ref": "#/components/schemas/Thing" } }
            } } } } } },
            "components": { "schemas": { "Thing": {
                "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" } }
            } } }
        }))
    }

    fn seen(body: &str) -> Seen<'_> {
        Seen {
            method: "GET",
            path: "/things/7?fields=id",
            status: 200,
            content_type: "application/json",
            body,
        }
    }

    #[test]
    fn what_is_as_documented_passes() {
        let document = document();
        assert_eq!(document.judge(seen(r#"{"id": 7}"#)), Ok(()));
        let lines = Seen {
            content_type: "application/x-ndjson",
            ..seen("{\"id\": 7}\n{\"id\": 8}\n")
        };
        assert_eq!(document.judge(lines), Ok(()));
    }

    #[test]
    fn another_body_status_media_type_or_call_does_not() {
        let document = document();
        let good = seen(r#"{"id": 7}"#);
        let wrong = [
            seen(r#"{"id": "seven"}"#),
            seen("{}"),
            seen("no JSON"),
            Seen {
                status: 201,
                ..good
            },
            Seen {
                content_type: "text/plain",
                ..good
            },
            Seen {
                path: "/thoughts",
                ..good
            },
            Seen {
                method: "POST",
                ..good
            },
            Seen {
                content_type: "application/x-ndjson",
                ..seen("{\"id\": 7}\n{}\n")
            },
        ];
        for seen in wrong {
            assert!(document.judge(seen).is_err(), "{seen:?}");
        }
    }

    #[test]
    fn pages_and_paths_that_are_not_there_are_not_its_business() {
        let document = document();
        let page = Seen {
            path: "/",
            content_type: "text/html; charset=utf-8",
            ..seen("<p>")
        };
        assert_eq!(document.judge(page), Ok(()));
        let absent = Seen {
            path: "/nothing",
            status: 404,
            content_type: "application/problem+json",
            ..seen("{}")
        };
        assert_eq!(document.judge(absent), Ok(()));
    }
}
