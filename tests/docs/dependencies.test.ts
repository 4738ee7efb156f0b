import { expect, test } from 'vitest'
import { firstCells, read } from './pages.ts'

test('docs/dependencies.md explains exactly the packages of package.json, run time and development apart', () => {
  const manifest = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  const [, runTime = '', optional = '', development = ''] = read('docs/dependencies.md').split(
    /^## (?:At run time|Optional|For development and tests)$/m,
  )
  expect(firstCells(runTime).toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
  expect(firstCells(optional).toSorted()).toEqual(Object.keys(manifest.optionalDependencies).toSorted())
  expect(firstCells(development).toSorted()).toEqual(Object.keys(manifest.devDependencies).toSorted())
})

test('every package is pinned to one version', () => {
  const manifest = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  const { dependencies, optionalDependencies, devDependencies } = manifest
  const loose = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  )
  expect(loose).toEqual([])
})
