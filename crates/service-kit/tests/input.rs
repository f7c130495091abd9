//! What a caller may send and what is refused, asked of the assembled router.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::convert::Infallible;

use axum::body::Body;
use futures_util::stream;
use serde_json::{Value, json};
use support::{Asked, ask, echo_service, get, post_json, request};

async fn get_echo(query: &str) -> Asked {
    get(&echo_service(), &format!("/api/echo?{query}")).await
}

async fn post_echo(body: &str) -> Asked {
    ask(&echo_service(), post_json("/api/echo", body.to_owned())).await
}

/// Field and code of each error of a 400.
fn errors(asked: &Asked) -> Vec<(String, String)> {
    assert_eq!(asked.status, 400, "{}", asked.text);
    assert_eq!(asked.json()["code"], "invalid_input", "{}", asked.text);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let document = asked.json();
    let errors = document["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| (text(&error["field"]), text(&error["code"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

#[tokio::test]
async fn query_and_json_read_into_the_same_type() {
    let expected = json!({"text": "a b", "times": 2});
    assert_eq!(get_echo("text=a%20b&times=2").await.json(), expected);
    assert_eq!(
        post_echo(r#"{"text":"a b","times":2}"#).await.json(),
        expected
    );
    let by_post = ask(
        &echo_service(),
        request("POST", "/api/echo?text=a+b&times=2"),
    )
    .await;
    assert_eq!(by_post.json(), expected);
}

#[tokio::test]
async fn absent_and_null_fields_take_their_default() {
    let expected = json!({"text": "a", "times": 1});
    assert_eq!(get_echo("text=a").await.json(), expected);
    assert_eq!(
        post_echo(r#"{"text":"a","times":null}"#).await.json(),
        expected
    );
}

#[tokio::test]
async fn every_field_that_is_wrong_is_reported_at_once() {
    let expected = pairs(&[
        ("text", "missing"),
        ("times", "out_of_range"),
        ("colour", "unknown_field"),
    ]);
    let by_query = get_echo("times=11&colour=red").await;
    assert_eq!(errors(&by_query), expected);
    assert_eq!(
        errors(&post_echo(r#"{"times":11,"colour":"red"}"#).await),
        expected
    );
    assert_eq!(
        by_query.json()["detail"],
        "text is required; times must be between 1 and 10; \
         colour is not known: this call takes text, times"
    );
}

#[tokio::test]
async fn an_answer_stays_small_however_many_names_are_unknown() {
    let query: String = (0..3_000).map(|number| format!("&x{number}=1")).collect();
    let asked = get_echo(&format!("text=a{query}&x1=2")).await;
    assert_eq!(asked.status, 400);
    assert!(asked.text.len() < 10_000, "{}", asked.text.len());
}

#[tokio::test]
async fn numbers_out_of_range_of_any_size_are_told_the_range() {
    let far = format!("text=a&times={}", "9".repeat(60));
    for query in [
        "text=a&times=0",
        "text=a&times=-1",
        "text=a&times=99999999999",
        &far,
    ] {
        let asked = get_echo(query).await;
        assert_eq!(
            errors(&asked),
            pairs(&[("times", "out_of_range")]),
            "{query}"
        );
        assert_eq!(
            asked.json()["errors"][0]["message"],
            "must be between 1 and 10"
        );
    }
    for body in [
        r#"{"text":"a","times":99999999999}"#,
        r#"{"text":"a","times":1e30}"#,
    ] {
        assert_eq!(
            errors(&post_echo(body).await),
            pairs(&[("times", "out_of_range")]),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_is_no_whole_number_is_refused() {
    for times in ["abc", "", "1.5", "1e1", "%2B1", "+1", "0x1", "--1"] {
        let asked = get_echo(&format!("text=a&times={times}")).await;
        assert_eq!(errors(&asked), pairs(&[("times", "wrong_type")]), "{times}");
    }
    for times in ["\"2\"", "1.5", "true", "[1]"] {
        let asked = post_echo(&format!(r#"{{"text":"a","times":{times}}}"#)).await;
        assert_eq!(errors(&asked), pairs(&[("times", "wrong_type")]), "{times}");
    }
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    assert_eq!(
        errors(&get_echo("text=a&text=b").await),
        pairs(&[("text", "duplicate")])
    );
    let asked = post_echo(r#"{"text":"a","text":"b"}"#).await;
    assert_eq!(
        (asked.status, asked.json()["code"].as_str()),
        (400, Some("malformed_json"))
    );
    assert!(
        asked.text.contains("given more than once"),
        "{}",
        asked.text
    );
}

#[tokio::test]
async fn a_parameter_that_is_not_utf8_is_refused_once() {
    assert_eq!(
        errors(&get_echo("text=%FF").await),
        pairs(&[("text", "not_utf8")])
    );
    let asked = get(&echo_service(), "/api/items/%FF").await;
    assert_eq!(errors(&asked), pairs(&[("name", "not_utf8")]));
}

#[tokio::test]
async fn query_and_body_together_are_refused() {
    let asked = ask(
        &echo_service(),
        post_json("/api/echo?text=a", r#"{"times":1}"#),
    )
    .await;
    assert_eq!(
        (asked.status, asked.json()["code"].as_str()),
        (400, Some("query_and_body"))
    );
}

#[tokio::test]
async fn malformed_json_is_told_where_it_breaks_off() {
    let asked = post_echo("{\n  \"text\": nope\n}").await;
    let document = asked.json();
    assert_eq!(
        (asked.status, document["code"].as_str()),
        (400, Some("malformed_json"))
    );
    assert_eq!(
        (&document["line"], &document["column"]),
        (&json!(2), &json!(12))
    );
    for body in [
        "[]",
        "\"text\"",
        "null",
        "{} {}",
        "{\"text\":\"a\"",
        "\u{feff}{}",
    ] {
        let asked = post_echo(body).await;
        assert_eq!(
            (asked.status, asked.json()["code"].as_str()),
            (400, Some("malformed_json")),
            "{body}"
        );
    }
}

#[tokio::test]
async fn deeply_nested_json_is_refused_and_does_not_overflow_the_stack() {
    let asked = post_echo(&format!("{{\"text\":{}", "[".repeat(20_000))).await;
    assert_eq!(
        (asked.status, asked.json()["code"].as_str()),
        (400, Some("malformed_json"))
    );
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    for content_type in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let mut request = post_json("/api/echo", r#"{"text":"a"}"#);
        request
            .headers_mut()
            .insert("content-type", content_type.parse().unwrap());
        let asked = ask(&echo_service(), request).await;
        let document = asked.json();
        assert_eq!(
            (asked.status, document["code"].as_str()),
            (415, Some("unsupported_media_type"))
        );
    }
    let mut request = post_json("/api/echo", r#"{"text":"a"}"#);
    request
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(ask(&echo_service(), request).await.status, 415);
    let mut request = post_json("/api/echo", r#"{"text":"a"}"#);
    let with_charset = "Application/JSON; charset=utf-8";
    request
        .headers_mut()
        .insert("content-type", with_charset.parse().unwrap());
    assert_eq!(ask(&echo_service(), request).await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_bound_is_413() {
    let router = support::service_with(|service| service.max_body_bytes(100), || Ok(()));
    let body = |length: usize| format!(r#"{{"text":"{}"}}"#, "a".repeat(length - 11));
    assert_eq!(
        ask(&router, post_json("/api/echo", body(100))).await.status,
        200
    );
    let asked = ask(&router, post_json("/api/echo", body(101))).await;
    assert_eq!(
        (asked.status, asked.json()["code"].as_str()),
        (413, Some("payload_too_large"))
    );
    let without_length = Body::from_stream(stream::iter([Ok::<_, Infallible>(body(101))]));
    let asked = ask(&router, post_json("/api/echo", without_length)).await;
    assert_eq!(
        (asked.status, asked.json()["code"].as_str()),
        (413, Some("payload_too_large"))
    );
}

#[tokio::test]
async fn a_path_parameter_is_percent_decoded_and_checked() {
    let router = echo_service();
    assert_eq!(get(&router, "/api/items/a%2Fb").await.text, "a/b");
    assert_eq!(get(&router, "/api/items/").await.status, 404);
}
