//! Who may do what in Kafka: declared in a file (`kafka/acls.yml`), compared with the cluster's ACLs, and
//! brought there by a command.
//!
//! The command talks to Kafka itself, as a super user: no service can run before its own rights are there,
//! and none should be able to change them.

mod command;
mod document;
mod plan;
mod reader;

pub use command::{AclArguments, run};
pub use document::AclDocument;
pub use plan::{AclPlan, plan};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kafka_cluster::{Acl, AclOperation, AclPattern, AclResourceType, Connection};

    use super::*;
    use crate::declared::Document;

    fn read(name: &str) -> String {
        let path = format!("{}/../../kafka/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn ours() -> AclDocument {
        AclDocument::parse(&read("acls.yml")).unwrap()
    }

    fn of<'a>(document: &'a AclDocument, principal: &str) -> impl Iterator<Item = &'a Acl> {
        let principal = format!("User:{principal}");
        let acls = document.acls.iter();
        acls.filter(move |acl| acl.principal == principal)
    }

    fn is_about(acl: &Acl, kind: AclResourceType, name: &str) -> bool {
        acl.resource_type == kind
            && match acl.pattern {
                AclPattern::Literal => [Acl::ANY, name].contains(&acl.resource_name.as_str()),
                AclPattern::Prefixed => name.starts_with(&acl.resource_name),
            }
    }

    #[test]
    fn the_document_of_this_repository_is_read() {
        let principals = [
            "kafka-admin-service",
            "kafka-health-service",
            "kafka-ui",
            "load-test-service",
            "log-processor",
            "operator",
        ];
        let named = principals.map(|name| format!("User:{name}"));
        assert_eq!(ours().principals, BTreeSet::from(named));
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        let looks = [
            AclOperation::Read,
            AclOperation::Describe,
            AclOperation::DescribeConfigs,
        ];
        let document = ours();
        for acl in ["operator", "kafka-ui", "log-processor"]
            .iter()
            .flat_map(|principal| of(&document, principal))
        {
            assert!(looks.contains(&acl.operation), "{acl}");
            let joins = is_about(acl, AclResourceType::Group, "log-processor")
                && acl.operation == AclOperation::Read;
            assert!(!joins || acl.principal == "User:log-processor", "{acl}");
        }
    }

    #[test]
    fn nobody_may_do_everything_and_one_may_alter_the_cluster() {
        let document = ours();
        assert!(
            document
                .acls
                .iter()
                .all(|acl| acl.operation != AclOperation::All)
        );
        let alter: Vec<_> = document
            .acls
            .iter()
            .filter(|acl| acl.resource_type == AclResourceType::Cluster)
            .filter(|acl| acl.operation == AclOperation::Alter)
            .map(|acl| acl.principal.as_str())
            .collect();
        assert_eq!(alter, ["User:kafka-admin-service"]);
    }

    #[test]
    fn no_load_may_be_written_to_evidence_or_to_topics_of_kafka() {
        let document = ours();
        for topic in ["audit-logs", "__consumer_offsets", "__health_canary"] {
            let mut rights = of(&document, "load-test-service");
            assert!(!rights.any(|acl| is_about(acl, AclResourceType::Topic, topic)));
        }
    }

    #[test]
    fn topics_that_are_named_are_declared_or_the_canarys() {
        let declared = Document::parse(&read("topics.yml")).unwrap();
        for acl in ours().acls {
            let by_name = acl.resource_type == AclResourceType::Topic
                && acl.pattern == AclPattern::Literal
                && acl.resource_name != Acl::ANY;
            if by_name {
                let name = acl.resource_name.as_str();
                let known = declared.names().contains(name) || name == "__health_canary";
                assert!(known, "{acl}");
            }
        }
    }

    #[test]
    fn the_group_of_each_services_own_client_may_be_looked_for() {
        let config = Connection::new("unused:1").admin_config();
        let group = config.get("group.id").unwrap();
        let document = ours();
        for service in [
            "kafka-admin-service",
            "kafka-health-service",
            "load-test-service",
        ] {
            let mut rights = of(&document, service);
            let found = rights.any(|acl| is_about(acl, AclResourceType::Group, group));
            assert!(found, "{service}");
        }
    }
}
