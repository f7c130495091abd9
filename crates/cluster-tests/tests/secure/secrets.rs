//! No secret is where others could read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::secured;

/// ZooKeeper's files hold what passwords are checked by, the brokers' hold the records, whatever the umask.
#[tokio::test]
async fn other_users_of_this_machine_can_enter_neither_data_nor_logs_nor_keys() {
    let (cluster, keys, _turn) = secured().await;
    for dir in ["data", "logs"].map(|part| cluster.spec().dir.join(part)) {
        assert!(std::fs::read_dir(&dir).unwrap().next().is_some());
        assert_eq!(mode(&dir), 0o700, "{}", dir.display());
    }
    assert_eq!(mode(keys.dir()), 0o700);
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;

    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn no_secret_is_in_a_log_a_command_line_an_environment_or_a_file_that_others_can_read() {
    let (cluster, keys, _turn) = secured().await;
    let secrets = secrets(&keys.dir().join("passwords"))
        .into_iter()
        .chain(secrets(&keys.dir().join("tokens")))
        .collect::<Vec<_>>();
    assert!(secrets.len() >= 11, "{} secrets", secrets.len());
    let holds = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        secrets.iter().any(|secret| text.contains(secret))
    };
    for node in cluster.spec().nodes() {
        let pid = cluster.process(node).unwrap().pid;
        for part in ["cmdline", "environ"] {
            let text = std::fs::read(format!("/proc/{pid}/{part}")).unwrap();
            assert!(!text.is_empty() && !holds(&text), "{part} of {node}");
        }
    }
    let mut seen = (0, 0);
    for file in every_file(&cluster.spec().dir) {
        let Ok(text) = std::fs::read(&file) else {
            continue;
        };
        if !holds(&text) {
            continue;
        }
        seen.0 += 1;
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let of_keys = file.starts_with(keys.dir());
        let of_brokers = file.extension().is_some_and(|e| e == "properties");
        assert!(of_keys || of_brokers, "{}", file.display());
        seen.1 += usize::from(!of_keys);
    }
    // The search finds what is there: the keys, and the brokers' own settings.
    assert!(seen.0 > secrets.len() && seen.1 >= 3, "{seen:?}");
}

/// The programs that handle passwords live for a second: every process is looked at, all the time that a
/// password is written.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_on_a_command_line_while_it_is_written() {
    let (cluster, keys, _turn) = secured().await;
    let done = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let done = done.clone();
        let passwords = keys.dir().join("passwords/kafka-ui");
        move || {
            let (mut tools, mut shown) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                let password = std::fs::read_to_string(&passwords).unwrap_or_default();
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    for part in ["cmdline", "environ"] {
                        let text = std::fs::read(process.path().join(part)).unwrap_or_default();
                        let text = String::from_utf8_lossy(&text);
                        tools += usize::from(text.contains("kafka-ui.password.properties"));
                        if text.contains(password.trim()) && !password.is_empty() {
                            shown.push(text.into_owned());
                        }
                    }
                }
            }
            (tools, shown)
        }
    });
    cluster.renew_password("kafka-ui").await.unwrap();
    done.store(true, Ordering::Relaxed);
    let (tools, shown) = watch.join().unwrap();
    assert!(tools > 0, "the tool that writes it was not seen");
    assert!(shown.is_empty(), "{shown:?}");
}

fn secrets(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    let plain = entries.filter(|entry| entry.path().extension().is_none());
    plain
        .map(|entry| {
            std::fs::read_to_string(entry.path())
                .unwrap()
                .trim()
                .to_owned()
        })
        .collect()
}

fn every_file(dir: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        // What records hold is their owners' matter.
        if path.is_dir() && !path.ends_with("data") {
            files.extend(every_file(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
