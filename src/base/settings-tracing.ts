import type { Setting } from './settings.ts'

/** Names and meanings are OpenTelemetry's own. */
export const TRACING_SETTINGS = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    group: 'Traces',
    about:
      'Where spans are sent to: a collector of OpenTelemetry that speaks OTLP over HTTP. Needs three packages beside Gatehouse.',
    default: 'no spans',
    example: 'http://otel-collector:4318',
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    group: 'Traces',
    about: 'Headers for it, as `name=value` with commas between; values percent-encoded.',
    default: 'none',
    example: 'authorization=Bearer%20...',
    secret: true,
  },
  OTEL_SERVICE_NAME: {
    group: 'Traces',
    about: 'What this deployment is called there.',
    default: 'gatehouse',
    example: 'gatehouse-staging',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    group: 'Traces',
    about: 'Which part of all requests is traced, from 0 to 1. What a caller says of sampling never counts.',
    default: '1',
    example: '0.1',
  },
} as const satisfies Record<string, Setting>
