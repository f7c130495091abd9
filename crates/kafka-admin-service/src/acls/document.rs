//! The document of principals and their rights (`kafka/acls.yml`), read strictly.
//!
//! What is not of its form (no YAML, an unknown, repeated or missing key) is told alone, since nothing after
//! it can be read; all other mistakes are told at once.

use std::collections::BTreeSet;

use kafka_cluster::Acl;

use super::reader::{RawDocument, Reader};
use crate::declared::DocumentError;

/// The principals of a cluster and what they may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclDocument {
    /// Every principal that is named, as in `User:alice`; also those without a right.
    pub principals: BTreeSet<String>,
    /// All their rights, one operation each.
    pub acls: BTreeSet<Acl>,
}

impl AclDocument {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of lines; of what is not of the form, the first.
    pub fn parse(text: &str) -> Result<Self, Vec<DocumentError>> {
        let raw: RawDocument =
            serde_saphyr::from_str(text).map_err(|error| vec![DocumentError::of_yaml(&error)])?;
        let mut reader = Reader::default();
        for principal in &raw.principals {
            reader.principal(principal);
        }
        if !reader.mistakes.is_empty() {
            reader.mistakes.sort_by_key(|mistake| mistake.line);
            return Err(reader.mistakes);
        }
        Ok(Self {
            principals: reader.principals.into_keys().collect(),
            acls: reader.acls.into_keys().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "\
principals:
  - name: log-processor
    reason: reads log events
    rights:
      - resource: topic
        name: log-events
        operations: [Read, Describe]
        reason: Fetch
      - resource: group
        prefix: log-
        operations: [Read]
        reason: JoinGroup
      - resource: cluster
        operations: [Describe]
        reason: DescribeLogDirs
";

    fn told(text: &str) -> Vec<String> {
        let mistakes = AclDocument::parse(text).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_operation_of_each_right_is_one_acl() {
        let document = AclDocument::parse(ONE).unwrap();
        assert_eq!(
            document.principals,
            BTreeSet::from(["User:log-processor".to_owned()])
        );
        let acls: Vec<_> = document.acls.iter().map(ToString::to_string).collect();
        assert_eq!(
            acls,
            [
                "User:log-processor Allow Read on Topic Literal log-events",
                "User:log-processor Allow Describe on Topic Literal log-events",
                "User:log-processor Allow Read on Group Prefixed log-",
                "User:log-processor Allow Describe on Cluster Literal kafka-cluster",
            ]
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_lines() {
        let text = ONE
            .replace("name: log-processor", "name: User:log-processor")
            .replace("topic\n", "topics\n")
            .replace("[Read, Describe]", "[Read, Look]")
            .replace("prefix: log-", "prefix: \"*\"")
            .replace("reason: JoinGroup", "reason: \"\"")
            .replace("cluster\n", "cluster\n        name: kafka-cluster\n");
        assert_eq!(
            told(&text),
            [
                "line 2: name is given without \"User:\"",
                "line 5: \"topics\" is no resource: give one of Topic, Group, Cluster, \
                 TransactionalId",
                "line 7: \"Look\" is no operation: give one of All, Read, Write, Create, Delete, \
                 Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite",
                "line 10: for every one give name: \"*\"",
                "line 12: reason must not be empty",
                "line 13: there is one cluster: give neither name nor prefix",
            ]
        );
    }

    #[test]
    fn names_are_checked_where_kafka_would_store_what_never_matches() {
        let cases = [
            (
                ONE.replace("name: log-events", "name: log events"),
                "line 6: name may have only the characters",
            ),
            (
                ONE.replace("name: log-events", "name: \"\""),
                "line 6: name must not be empty",
            ),
            (
                ONE.replace("        name: log-events\n", ""),
                "line 5: give either a name or a prefix",
            ),
            (
                ONE.replace("prefix: log-", "prefix: log-\n        name: a"),
                "line 9: give either a name or a prefix",
            ),
            (
                ONE.replace("name: log-processor", "name: \"*\""),
                "line 2: name must be that of one principal",
            ),
            (
                ONE.replace("[Describe]\n", "[Write]\n"),
                "line 14: a Cluster has no operation Write",
            ),
            (
                ONE.replace("[Describe]\n", "[]\n"),
                "line 14: operations must name one at least",
            ),
        ];
        for (text, expected) in cases {
            let told = told(&text);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(expected), "{told:?}");
        }
    }

    #[test]
    fn what_is_there_twice_is_a_mistake() {
        let twice = format!("{ONE}{}", ONE.replace("principals:\n", ""));
        assert!(told(&twice)[0].ends_with("log-processor is there already in line 2"));
        assert_eq!(
            told(&ONE.replace("[Read, Describe]", "[Read, read]")),
            [
                "line 7: User:log-processor Allow Read on Topic Literal log-events is there already \
                 in line 7"
            ]
        );
    }

    #[test]
    fn what_is_not_of_the_form_is_refused_with_its_line() {
        let cases = [
            (
                ONE.replace("operations: [Describe]", "operation: Describe"),
                "line 14: unknown field `operation`",
            ),
            (
                ONE.replace("        reason: Fetch\n", ""),
                "line 7: missing field `reason`",
            ),
            (ONE.replace("principals", "users"), "line 1: unknown field"),
            ("principals: [".to_owned(), "line "),
        ];
        for (text, expected) in cases {
            let told = told(&text);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(expected), "{told:?}");
        }
    }

    #[test]
    fn a_principal_may_have_no_right() {
        let text = "principals:\n  - {name: gone, reason: left, rights: []}\n";
        let document = AclDocument::parse(text).unwrap();
        assert_eq!(
            document.principals,
            BTreeSet::from(["User:gone".to_owned()])
        );
        assert!(document.acls.is_empty());
    }
}
