import type { ConfigReader } from './config-reader.ts'

/** Where spans go; null: nowhere. */
export interface TracingConfig {
  /** OTEL_EXPORTER_OTLP_ENDPOINT with `/v1/traces`. */
  readonly endpoint: string
  /** OTEL_EXPORTER_OTLP_HEADERS; they may hold a key. */
  readonly exporterHeaders: Readonly<Record<string, string>>
  readonly serviceName: string
  /** From 0 to 1. */
  readonly ratio: number
}

export function readTracing(reader: ConfigReader): TracingConfig | null {
  const endpoint = readEndpoint(reader)
  const exporterHeaders = readHeaders(reader)
  const ratio = readRatio(reader)
  const serviceName = reader.text('OTEL_SERVICE_NAME') ?? 'gatehouse'
  if (endpoint === null) {
    if (reader.has('OTEL_EXPORTER_OTLP_HEADERS'))
      reader.warn('OTEL_EXPORTER_OTLP_HEADERS', 'without OTEL_EXPORTER_OTLP_ENDPOINT no span is sent anywhere')
    return null
  }
  return { endpoint, exporterHeaders, serviceName, ratio }
}

function readEndpoint(reader: ConfigReader): string | null {
  const value = reader.text('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (value === null) return null
  const wanted = 'must be an http(s) URL without user, query or fragment, for example http://otel-collector:4318'
  if (!URL.canParse(value)) return reader.problem('OTEL_EXPORTER_OTLP_ENDPOINT', wanted)
  const { protocol, username, password, search, hash } = new URL(value)
  if (!/^https?:$/.test(protocol) || `${username}${password}${search}${hash}` !== '')
    return reader.problem('OTEL_EXPORTER_OTLP_ENDPOINT', wanted)
  return `${value.replace(/\/+$/, '')}/v1/traces`
}

function readHeaders(reader: ConfigReader): Readonly<Record<string, string>> {
  const pairs = reader.list('OTEL_EXPORTER_OTLP_HEADERS').map(parsePair)
  if (pairs.includes(null))
    reader.problem('OTEL_EXPORTER_OTLP_HEADERS', 'must be name=value with commas between, for example x-api-key=abc')
  return Object.fromEntries(pairs.filter((pair) => pair !== null))
}

function parsePair(text: string): readonly [string, string] | null {
  const [, name = '', encoded = ''] = /^([A-Za-z0-9!#$&'*+.^_`|~-]+)=(.*)$/s.exec(text) ?? []
  try {
    const value = decodeURIComponent(encoded)
    return name === '' || !/^[\x20-\x7e]*$/.test(value) ? null : [name.toLowerCase(), value]
  } catch {
    return null
  }
}

function readRatio(reader: ConfigReader): number {
  const value = reader.text('OTEL_TRACES_SAMPLER_ARG')
  if (value === null) return 1
  const ratio = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(value) ? Number(value) : Number.NaN
  if (ratio >= 0 && ratio <= 1) return ratio
  reader.problem('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1, for example 0.1')
  return 1
}
