//! An ACL as librdkafka takes and gives it. Of filters, null and the number of "any" leave a field open.

use std::ffi::{CString, c_char, c_int};

use rdkafka_sys as sys;

use super::borrow::{c_text, text};
use super::codes;
use super::handles::{AclBinding, Reason};
use super::operation::Operation;
use crate::{Acl, AclOperation, AclPattern, AclPermission, AclResourceType, KafkaError};

/// "Any" in a filter: the same number for resource types, patterns, operations and permissions.
/// Source: `rdkafka.h`, `RD_KAFKA_RESOURCE_ANY` and its like.
const ANY: c_int = 1;

/// `rd_kafka_AclBinding_new` and `rd_kafka_AclBindingFilter_new`: both copy the texts they are given.
type Constructor = unsafe extern "C" fn(
    c_int,
    *const c_char,
    c_int,
    *const c_char,
    *const c_char,
    c_int,
    c_int,
    *mut c_char,
    usize,
) -> *mut sys::rd_kafka_AclBinding_t;

/// What both are made of.
struct Fields {
    resource_type: c_int,
    name: Option<CString>,
    pattern: c_int,
    principal: Option<CString>,
    host: Option<CString>,
    operation: c_int,
    permission: c_int,
}

/// The ACL as one to be created.
pub(super) fn binding(operation: Operation, acl: &Acl) -> Result<AclBinding, KafkaError> {
    Fields::of(operation, acl)?.build(operation, codes::rd_kafka_AclBinding_new)
}

/// A filter that matches this ACL and no other.
pub(super) fn exactly(operation: Operation, acl: &Acl) -> Result<AclBinding, KafkaError> {
    Fields::of(operation, acl)?.build(operation, codes::rd_kafka_AclBindingFilter_new)
}

/// A filter that matches every ACL.
pub(super) fn every(operation: Operation) -> Result<AclBinding, KafkaError> {
    Fields::OPEN.build(operation, codes::rd_kafka_AclBindingFilter_new)
}

/// A filter that matches no ACL: Kafka takes none of a cluster by another name than its own.
/// Source: Kafka, `kafka.server.AclApis.handleCreateAcls`.
pub(super) fn none(operation: Operation) -> Result<AclBinding, KafkaError> {
    let fields = Fields {
        resource_type: AclResourceType::Cluster.code(),
        name: Some(c"no cluster".to_owned()),
        pattern: AclPattern::Literal.code(),
        ..Fields::OPEN
    };
    fields.build(operation, codes::rd_kafka_AclBindingFilter_new)
}

/// Copies an ACL.
///
/// # Errors
/// The principal of one that there are no words for.
pub(super) fn acl_of(binding: &sys::rd_kafka_AclBinding_t) -> Result<Acl, String> {
    // SAFETY: the binding is borrowed, so it is alive; the texts are copied.
    unsafe {
        let principal = text(sys::rd_kafka_AclBinding_principal(binding));
        let words = (
            AclResourceType::from_code(codes::rd_kafka_AclBinding_restype(binding)),
            AclPattern::from_code(codes::rd_kafka_AclBinding_resource_pattern_type(binding)),
            AclOperation::from_code(codes::rd_kafka_AclBinding_operation(binding)),
            AclPermission::from_code(codes::rd_kafka_AclBinding_permission_type(binding)),
        );
        let (Some(resource_type), Some(pattern), Some(operation), Some(permission)) = words else {
            return Err(principal);
        };
        Ok(Acl {
            principal,
            host: text(sys::rd_kafka_AclBinding_host(binding)),
            resource_type,
            resource_name: text(sys::rd_kafka_AclBinding_name(binding)),
            pattern,
            operation,
            permission,
        })
    }
}

impl Fields {
    /// Every field left open.
    const OPEN: Self = Self {
        resource_type: ANY,
        name: None,
        pattern: ANY,
        principal: None,
        host: None,
        operation: ANY,
        permission: ANY,
    };

