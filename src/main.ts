#!/usr/bin/env node
import { run } from './cli/run.ts'
import { EXIT } from './cli/terminal.ts'

const { stdin, stdout, stderr } = process
const exit = await run(process.argv.slice(2), { cwd: process.cwd(), stdin, stdout, stderr })
// Done: a server lives on. Failed: whatever is still open must not keep the process; what was written goes out first.
if (exit !== EXIT.done) stdout.write('', () => process.exit(exit))
