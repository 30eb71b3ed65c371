import { describe, expect, it } from 'vitest'
import { deviceOf, isSameIdentity } from '../../../src/connect/files/file-identity.ts'

describe('identities of files', () => {
  it.each([
    { left: '1:2', right: '1:2', is: true },
    { left: '1:2', right: '1:3', is: false },
    { left: '1:2', right: '2:2', is: false },
    { left: '1:2:5', right: '1:2:5', is: true },
    { left: '1:2:5', right: '1:2:6', is: false },
    { left: '1:2', right: '1:2:6', is: true },
    { left: '1:2:6', right: '1:2', is: true },
    { left: '1:23', right: '1:2:3', is: false },
    { left: '', right: '1:2:3', is: false },
  ])('$left and $right: $is', ({ left, right, is }) => {
    expect(isSameIdentity(left, right)).toBe(is)
  })

  it('begin with the device', () => {
    expect(['65:7', '65:7:99'].map(deviceOf)).toEqual(['65', '65'])
  })
})
