//! Reads the raw document of principals, collecting every mistake with its line.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use kafka_cluster::{Acl, AclOperation, AclPattern, AclResourceType};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::declared::DocumentError;
use crate::topic::TopicName;

/// The document as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDocument {
    pub(super) principals: Vec<RawPrincipal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrincipal {
    name: Spanned<String>,
    reason: Spanned<String>,
    rights: Vec<RawRight>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRight {
    resource: Spanned<String>,
    name: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    operations: Spanned<Vec<Spanned<String>>>,
    reason: Spanned<String>,
}

/// What was read so far, each with its line.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) principals: BTreeMap<String, u64>,
    pub(super) acls: BTreeMap<Acl, u64>,
    pub(super) mistakes: Vec<DocumentError>,
}

impl Reader {
    /// Takes a principal and its rights in.
    pub(super) fn principal(&mut self, raw: &RawPrincipal) {
        self.reason(&raw.reason);
        let (name, line) = (raw.name.value.as_str(), raw.name.referenced.line());
        if let Err(why) = check_principal(name) {
            self.mistake(line, format!("name {why}"));
        }
        let principal = format!("User:{name}");
        if let Some(first) = self.principals.insert(principal.clone(), line) {
            self.mistake(line, format!("{name} is there already in line {first}"));
        }
        for right in &raw.rights {
            self.right(&principal, right);
        }
    }

    fn right(&mut self, principal: &str, raw: &RawRight) {
        self.reason(&raw.reason);
        let kind: Option<AclResourceType> = self.word(&raw.resource);
        let resource = kind.and_then(|kind| Some((kind, self.resource(kind, raw)?)));
        if raw.operations.value.is_empty() {
            let line = raw.operations.referenced.line();
            self.mistake(line, "operations must name one at least");
        }
        for text in &raw.operations.value {
            let Some(operation) = self.word::<AclOperation>(text) else {
                continue;
            };
            let line = text.referenced.line();
            if let Some(kind) = kind
                && !kind.operations().contains(&operation)
            {
                self.mistake(line, format!("a {kind} has no operation {operation}"));
            }
            let Some((kind, (pattern, name))) = &resource else {
                continue;
            };
            let acl = Acl {
                pattern: *pattern,
                ..Acl::allow(principal, operation, *kind, name)
            };
            let words = acl.to_string();
            if let Some(first) = self.acls.insert(acl, line) {
                self.mistake(line, format!("{words} is there already in line {first}"));
            }
        }
    }

    /// How the resource of a right is named.
    fn resource(&mut self, kind: AclResourceType, raw: &RawRight) -> Option<(AclPattern, String)> {
        let (pattern, text) = match (kind, &raw.name, &raw.prefix) {
            (AclResourceType::Cluster, None, None) => {
                return Some((AclPattern::Literal, Acl::CLUSTER.to_owned()));
            }
            (AclResourceType::Cluster, ..) => {
                let line = raw.resource.referenced.line();
                self.mistake(line, "there is one cluster: give neither name nor prefix");
                return None;
            }
            (_, Some(name), None) => (AclPattern::Literal, name),
            (_, None, Some(prefix)) => (AclPattern::Prefixed, prefix),
            _ => {
                let line = raw.resource.referenced.line();
                self.mistake(line, "give either a name or a prefix");
                return None;
            }
        };
        if let Err(why) = check_resource_name(kind, pattern, &text.value) {
            self.mistake(text.referenced.line(), why);
            return None;
        }
        Some((pattern, text.value.clone()))
    }

    fn word<T: FromStr<Err: Display>>(&mut self, text: &Spanned<String>) -> Option<T> {
        match text.value.parse::<T>() {
            Ok(word) => Some(word),
            Err(error) => {
                self.mistake(text.referenced.line(), error.to_string());
                None
            }
        }
    }

    fn reason(&mut self, text: &Spanned<String>) {
        if text.value.trim().is_empty() {
            self.mistake(text.referenced.line(), "reason must not be empty");
        }
    }

    fn mistake(&mut self, line: u64, message: impl Into<String>) {
        self.mistakes.push(DocumentError::at(line, message));
    }
}

fn check_principal(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("must not be empty"),
        Acl::ANY => Err("must be that of one principal: * is everybody"),
        _ if name.starts_with("User:") => Err("is given without \"User:\""),
        _ if name.trim() != name => Err("must not begin or end with a blank"),
        _ => Ok(()),
    }
}

fn check_resource_name(
    kind: AclResourceType,
    pattern: AclPattern,
    name: &str,
) -> Result<(), String> {
    let key = match pattern {
        AclPattern::Literal => "name",
        AclPattern::Prefixed => "prefix",
    };
    match (pattern, name) {
        (_, "") => Err(format!("{key} must not be empty")),
        (AclPattern::Literal, Acl::ANY) => Ok(()),
        (AclPattern::Prefixed, Acl::ANY) => Err("for every one give name: \"*\"".to_owned()),
        _ if kind == AclResourceType::Topic => TopicName::parse(name)
            .map(drop)
            .map_err(|error| format!("{key} {error}")),
        _ => Ok(()),
    }
}
