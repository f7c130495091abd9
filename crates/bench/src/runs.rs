//! From the chosen rows to the table: A B A B, each run on a topic of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use local_cluster::java::Java;
use local_cluster::layout::Layout;

use crate::child::{self, Finished};
use crate::cluster::{BenchCluster, PARTITIONS};
use crate::load_test::{Order, Task};
use crate::machine::Machine;
use crate::measured::Measured;
use crate::results::{Results, RowResult};
use crate::rows::{Client, Kind, Row, Side};
use crate::{
    Load, consumer_performance, load_test, payload, producer_performance, rows, table, trace,
};

/// Batches that brokers are warmed up with: large ones, and small ones for the many requests.
const WARMING_BATCH_BYTES: [u32; 2] = [500_000, 65_536];

/// Everything that runs are made with.
struct Bench {
    runtime: tokio::runtime::Runtime,
    plain: BenchCluster,
    /// Started when a row needs it.
    secured: Option<BenchCluster>,
    java: Java,
    work: tempfile::TempDir,
    program: PathBuf,
    made: u32,
}

/// Measures what is asked for and prints it.
///
/// # Errors
/// Unknown rows, or a run that could not be made.
pub fn measure(options: &Load) -> Result<()> {
    let (usual, secured) = (rows::all(None), rows::secured());
    let known: Vec<&str> = usual
        .iter()
        .chain(&secured)
        .map(|r| r.name.as_str())
        .collect();
    if options.list {
        for row in usual.iter().chain(&secured) {
            println!("{:22} {}", row.name, row.question);
        }
        return Ok(());
    }
    let chosen = if options.rows.is_empty() {
        usual.iter().map(|row| row.name.clone()).collect()
    } else {
        check_known(&known, &options.rows)?;
        let chosen = known
            .iter()
            .filter(|name| options.rows.iter().any(|n| n == **name));
        chosen.map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut bench = Bench::prepare()?;
    let machine = Machine::describe(&bench.java.program, &bench.java.jars.class_path);
    let mut results = Results::open(options.json.as_deref(), machine);
    bench.warm_brokers(options.warm_brokers, false)?;
    for name in chosen {
        // The grid decides about what comes after it.
        let rows = rows::all(results.best_of_grid()).into_iter();
        let mut rows = rows.chain(rows::secured());
        let row = rows.find(|row| row.name == name);
        let row = row.context("rows keep their names")?;
        if row.kind == Kind::Traced && !trace::available() {
            eprintln!("{name} is left out: strace is not installed, or may not trace here");
            continue;
        }
        if row.sides.iter().any(|side| side.settings.secured) {
            bench.start_secured(options.warm_brokers)?;
        }
        let result = bench.row(row, options.pairs)?;
        for line in table::summary(&result) {
            eprintln!("{line}");
        }
        results.put(result);
        if let Some(path) = &options.json {
            results.store(path)?;
        }
    }
    print!("{}", table::markdown(&results));
    Ok(())
}

fn check_known(known: &[&str], names: &[String]) -> Result<()> {
    if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no row {stranger:?}; there are {}", known.join(", "));
    }
    Ok(())
}

