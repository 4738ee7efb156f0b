import fc from 'fast-check'

/** Properties see the same inputs for every mutant: what kills one today kills it tomorrow. */
fc.configureGlobal({ seed: 20261121 })