    fn of(operation: Operation, acl: &Acl) -> Result<Self, KafkaError> {
        let copy = |value: &str| c_text(operation.name, value).map(Some);
        Ok(Self {
            resource_type: acl.resource_type.code(),
            name: copy(&acl.resource_name)?,
            pattern: acl.pattern.code(),
            principal: copy(&acl.principal)?,
            host: copy(&acl.host)?,
            operation: acl.operation.code(),
            permission: acl.permission.code(),
        })
    }

    fn build(self, operation: Operation, new: Constructor) -> Result<AclBinding, KafkaError> {
        let pointer =
            |value: &Option<CString>| value.as_ref().map_or(std::ptr::null(), |v| v.as_ptr());
        let mut reason = Reason::new();
        // SAFETY: texts and buffer are alive, and the texts are copied; any numbers are accepted, and
        // those that are none of librdkafka's are answered with null.
        let raw = unsafe {
            new(
                self.resource_type,
                pointer(&self.name),
                self.pattern,
                pointer(&self.principal),
                pointer(&self.host),
                self.operation,
                self.permission,
                reason.as_mut_ptr(),
                reason.len(),
            )
        };
        AclBinding::own(raw).ok_or_else(|| reason.into_error(operation.name))
    }
}

#[cfg(test)]
mod tests {
    use sys::rd_kafka_AclOperation_t as Op;
    use sys::rd_kafka_AclPermissionType_t as Permission;
    use sys::rd_kafka_ResourcePatternType_t as Pattern;
    use sys::rd_kafka_ResourceType_t as Resource;

    use super::*;

    fn example() -> Acl {
        Acl {
            principal: "User:ä b".to_owned(),
            host: "10.0.0.1".to_owned(),
            resource_type: AclResourceType::TransactionalId,
            resource_name: "t-".to_owned(),
            pattern: AclPattern::Prefixed,
            operation: AclOperation::Write,
            permission: AclPermission::Deny,
        }
    }

    fn read(handle: &AclBinding) -> Result<Acl, String> {
        // SAFETY: the handle is alive while it is borrowed.
        acl_of(unsafe { &*handle.as_ptr() })
    }

    #[test]
    fn an_acl_comes_back_from_librdkafka_as_it_went_in() {
        let operation = Operation::CREATE_ACLS;
        assert_eq!(
            read(&binding(operation, &example()).unwrap()),
            Ok(example())
        );
        assert_eq!(
            read(&exactly(operation, &example()).unwrap()),
            Ok(example())
        );
    }

    #[test]
    fn filters_are_taken_and_are_no_acls_themselves() {
        for filter in [every(Operation::DESCRIBE_ACLS), none(Operation::PROBE_ACLS)] {
            assert_eq!(read(&filter.unwrap()), Err(String::new()));
        }
    }

    #[test]
    fn what_c_cannot_carry_is_an_error() {
        let acl = Acl {
            resource_name: "a\0b".to_owned(),
            ..example()
        };
        let error = binding(Operation::CREATE_ACLS, &acl)
            .map(|_| ())
            .unwrap_err();
        assert!(error.message.contains("NUL"), "{error}");
    }

    #[test]
    fn our_numbers_are_librdkafkas() {
        let pairs = [
            (ANY, Resource::RD_KAFKA_RESOURCE_ANY as c_int),
            (ANY, Pattern::RD_KAFKA_RESOURCE_PATTERN_ANY as c_int),
            (ANY, Op::RD_KAFKA_ACL_OPERATION_ANY as c_int),
            (ANY, Permission::RD_KAFKA_ACL_PERMISSION_TYPE_ANY as c_int),
            (
                AclResourceType::Cluster.code(),
                Resource::RD_KAFKA_RESOURCE_BROKER as c_int,
            ),
            (
                AclResourceType::TransactionalId.code(),
                Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID as c_int,
            ),
            (
                AclPattern::Prefixed.code(),
                Pattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED as c_int,
            ),
            (
                AclOperation::IdempotentWrite.code(),
                Op::RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE as c_int,
            ),
            (
                AclPermission::Allow.code(),
                Permission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW as c_int,
            ),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(ours, theirs);
        }
    }
}
