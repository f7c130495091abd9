//! The command line of a node's Java machine.

use std::path::{Path, PathBuf};

use crate::archive;
use crate::error::{Error, Result};
use crate::jars::Jars;
use crate::layout::Layout;
use crate::node::{NodeId, NodeKind};
use crate::ports;
use crate::spec::{ClusterSpec, Jit};

/// What a Java machine does about class-data sharing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Classes {
    /// Nothing.
    Plain,
    /// Writes the list of what it loads into this directory, as `NAME.classes`.
    Listed(PathBuf),
    /// Maps this archive.
    Archive(PathBuf),
}

/// A Java machine that can run Kafka, ZooKeeper and their tools.
#[derive(Debug, Clone)]
pub struct Java {
    /// The `java` program.
    pub program: PathBuf,
    /// What is on the class path.
    pub jars: Jars,
    /// Class-data sharing.
    pub classes: Classes,
    layout: Layout,
}

impl Java {
    /// Java with everything that makes it start fast: finds it, copies the jars when they are
    /// missing, makes the archive of class data when there is none. Some 15 s the first time
    /// after a change of the jars or of Java, 0.1 s later.
    ///
    /// # Errors
    /// [`Error::Prerequisite`] when Java or the jars are missing. Never because of the archive.
    pub async fn prepare(layout: &Layout) -> Result<Self> {
        let mut java = Self::plain(layout).await?;
        if let Some(archive) = archive::ensure(&java).await {
            java.classes = Classes::Archive(archive);
        }
        Ok(java)
    }

    /// Java with the jars, without class-data sharing.
    ///
    /// # Errors
    /// As [`Java::prepare`].
    pub async fn plain(layout: &Layout) -> Result<Self> {
        let program = find_java()?;
        let owned = layout.clone();
        let jars = tokio::task::spawn_blocking(move || Jars::ensure(&owned))
            .await
            .map_err(|error| Error::State(format!("copying the jars: {error}")))??;
        Ok(Self {
            program,
            jars,
            classes: Classes::Plain,
            layout: layout.clone(),
        })
    }

    /// The checkout it belongs to.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Arguments of a node of a cluster, up to and including the class and its settings file.
    /// `heap` are the heap options of a broker.
    #[must_use]
    pub fn node_args(&self, spec: &ClusterSpec, node: NodeId, heap: &str) -> Vec<String> {
        let (heap, agent, exporter, class) = match node.kind {
            NodeKind::Broker => (
                heap,
                spec.jvm.broker_agent,
                "jmx-exporter-broker.yml",
                "kafka.Kafka",
            ),
            NodeKind::ZooKeeper => (
                spec.jvm.zookeeper_heap.as_str(),
                spec.jvm.zookeeper_agent,
                "jmx-exporter-zookeeper.yml",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            ),
        };
        // A ZooKeeper has little to compile and little to collect.
        let jit = if node.is_broker() {
            spec.jvm.jit
        } else {
            Jit::Quick
        };
        let mut args: Vec<String> = heap.split_whitespace().map(str::to_owned).collect();
        args.extend(compiler_args(jit).map(str::to_owned));
        args.extend(COMMON.map(str::to_owned));
        args.push(self.log4j("log4j.properties"));
        args.extend(self.class_data_args(&node.to_string()));
        if agent {
            args.push(format!(
                "-javaagent:{}={}:{}:{}",
                self.jars.agent.display(),
                spec.address,
                ports::agent(node),
                self.layout.kafka().join(exporter).display()
            ));
        }
        args.extend(self.class_args(class));
        args.push(spec.settings_file(node).display().to_string());
        args
    }

    /// Arguments of one of Kafka's tools, up to and including its class.
    #[must_use]
    pub fn tool_args(&self, class: &str) -> Vec<String> {
        let mut args: Vec<String> = vec!["-Xmx256m".into()];
        args.extend(compiler_args(Jit::Quick).map(str::to_owned));
        args.push(self.log4j("tools-log4j.properties"));
        args.extend(self.class_data_args(class));
        args.extend(self.class_args(class));
        args
    }

    fn log4j(&self, file: &str) -> String {
        let file = self.layout.kafka().join(file);
        format!("-Dlog4j.configuration=file:{}", file.display())
    }

    fn class_args(&self, class: &str) -> [String; 3] {
        ["-cp".into(), self.jars.class_path_argument(), class.into()]
    }

