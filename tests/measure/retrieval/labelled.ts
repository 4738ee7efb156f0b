import { setOf, type LabelledSet } from './set.ts'
import { engineering } from './subjects/engineering.ts'
import { finance } from './subjects/finance.ts'
import { helpdesk } from './subjects/helpdesk.ts'
import { hr } from './subjects/hr.ts'
import { legal } from './subjects/legal.ts'
import { logistics } from './subjects/logistics.ts'
import { marketing } from './subjects/marketing.ts'
import { office } from './subjects/office.ts'
import { product } from './subjects/product.ts'
import { quality } from './subjects/quality.ts'
import { sales } from './subjects/sales.ts'
import { security } from './subjects/security.ts'
import { starting } from './subjects/starting.ts'
import { support } from './subjects/support.ts'
import { travel } from './subjects/travel.ts'

/**
 * What a company that makes sensors for air might have written down, and what its people ask. All of it is made up for this measurement. The documents
 * and the questions were written before anything was measured, and not changed after.
 */
export const LABELLED: LabelledSet = setOf({
  hr,
  security,
  finance,
  support,
  engineering,
  travel,
  legal,
  product,
  office,
  sales,
  helpdesk,
  logistics,
  marketing,
  quality,
  starting,
})
