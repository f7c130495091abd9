//! Every call into librdkafka under valgrind: no invalid access, nothing lost.

use std::process::Command;

use cluster_tests::shared;

#[tokio::test]
async fn every_call_is_clean_under_valgrind() {
    let (_, local) = shared().await;
    let bootstrap = local.bootstrap();
    let run = tokio::task::spawn_blocking(move || {
        Command::new("valgrind")
            .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
            .args([
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
            ])
            .arg(concat!(
                "--suppressions=",
                env!("CARGO_MANIFEST_DIR"),
                "/valgrind.supp"
            ))
            .args([env!("CARGO_BIN_EXE_every-call"), &bootstrap])
            .output()
    });
    let output = run
        .await
        .unwrap()
        .expect("valgrind is installed (test.sh does it)");
    let (said, complaints) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{}\n{said}\n{complaints}",
        output.status
    );
    assert!(said.contains("every call made"), "{said}");
}