    fn class_data_args(&self, name: &str) -> Vec<String> {
        match &self.classes {
            Classes::Plain => vec![],
            Classes::Listed(dir) => {
                let list = dir.join(format!("{name}.classes"));
                vec![format!("-XX:DumpLoadedClassList={}", list.display())]
            }
            // `auto` runs without an archive that does not fit; its complaint would be noise.
            Classes::Archive(archive) => vec![
                "-Xshare:auto".into(),
                "-Xlog:cds=off".into(),
                format!("-XX:SharedArchiveFile={}", archive.display()),
            ],
        }
    }
}

/// What Kafka 3.9 recommends and this project is tested with.
const OLDEST_JAVA: u32 = 17;
const INSTALL_JAVA: &str = "apt-get install openjdk-17-jre-headless";

/// Addresses of nodes change when a container comes back; Java would keep the old ones for ever.
const COMMON: [&str; 4] = [
    "-Djava.awt.headless=true",
    "-Dsun.net.inetaddr.ttl=5",
    "-Dzookeeper.jmx.log4j.disable=true",
    "-XX:+ExitOnOutOfMemoryError",
];

/// G1 with the settings of Kafka's own start script, or what starts fastest.
fn compiler_args(jit: Jit) -> impl Iterator<Item = &'static str> {
    let args: &[&str] = match jit {
        Jit::Full => &[
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-XX:InitiatingHeapOccupancyPercent=35",
            "-XX:+ExplicitGCInvokesConcurrent",
        ],
        Jit::Quick => &[
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
        ],
    };
    args.iter().copied()
}

/// `$JAVA_HOME/bin/java`, or the first on the path, with links resolved; 17 or newer.
fn find_java() -> Result<PathBuf> {
    let program = first_java()?;
    let home = program.parent().and_then(Path::parent);
    let release = home.and_then(|home| std::fs::read_to_string(home.join("release")).ok());
    match release.as_deref().and_then(major_version) {
        Some(version) if version < OLDEST_JAVA => Err(Error::Prerequisite(format!(
            "{} is Java {version}, and {OLDEST_JAVA} is needed: {INSTALL_JAVA}",
            program.display()
        ))),
        _ => Ok(program),
    }
}

/// The major version in a `release` file: 17 of `JAVA_VERSION="17.0.15"`, 8 of `"1.8.0_292"`.
fn major_version(release: &str) -> Option<u32> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    let line = line.strip_prefix("1.").unwrap_or(line);
    let digits = line.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn first_java() -> Result<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    home.into_iter()
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join("java"))
        .find_map(|program| program.canonicalize().ok())
        .ok_or_else(|| Error::Prerequisite(format!("java is not installed: {INSTALL_JAVA}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java() -> Java {
        Java {
            program: "/usr/bin/java".into(),
            jars: Jars {
                class_path: vec!["/l/a.jar".into(), "/l/b.jar".into()],
                agent: "/l/agent.jar".into(),
            },
            classes: Classes::Archive("/a.jsa".into()),
            layout: Layout::find().unwrap(),
        }
    }

    #[test]
    fn the_agent_is_on_the_node_and_never_on_a_tool() {
        let spec = ClusterSpec::new(Path::new("/x"), Path::new("/y"));
        let node = java().node_args(&spec, NodeId::broker(2), "-Xmx1g -Xms1g");
        let agent = node.iter().find(|arg| arg.starts_with("-javaagent:"));
        assert!(agent.unwrap().contains("=127.0.0.1:17072:"));
        assert_eq!(node[..2], ["-Xmx1g", "-Xms1g"]);
        assert!(node.contains(&"/l/a.jar:/l/b.jar".to_owned()));
        let tool = java().tool_args("x.Y");
        assert!(!tool.iter().any(|arg| arg.starts_with("-javaagent:")));
    }

    #[test]
    fn only_quick_brokers_give_up_the_second_compiler() {
        let mut spec = ClusterSpec::new(Path::new("/x"), Path::new("/y"));
        let limited = |spec: &ClusterSpec| {
            java()
                .node_args(spec, NodeId::broker(1), "")
                .contains(&"-XX:TieredStopAtLevel=1".to_owned())
        };
        assert!(!limited(&spec));
        spec.jvm.jit = Jit::Quick;
        assert!(limited(&spec));
    }

    #[test]
    fn versions_are_read_in_both_notations() {
        assert_eq!(major_version("A=1\nJAVA_VERSION=\"17.0.15\"\n"), Some(17));
        assert_eq!(major_version("JAVA_VERSION=\"1.8.0_292\""), Some(8));
        assert_eq!(major_version("JAVA_VERSION=\"21\""), Some(21));
        assert_eq!(major_version(""), None);
    }
}
