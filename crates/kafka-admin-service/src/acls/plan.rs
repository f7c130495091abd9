//! What is to change in a cluster so that the principals of a document have its rights and no others.

use std::collections::{BTreeMap, BTreeSet};

use kafka_cluster::{Acl, AclListing};

use super::AclDocument;

/// The difference of a cluster's ACLs from a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclPlan {
    /// Declared, and not there.
    pub create: BTreeSet<Acl>,
    /// There, of a principal that the document names, and not declared.
    pub delete: BTreeSet<Acl>,
    /// How many ACLs other principals have; nothing is done about them.
    pub not_named: BTreeMap<String, usize>,
    /// How many ACLs principals of the document have that cannot be read, and so not removed either.
    pub unknown: BTreeMap<String, usize>,
}

impl AclPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

/// Compares. An ACL of a named principal that is not declared is removed whatever it says: one that denies
/// as well, or is for one host.
#[must_use]
pub fn plan(document: &AclDocument, present: &AclListing) -> AclPlan {
    let named = |principal: &str| document.principals.contains(principal);
    let mut plan = AclPlan {
        create: document.acls.difference(&present.acls).cloned().collect(),
        ..AclPlan::default()
    };
    for acl in present.acls.difference(&document.acls) {
        if named(&acl.principal) {
            plan.delete.insert(acl.clone());
        } else {
            *plan.not_named.entry(acl.principal.clone()).or_default() += 1;
        }
    }
    for (principal, count) in &present.unknown {
        let counts = if named(principal) {
            &mut plan.unknown
        } else {
            &mut plan.not_named
        };
        *counts.entry(principal.clone()).or_default() += count;
    }
    plan
}

#[cfg(test)]
mod tests {
    use kafka_cluster::{AclOperation, AclPermission, AclResourceType};

    use super::*;

    fn acl(principal: &str, operation: AclOperation) -> Acl {
        Acl::allow(principal, operation, AclResourceType::Topic, "orders")
    }

    fn document(acls: &[Acl]) -> AclDocument {
        AclDocument {
            principals: BTreeSet::from(["User:a".to_owned(), "User:b".to_owned()]),
            acls: acls.iter().cloned().collect(),
        }
    }

    fn listing(acls: &[Acl]) -> AclListing {
        AclListing {
            acls: acls.iter().cloned().collect(),
            unknown: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_missing_is_made_and_what_is_not_declared_is_removed() {
        let read = acl("User:a", AclOperation::Read);
        let write = acl("User:b", AclOperation::Write);
        let plan = plan(
            &document(std::slice::from_ref(&read)),
            &listing(std::slice::from_ref(&write)),
        );
        assert_eq!(plan.create, BTreeSet::from([read]));
        assert_eq!(plan.delete, BTreeSet::from([write]));
        assert!(!plan.is_empty());
    }

    #[test]
    fn a_cluster_as_declared_needs_nothing() {
        let acls = [
            acl("User:a", AclOperation::Read),
            acl("User:b", AclOperation::Write),
        ];
        assert_eq!(plan(&document(&acls), &listing(&acls)), AclPlan::default());
    }

    #[test]
    fn other_principals_are_counted_and_left_alone() {
        let theirs = [
            acl("User:*", AclOperation::Describe),
            acl("User:c", AclOperation::Read),
            acl("User:c", AclOperation::Write),
        ];
        let plan = plan(&document(&[]), &listing(&theirs));
        assert!(plan.is_empty());
        assert_eq!(
            plan.not_named,
            BTreeMap::from([("User:*".to_owned(), 1), ("User:c".to_owned(), 2)])
        );
    }

    #[test]
    fn a_named_principal_loses_denials_and_rights_of_one_host_too() {
        let read = acl("User:a", AclOperation::Read);
        let denied = Acl {
            permission: AclPermission::Deny,
            ..read.clone()
        };
        let of_one_host = Acl {
            host: "10.0.0.1".to_owned(),
            ..read.clone()
        };
        let wider = read.clone().prefixed();
        let present = listing(&[
            read.clone(),
            denied.clone(),
            of_one_host.clone(),
            wider.clone(),
        ]);
        let plan = plan(&document(std::slice::from_ref(&read)), &present);
        assert!(plan.create.is_empty());
        assert_eq!(plan.delete, BTreeSet::from([denied, of_one_host, wider]));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_whose_it_is() {
        let present = AclListing {
            unknown: BTreeMap::from([("User:a".to_owned(), 2), ("User:c".to_owned(), 1)]),
            ..AclListing::default()
        };
        let plan = plan(&document(&[]), &present);
        assert!(plan.is_empty());
        assert_eq!(plan.unknown, BTreeMap::from([("User:a".to_owned(), 2)]));
        assert_eq!(plan.not_named, BTreeMap::from([("User:c".to_owned(), 1)]));
    }
}
