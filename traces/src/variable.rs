//! The standard variables that are read here. The libraries read the others: those of the headers
//! (`OTEL_EXPORTER_OTLP_HEADERS`), of the sampler (`OTEL_TRACES_SAMPLER`), of the queue (`OTEL_BSP_…`),
//! and `OTEL_RESOURCE_ATTRIBUTES`. Source: OpenTelemetry, environment variable specification.

/// Where the collector is, for traces alone and for everything.
pub(crate) const ENDPOINTS: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// What the collector speaks.
pub(crate) const PROTOCOLS: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/// How long a request to the collector may take, in milliseconds.
pub(crate) const TIMEOUTS: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
/// `none` sends no traces.
pub(crate) const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
/// `true` sends nothing.
pub(crate) const DISABLED: &str = "OTEL_SDK_DISABLED";
/// What the program is called.
pub(crate) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// What else is known of it, which may be its name.
pub(crate) const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
