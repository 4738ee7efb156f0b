/** Words of others on a terminal: no control characters, so that they cannot move its cursor or colour, and not without end. */
export const printable = (text: string): string => text.replaceAll(/[^\P{C}]/gu, ' ').slice(0, 500)
