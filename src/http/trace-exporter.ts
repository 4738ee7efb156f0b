import { ProxyTracerProvider, trace } from '@opentelemetry/api'
import { ConfigError } from '#base/config.ts'
import type { TracingConfig } from '#base/config-tracing.ts'
import type { Log } from '#base/log.ts'
import { version } from '#base/package.ts'
import { createTracing, NO_TRACING, type Tracing } from '#base/tracing.ts'

/** What traces need beside Gatehouse, in versions for Node 20; newer lines work on newer Node. */
const PACKAGES =
  '@opentelemetry/sdk-trace@^2.12.1 @opentelemetry/resources@^2.12.1 @opentelemetry/exporter-trace-otlp-http@^0.223.1'
/** Milliseconds between two lines about spans that could not be sent. */
const QUIET = 60_000

export interface Traces {
  readonly tracing: Tracing
  /** Sends what waits, within 5 s. */
  close(): Promise<void>
}

/**
 * Spans for the collector of the configuration; else for whoever registered an SDK before us (`node --import`); else none.
 * @param packages for tests.
 * @throws ConfigError when there is a collector, and the packages that speak to one are not installed.
 */
export async function openTraces(
  config: TracingConfig | null,
  log: Log,
  packages: () => Promise<Packages> = installed,
): Promise<Traces> {
  if (config !== null) return await toCollector(config, log, await load(packages))
  const global = trace.getTracerProvider()
  // One that nothing was given to delegates to what does nothing.
  const registered =
    !(global instanceof ProxyTracerProvider) || global.getDelegate() !== new ProxyTracerProvider().getDelegate()
  const tracing = registered ? createTracing(trace.getTracer('gatehouse', version)) : NO_TRACING
  return { tracing, close: async () => {} }
}

async function toCollector(config: TracingConfig, log: Log, { sdk, resources, otlp }: Packages): Promise<Traces> {
  const exporter = new otlp.OTLPTraceExporter({
    url: config.endpoint,
    headers: { ...config.exporterHeaders },
    timeoutMillis: 5_000,
  })
  let told = -QUIET
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({ 'service.name': config.serviceName, 'service.version': version }),
    // The root is always ours, with a trace id of ours: no caller can choose one that is sampled (D4).
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(config.ratio) }),
    spanLimits: { attributeValueLengthLimit: 512, linkCountLimit: 4 },
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: {
          export(spans, done) {
            exporter.export(spans, (result) => {
              if (result.error !== undefined && performance.now() - told >= QUIET) {
                told = performance.now()
                log.warn({ spans: spans.length }, 'spans could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT')
              }
              done(result)
            })
          },
          shutdown: async () => await exporter.shutdown(),
        },
        exportTimeoutMillis: 5_000,
      }),
    ],
  })
  return {
    tracing: createTracing(provider.getTracer('gatehouse', version)),
    close: async () => await provider.shutdown().catch(() => {}),
  }
}

/** What of them is used. */
interface Packages {
  readonly sdk: Pick<
    typeof import('@opentelemetry/sdk-trace'),
    'TracerProvider' | 'BatchSpanProcessor' | 'ParentBasedSampler' | 'TraceIdRatioBasedSampler'
  >
  readonly resources: Pick<typeof import('@opentelemetry/resources'), 'resourceFromAttributes'>
  readonly otlp: Pick<typeof import('@opentelemetry/exporter-trace-otlp-http'), 'OTLPTraceExporter'>
}

async function installed(): Promise<Packages> {
  const [sdk, resources, otlp] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  return { sdk, resources, otlp }
}

async function load(packages: () => Promise<Packages>): Promise<Packages> {
  try {
    return await packages()
  } catch {
    throw new ConfigError([
      `OTEL_EXPORTER_OTLP_ENDPOINT: the packages that send spans are not installed: npm install ${PACKAGES}`,
    ])
  }
}