impl Bench {
    fn prepare() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let java = runtime.block_on(async { Java::plain(&Layout::find()?).await })?;
        let work = tempfile::tempdir()?;
        payload::write(&work.path().join("payload"))?;
        compile(&java, work.path())?;
        let plain = runtime.block_on(BenchCluster::start(false))?;
        Ok(Self {
            runtime,
            plain,
            secured: None,
            java,
            work,
            program: std::env::current_exe()?,
            made: 0,
        })
    }

    /// Brokers that have just started are several times slower, until their compilers are done.
    fn warm_brokers(&mut self, events: u64, secured: bool) -> Result<()> {
        eprintln!("warming the brokers up with {events} records");
        for batch_bytes in WARMING_BATCH_BYTES {
            let share = events / WARMING_BATCH_BYTES.len() as u64;
            if share > 0 {
                let mut row = Row::warming(share, batch_bytes);
                row.sides[0].settings.secured = secured;
                self.send(&row, &row.sides[0])?;
            }
        }
        Ok(())
    }

    fn start_secured(&mut self, warm_brokers: u64) -> Result<()> {
        if self.secured.is_none() {
            self.secured = Some(self.runtime.block_on(BenchCluster::start(true))?);
            self.warm_brokers(warm_brokers, true)?;
        }
        Ok(())
    }

    /// The cluster that a side is on.
    fn cluster(&self, side: &Side) -> Result<&BenchCluster> {
        if side.settings.secured {
            return self
                .secured
                .as_ref()
                .context("the secured cluster is started");
        }
        Ok(&self.plain)
    }

    fn row(&mut self, row: Row, pairs: u32) -> Result<RowResult> {
        let mut runs = vec![Vec::new(); row.sides.len()];
        let topic = match row.kind {
            Kind::Read => Some(self.fill(&row)?),
            _ => None,
        };
        let rounds = match row.kind {
            Kind::Grid | Kind::Traced => 1,
            Kind::Send | Kind::Read => pairs,
        };
        for round in 1..=rounds {
            for (side, runs) in row.sides.iter().zip(&mut runs) {
                let run = match &topic {
                    Some(topic) => self.read(&row, side, topic)?,
                    None => self.send(&row, side)?,
                };
                eprintln!("{} {round}/{rounds} {}", row.name, table::line(side, &run));
                runs.push(run);
            }
        }
        if let Some(topic) = topic {
            self.runtime.block_on(self.plain.delete_topic(&topic))?;
        }
        Ok(RowResult { row, runs })
    }

    /// One run that sends, on a topic of its own.
    fn send(&mut self, row: &Row, side: &Side) -> Result<Measured> {
        if side.client == Client::LoadTestAlone {
            return load_test::read(&self.load_test(row, side, None, "alone", Task::Send)?);
        }
        let topic = self.new_topic(row, side)?;
        let before = self.cluster(side)?.brokers_cpu()?;
        let mut run = match side.client {
            Client::Kafka => {
                let arguments = self.producer_performance(row, side, &topic)?;
                producer_performance::read(&self.run(row, &self.java.program, &arguments)?)?
            }
            Client::LoadTest | Client::LoadTestAlone => {
                let bootstrap = Some(self.cluster(side)?.bootstrap());
                load_test::read(&self.load_test(row, side, bootstrap, &topic, Task::Send)?)?
            }
        };
        run.brokers_cpu_s = self.cluster(side)?.brokers_cpu()? - before;
        if row.kind == Kind::Traced {
            let calls = trace::calls(&self.counts())? as f64;
            run.polls_per_request = run.requests.map(|requests| calls / requests);
        }
        self.runtime
            .block_on(self.cluster(side)?.delete_topic(&topic))?;
        Ok(run)
    }

    /// A topic with the records that are to be read.
    fn fill(&mut self, row: &Row) -> Result<String> {
        let side = row.sides.last().context("a row has sides")?;
        let topic = self.new_topic(row, side)?;
        let bootstrap = Some(self.plain.bootstrap());
        load_test::read(&self.load_test(row, side, bootstrap, &topic, Task::Send)?)?;
        Ok(topic)
    }

    fn read(&self, row: &Row, side: &Side, topic: &str) -> Result<Measured> {
        let bootstrap = self.plain.bootstrap();
        if side.client == Client::Kafka {
            let mut arguments = self.tool(consumer_performance::CLASS);
            let records = row.events + row.warmup;
            arguments.extend(consumer_performance::arguments(&bootstrap, topic, records));
            return consumer_performance::read(&child::run(&self.java.program, &arguments)?);
        }
        load_test::read(&self.load_test(row, side, Some(bootstrap), topic, Task::Read)?)
    }

    fn new_topic(&mut self, row: &Row, side: &Side) -> Result<String> {
        self.made += 1;
        let topic = format!("bench-{}-{}", row.name, self.made);
        let events = row.events + row.warmup;
        self.runtime
            .block_on(self.cluster(side)?.make_topic(&topic, PARTITIONS, events))?;
        Ok(topic)
    }

    fn load_test(
        &self,
        row: &Row,
        side: &Side,
        bootstrap: Option<String>,
        topic: &str,
        task: Task,
    ) -> Result<Finished> {
        let files = self.cluster(side)?.client_files();
        let order = Order {
            task,
            bootstrap,
            properties: files.map(|[file, _]| file),
            topic: topic.to_owned(),
            events: row.events,
            warmup: row.warmup,
            rate: row.rate,
            settings: side.settings,
        };
        let arguments = ["generate".to_owned(), serde_json::to_string(&order)?];
        self.run(row, &self.program, &arguments)
    }

    fn run(&self, row: &Row, program: &Path, arguments: &[String]) -> Result<Finished> {
        if row.kind != Kind::Traced {
            return child::run(program, arguments);
        }
        let (program, arguments) = trace::command(&self.counts(), program, arguments);
        child::run(&program, &arguments)
    }

    fn counts(&self) -> PathBuf {
        self.work.path().join("counts")
    }

    fn producer_performance(&self, row: &Row, side: &Side, topic: &str) -> Result<Vec<String>> {
        let mut arguments = self.tool("WarmProducerPerformance");
        arguments.extend([
            row.warmup.to_string(),
            row.events.to_string(),
            row.rate
                .map_or_else(|| "-1".into(), |rate| rate.to_string()),
        ]);
        arguments.extend([
            "--topic".into(),
            topic.into(),
            "--payload-file".into(),
            self.work.path().join("payload").display().to_string(),
            "--print-metrics".into(),
        ]);
        let cluster = self.cluster(side)?;
        if let Some([_, file]) = cluster.client_files() {
            arguments.extend(["--producer.config".into(), file.display().to_string()]);
        }
        arguments.push("--producer-props".into());
        let bootstrap = cluster.bootstrap();
        arguments.extend(producer_performance::properties(&bootstrap, &side.settings));
        Ok(arguments)
    }

    /// What Java is told before a tool's own arguments: heap and collector as Kafka's scripts set
    /// them.
    fn tool(&self, class: &str) -> Vec<String> {
        let class_path = format!(
            "{}:{}",
            self.work.path().display(),
            self.java.jars.class_path_argument()
        );
        let log4j = self.java.layout().kafka().join("tools-log4j.properties");
        let mut arguments: Vec<String> = producer_performance::JVM.map(str::to_owned).into();
        arguments.push(format!("-Dlog4j.configuration=file:{}", log4j.display()));
        arguments.extend(["-cp".into(), class_path, class.into()]);
        arguments
    }
}

/// Compiles the small program that runs ProducerPerformance warm.
fn compile(java: &Java, into: &Path) -> Result<()> {
    let compiler = java.program.with_file_name("javac");
    let source = java
        .layout()
        .root()
        .join("bench/WarmProducerPerformance.java");
    let arguments = [
        "-cp".to_owned(),
        java.jars.class_path_argument(),
        "-d".to_owned(),
        into.display().to_string(),
        source.display().to_string(),
    ];
    child::run(&compiler, &arguments)
        .context("a Java compiler is needed: apt-get install openjdk-17-jdk-headless")?;
    Ok(())
}
