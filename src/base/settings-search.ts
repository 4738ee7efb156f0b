import type { Setting } from './settings.ts'

/** Search by meaning: docs/tools/search.md. */
export const SEARCH_SETTINGS = {
  EMBEDDINGS_URL: {
    group: 'Search',
    about:
      'An OpenAI-compatible API for embeddings; `/embeddings` is added. https (http for this machine only, with EGRESS_ALLOW_PRIVATE). Absent: search looks for words only.',
    default: '',
    example: 'https://api.openai.com/v1',
  },
  EMBEDDINGS_MODEL: {
    group: 'Search',
    about: 'The model there. After a change run `gatehouse reindex`.',
    default: '',
    example: 'text-embedding-3-small',
  },
  EMBEDDINGS_KEY: {
    group: 'Search',
    about: 'Sent as `Authorization: Bearer`.',
    default: '',
    example: 'sk-...',
    secret: true,
  },
  EMBEDDINGS_DIMENSIONS: {
    group: 'Search',
    about: 'How many numbers the model answers for a text, 2 to 2,000 (what pgvector can index).',
    default: '',
    example: '1536',
  },
  EMBEDDINGS_BATCH: {
    group: 'Search',
    about: 'Passages of one request.',
    default: '64',
    example: '64',
  },
  EMBEDDINGS_PER_MINUTE: {
    group: 'Search',
    about: 'Requests for passages of one process per minute; tenants take turns. Questions of people are not counted.',
    default: '300',
    example: '300',
  },
} as const satisfies Record<string, Setting>
