import { describe, expect, test } from 'vitest'
import { DatabaseUnavailable, StatementTimeout, TenantBusy, TenantFenced } from '#db/database.ts'
import { named, sqlState } from '#db/errors.ts'

/** As pg makes them of what Postgres sent. */
const sent = (code: string): Error => Object.assign(new Error('words of Postgres'), { severity: 'ERROR', code })
/** As Node makes them. */
const system = (code: string): Error => Object.assign(new Error('words of Node'), { code })

describe('an error in the words of the door', () => {
  test.each(['57014', '55P03'])('%s: a statement or a lock took too long', (code) => {
    const error = named(sent(code))
    expect(error).toBeInstanceOf(StatementTimeout)
    expect(error).toMatchObject({ cause: { code } })
  })

  test.each(['08000', '08006', '53300', '57P01', '57P03', '58030', '28000', '28P01', '3D000', '25P03'])(
    '%s: Postgres speaks about itself, so it cannot be reached',
    (code) => {
      const error = named(sent(code))
      expect(error).toBeInstanceOf(DatabaseUnavailable)
      expect(error).toMatchObject({ message: expect.stringContaining(code), cause: { code } })
    },
  )

  test.each(['42501', '23505', '25006', '40001', '57000', '22023', '3F000', '280001', '00801'])(
    '%s: what Postgres says about the statement passes',
    (code) => {
      const error = sent(code)
      expect(named(error)).toBe(error)
    },
  )

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EPIPE',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ])('%s: the way there is broken', (code) => {
    expect(named(system(code))).toBeInstanceOf(DatabaseUnavailable)
  })

  test.each(['ERR_INVALID_ARG_TYPE', 'EX', 'XECONNRESET', 'ECONN RESET', 'MY_CERT_EXPIRED', 'SOME_UNABLE_TO_X'])(
    '%s is no matter of the database',
    (code) => {
      const error = system(code)
      expect(named(error)).toBe(error)
    },
  )

  test.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Connection ended unexpectedly',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Cannot use a pool after calling end on the pool',
  ])('%s: pg says so without a code', (message) => {
    const error = named(new Error(message))
    expect(error).toBeInstanceOf(DatabaseUnavailable)
    expect(error).toMatchObject({ message: 'the database cannot be reached (connection lost)' })
  })

  test('everything else passes as it is', () => {
    for (const error of [
      new RangeError('mine'),
      new Error('said: Connection terminated'),
      'Connection terminated',
      { code: 'ECONNREFUSED', message: 'Connection terminated' },
      Object.assign(new Error('numbered'), { code: 57_014 }),
      null,
      undefined,
    ])
      expect(named(error)).toBe(error)
  })
})

test('an SQLSTATE is what Postgres sent: five characters, with a severity', () => {
  expect(sqlState(sent('42501'))).toBe('42501')
  for (const error of [
    system('42501'),
    system('EPIPE'),
    sent('4250'),
    sent('425011'),
    sent('x4250'),
    sent('EPIPE'.toLowerCase()),
    Object.assign(new Error(''), { severity: 'ERROR', code: 42_501 }),
    { severity: 'ERROR', code: '42501' },
    null,
    '42501',
  ])
    expect(sqlState(error)).toBeNull()
})

test('each error says its name', () => {
  const errors = [DatabaseUnavailable, TenantFenced, TenantBusy, StatementTimeout]
  expect(errors.map((Made) => new Made('x').name)).toEqual([
    'DatabaseUnavailable',
    'TenantFenced',
    'TenantBusy',
    'StatementTimeout',
  ])
})
