//! The smallest service: what a real one's `main.rs`, `lib.rs`, `settings.rs` and `routes/` hold, in
//! one file. `cargo run -p service-kit --example sample_service`

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::State;
use clap::Parser;
use kafka_cluster::Connection;
use prometheus::Registry;
use service_kit::problem::InputProblems;
use service_kit::settings::{HttpSettings, KafkaSettings, LogSettings};
use service_kit::{
    Answer, Fields, FromFields, Input, Service, healthcheck, runtime, serve, telemetry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Says hello.
#[derive(Parser)]
#[command(version)]
struct Settings {
    /// Address to serve on
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    kafka: KafkaSettings,
    #[command(flatten)]
    logs: LogSettings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Ask the running service whether it is ready
    Healthcheck,
}

fn main() -> anyhow::Result<ExitCode> {
    let settings = Settings::parse();
    if let Some(Command::Healthcheck) = settings.command {
        return Ok(runtime::block_on(healthcheck::run(settings.listen))?);
    }
    telemetry::init(&settings.logs)?;
    runtime::block_on(async {
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on {}", settings.listen))?;
        run(listener, &settings, serve::stop_on_signals()).await?;
        Ok(ExitCode::SUCCESS)
    })?
}

async fn run(
    listener: TcpListener,
    settings: &Settings,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let state = Arc::new(settings.kafka.connection()?);
    let readiness = Arc::new(|| Ok(()));
    let api = OpenApiRouter::new()
        .routes(routes!(hello))
        .with_state(state);
    let service = Service::new(
        "sample-service",
        env!("CARGO_PKG_VERSION"),
        &settings.http,
        Registry::new(),
        readiness,
    );
    serve::run(
        listener,
        service.assemble(api),
        stop,
        settings.http.drain_timeout,
    )
    .await?;
    Ok(())
}

struct Hello {
    name: String,
    times: u32,
}

impl FromFields for Hello {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        // Read all first, then put together: every error is reported at once.
        let name = fields.required("name");
        let times = fields.with_default_in("times", 1..=10, 1);
        Some(Self {
            name: name?,
            times: times?,
        })
    }
}

#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Greeting {
    /// The greeting.
    greeting: String,
    /// Where Kafka is.
    bootstrap_servers: String,
}

/// Greets.
#[utoipa::path(
    get,
    path = "/api/hello",
    params(("name" = String, Query), ("times" = Option<u32>, Query)),
    responses((status = 200, description = "the greeting", body = Greeting), InputProblems)
)]
async fn hello(
    State(connection): State<Arc<Connection>>,
    Input(hello): Input<Hello>,
) -> Answer<Json<Greeting>> {
    let greeting = format!("hello {}! ", hello.name).repeat(hello.times as usize);
    let bootstrap_servers = connection.bootstrap_servers.clone();
    Ok(Json(Greeting {
        greeting,
        bootstrap_servers,
    }))
}
