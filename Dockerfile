# The three services, and what makes keys for a secured stack, one target each: docker compose build kafka-admin-service
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# One build for all three; what was compiled stays in the builder's cache. Cargo goes by the time of a
# file: one of another checkout would pass for older than what was compiled there, and be left out.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    find crates -type f -exec touch {} + \
    && cargo build --release --locked \
      -p kafka-admin-service -p kafka-health-service -p load-test-service -p cluster-keys \
    && install -D -t /out target/release/kafka-admin-service \
      target/release/kafka-health-service target/release/load-test-service target/release/cluster-keys \
    && strip /out/*

FROM debian:bookworm-slim AS root
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libssl3 zlib1g ca-certificates >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
      /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale \
    && useradd --system --uid 1000 --home-dir /data --create-home service

# One layer without what was removed above.
FROM scratch AS service
COPY --from=root / /
ENV PATH=/usr/local/bin:/usr/bin:/bin DATA_DIR=/data
USER service
WORKDIR /data

FROM service AS kafka-admin-service
COPY --from=build /out/kafka-admin-service /usr/local/bin/
COPY kafka/topics.yml kafka/acls.yml /etc/kafka-admin-service/
ENV LISTEN=0.0.0.0:8081 TOPICS_FILE=/etc/kafka-admin-service/topics.yml
ENTRYPOINT ["kafka-admin-service"]

FROM service AS kafka-health-service
COPY --from=build /out/kafka-health-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8082
ENTRYPOINT ["kafka-health-service"]

FROM service AS load-test-service
COPY --from=build /out/load-test-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8083
ENTRYPOINT ["load-test-service"]

# Root in here, so that each directory of keys can be given to who reads it.
FROM service AS cluster-keys
COPY --from=build /out/cluster-keys /usr/local/bin/
USER root
ENTRYPOINT ["cluster-keys"]
