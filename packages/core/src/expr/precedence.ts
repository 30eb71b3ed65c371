/**
 * PostgreSQL's operator precedence, for the parser and for printing expressions with as few parentheses as needed.
 *
 * Source: PostgreSQL 16 documentation, table 4.2.
 */

/** How tightly operators bind; a larger number binds tighter. */
export const precedence = {
  or: 1,
  and: 2,
  not: 3,
  is: 4,
  comparison: 5,
  match: 6,
  other: 7,
  add: 8,
  multiply: 9,
  power: 10,
  zone: 11,
  sign: 12,
  postfix: 13,
} as const
