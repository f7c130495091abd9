//! What the log events of an ordinary online shop are made of. Data only.
//!
//! In a message, `{...}` is filled in by the corpus: `{id}` a short random id, `{uuid}` a UUID,
//! `{span}` a span id, `{n}` a small number, `{ms}` a duration, `{bytes}` a size, `{status}` an HTTP
//! status, `{path}` a URL path, `{ip}` an address, `{host}` a peer service.

use super::Severity;

/// Severities per thousand events.
pub const SEVERITIES: [(Severity, u32); 5] = [
    (Severity::Debug, 60),
    (Severity::Info, 800),
    (Severity::Warn, 100),
    (Severity::Error, 37),
    (Severity::Fatal, 3),
];

/// Environments per hundred events.
pub const ENVIRONMENTS: [(&str, u32); 3] = [("production", 90), ("staging", 8), ("canary", 2)];

/// Services with their share: a few write most of the log.
pub const SERVICES: [(&str, u32); 12] = [
    ("api-gateway", 300),
    ("checkout-service", 160),
    ("catalog-service", 130),
    ("cart-service", 100),
    ("payment-service", 80),
    ("inventory-service", 65),
    ("user-service", 55),
    ("search-service", 40),
    ("recommendation-service", 30),
    ("notification-service", 20),
    ("shipping-service", 12),
    ("fraud-detection", 8),
];

/// Pods of one service.
pub const HOSTS_PER_SERVICE: usize = 8;

/// Messages of calm events.
pub const CALM: [&str; 32] = [
    "request completed method=GET path={path} status=200 durationMs={ms} bytes={bytes} clientIp={ip}",
    "request completed method=POST path={path} status=201 durationMs={ms} bytes={bytes} clientIp={ip}",
    "request completed method=GET path={path} status=304 durationMs={ms} clientIp={ip}",
    "request completed method=PUT path={path} status=204 durationMs={ms} clientIp={ip}",
    "GET {path} 200 in {ms} ms, {bytes} bytes, served from {host}",
    "order {uuid} accepted, {n} items, total={n}.{n} EUR",
    "order {uuid} moved from PAID to PICKING after {ms} ms",
    "cache hit for key product:{n}:price, ttl {n} s",
    "cache miss for key product:{n}:stock, loaded from primary in {ms} ms",
    "evicted {n} entries from region prices, {bytes} bytes freed",
    "published event OrderPlaced {uuid} to order-events partition {n}",
    "consumed StockChanged {uuid} from inventory-events, {ms} ms behind",
    "reserved {n} units of sku SKU-{n} in warehouse eu-central-{n}",
    "price of SKU-{n} changed from {n}.{n} to {n}.{n} EUR by rule {id}",
    "payment {uuid} authorised by provider in {ms} ms",
    "refund {uuid} of {n}.{n} EUR queued for settlement batch {n}",
    "risk score {n} for basket {uuid}: accepted by model fraud-v{n}",
    "session {uuid} refreshed for 30 minutes",
    "login of {id} from {ip} accepted with second factor",
    "search for {n} terms matched {n} documents in {ms} ms on {n} shards",
    "ranked {n} candidates for {id} with model ctr-{n} in {ms} ms",
    "connection pool: {n} active, {n} idle, 0 waiting",
    "garbage collection took {ms} ms, {bytes} KB live afterwards",
    "scheduled job price-sync finished, {n} rows changed in {ms} ms",
    "flushed {n} metrics to the collector at {ip}:4317",
    "sent mail template=order-confirmation recipient={id} provider={host}",
    "label {id} printed for parcel {uuid}, carrier DHL, weight {n} g",
    "feature flags reloaded, version {n}, checksum {span}",
    "call to {host} answered 200 in {ms} ms, {bytes} bytes",
    "image product-{n}-{id}.webp resized to {n}x{n} in {ms} ms",
    "address of {id} normalised, confidence 0.{n}",
    "exported {n} rows to s3://shop-exports/{id}/part-{n}.parquet",
];

/// Messages of warnings.
pub const WARNING: [&str; 6] = [
    "slow query took {ms} ms: SELECT id, status, updated_at FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT {n}",
    "retrying call to {host}, attempt {n} of 5, last status {status}",
    "rate limit reached for client {ip}, rejected {n} requests in the last minute",
    "circuit breaker for {host} half open after {ms} ms",
    "response of {host} took {ms} ms, over the budget of 250 ms",
    "deprecated field \"couponCode\" used by client {ip} on {path}",
];

/// Messages of errors; some are followed by a stack trace.
pub const FAILURE: [&str; 6] = [
    "request failed method=POST path={path} status={status} durationMs={ms}: upstream {host} did not answer",
    "could not commit order {uuid}: deadlock detected, transaction rolled back after {ms} ms",
    "payment {uuid} declined by provider: status={status} reason=\"do_not_honor\"",
    "connection to {host} lost: java.net.SocketTimeoutException: Read timed out after {ms} ms",
    "failed to deserialize message at offset {n}: unexpected end of input",
    "inventory for sku SKU-{n} is negative ({n}), reservation {id} refused",
];

/// Share of errors and worse that carry a stack trace.
pub const STACK_TRACE_SHARE: f64 = 0.4;

/// Frames of stack traces.
pub const FRAMES: [&str; 12] = [
    "com.shop.checkout.OrderController.placeOrder(OrderController.java:{n})",
    "com.shop.checkout.OrderService.commit(OrderService.java:{n})",
    "com.shop.payment.ProviderClient.authorise(ProviderClient.java:{n})",
    "com.shop.inventory.ReservationRepository.reserve(ReservationRepository.java:{n})",
    "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:{n})",
    "org.springframework.transaction.interceptor.TransactionInterceptor.invoke(TransactionInterceptor.java:{n})",
    "org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:{n})",
    "com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:{n})",
    "org.postgresql.jdbc.PgPreparedStatement.executeQuery(PgPreparedStatement.java:{n})",
    "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:{n})",
    "java.base/java.net.SocketInputStream.read(SocketInputStream.java:{n})",
    "java.base/java.lang.Thread.run(Thread.java:{n})",
];

/// Share of events that were logged within a span.
pub const SPAN_SHARE: f64 = 0.6;

/// URL paths.
pub const PATHS: [&str; 8] = [
    "/api/v1/products/{n}",
    "/api/v1/products/{n}/reviews?page={n}",
    "/api/v1/cart/{uuid}/items",
    "/api/v1/orders/{uuid}",
    "/api/v1/orders",
    "/api/v1/search?q=winter+jacket&size={n}",
    "/api/v1/users/{n}/addresses",
    "/health",
];

/// HTTP statuses of failures.
pub const STATUSES: [u16; 6] = [500, 502, 503, 504, 429, 409];

/// What loggers append: names of key=value pairs, and how the value looks.
pub const CONTEXT: [&str; 11] = [
    "region=eu-central-1",
    "zone=eu-central-1b",
    "tenant=shop-{n}",
    "version=2025.11.{n}",
    "thread=http-nio-8080-exec-{n}",
    "attempt={n}",
    "feature=express-checkout",
    "locale=de_DE",
    "currency=EUR",
    "device=mobile",
    "queueMs={ms}",
];
