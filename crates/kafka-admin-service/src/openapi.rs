//! What layers add to the OpenAPI document: parameters that they take, and problems that they answer.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Required, Type};

use crate::call::ONLY_COMPARES;

/// The operations that may change something.
pub fn writes_of(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    let paths = document.paths.paths.iter_mut();
    let others = paths.filter(|(path, _)| path.as_str() != ONLY_COMPARES);
    others.flat_map(|(_, item)| {
        let writes = [
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        writes.into_iter().flatten()
    })
}

/// Adds a parameter that may be left out.
pub fn add_parameter(
    operation: &mut Operation,
    name: &str,
    place: ParameterIn,
    kind: Type,
    about: &str,
) {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build();
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(RefOr::T(parameter));
}

/// Adds a problem, beside those that the operation answers with this status itself.
pub fn add_problem(operation: &mut Operation, status: &str, about: &str) {
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(own)) = responses.get_mut(status) {
        own.description = format!("{}; {about}", own.description);
    } else {
        responses.extend(service_kit::problem::problems(&[(status, about)]));
    }
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::Response;

    use super::*;

    #[test]
    fn a_problem_is_added_to_what_an_operation_says_itself() {
        let mut operation = Operation::new();
        let own = RefOr::T(Response::new("forbidden: an internal topic"));
        operation.responses.responses.insert("403".to_owned(), own);
        add_problem(&mut operation, "403", "read_only: nothing is changed");
        add_problem(&mut operation, "503", "audit_unavailable");
        let description = |status: &str| match &operation.responses.responses[status] {
            RefOr::T(response) => response.description.clone(),
            RefOr::Ref(_) => String::new(),
        };
        assert_eq!(
            description("403"),
            "forbidden: an internal topic; read_only: nothing is changed"
        );
        assert_eq!(description("503"), "audit_unavailable");
    }
}
