#!/usr/bin/env node
import { run } from './cli/run.ts'

const { stdin, stdout, stderr } = process
process.exitCode = await run(process.argv.slice(2), { cwd: process.cwd(), stdin, stdout, stderr })
