/** Where this server listens, and other values that world.ts hands to it. */
export const given = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is missing: these servers are started by npm run bench`)
  return value
}
export const port = Number(given('PORT'))
