//! What every change of a group may answer beside the rest, for the OpenAPI document.

use service_kit::problem::{self, Responses};

pub(super) struct GroupWriteProblems;

impl utoipa::IntoResponses for GroupWriteProblems {
    fn responses() -> Responses {
        problem::problems(&[
            ("404", "group_not_found"),
            ("409", "group_has_members: `members` names them"),
            (
                "503",
                "kafka_unreachable; group_busy, too_busy; `Retry-After` says when to try again",
            ),
        ])
    }
}
