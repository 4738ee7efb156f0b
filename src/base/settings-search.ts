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
  EMBEDDINGS_FOLDER: {
    group: 'Search',
    about:
      'Instead of EMBEDDINGS_URL: an absolute path, a folder with models as transformers.js lays them out. Needs `npm install @huggingface/transformers`.',
    default: '',
    example: '/app/models',
  },
  EMBEDDINGS_MODEL: {
    group: 'Search',
    about:
      'The model there; in EMBEDDINGS_FOLDER the folder of one, for example Xenova/all-MiniLM-L6-v2. After a change run `gatehouse reindex`.',
    default: '',
    example: 'text-embedding-3-small',
  },
  EMBEDDINGS_KEY: {
    group: 'Search',
    about: 'Sent as `Authorization: Bearer`; only with EMBEDDINGS_URL.',
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
    about: 'Passages of one request, or of one turn of a model in EMBEDDINGS_FOLDER.',
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
