// Files that are followed by lines while others rotate, empty, touch and delete them: no row is lost, none comes twice.
import { describe, expect, test } from 'vitest'
import { csv, ndjson } from '../../src/connect/files/index.ts'
import { lines, Logs, numbers } from './followed-logs.ts'

/** How much of a log was read before it is rotated: less and more than the checksums cover. */
const sizes = [
  { of: 'short', bytes: 30 },
  { of: 'long', bytes: 500 },
] as const

describe.each(sizes)('a $of log that is rotated by renaming', ({ bytes }) => {
  const text = (from: number, to: number): string => lines(from, to, bytes)

  /** Lines that come late go to the file that was renamed. */
  async function rotate(logs: Logs, from: number): Promise<void> {
    await logs.files.rename('/in/app.log', '/in/app.log.1')
    await logs.append('/in/app.log.1', text(from, from + 2))
    await logs.append('/in/app.log', text(from + 2, from + 4))
  }

  test.each(['/in/app.log*', '/in/app.log'])(
    'is read on under its new name, and the new one from its beginning, while the job runs: %s',
    async (path) => {
      const logs = new Logs()
      await logs.append('/in/app.log', text(0, 10))
      const rows = await logs.run(path, {
        meanwhile: [
          () => rotate(logs, 10),
          () => logs.append('/in/app.log.1', text(14, 15)),
          () => logs.append('/in/app.log', text(15, 16)),
        ],
      })
      expect(rows).toEqual(numbers(0, 16))
      expect(await logs.run(path)).toEqual([])
    },
  )

  test.each(['/in/app.log*', '/in/app.log'])('also while the job is down: %s', async (path) => {
    const logs = new Logs()
    await logs.append('/in/app.log', text(0, 10))
    expect(await logs.run(path)).toEqual(numbers(0, 10))
    await rotate(logs, 10)
    expect(await logs.run(path)).toEqual(numbers(10, 14))
    await logs.append('/in/app.log.1', text(14, 15))
    await logs.append('/in/app.log', text(15, 16))
    expect(await logs.run(path)).toEqual(numbers(14, 16))
  })

  test('again and again, in both ways', async () => {
    const logs = new Logs()
    await logs.append('/in/app.log', text(0, 10))
    expect(await logs.run('/in/app.log*')).toEqual(numbers(0, 10))
    const all: number[] = []
    for (let round = 0; round < 3; round++) {
      const first = 10 + round * 8
      const shift = async (from: number): Promise<void> => {
        for (const number of [3, 2, 1]) {
          if ((await logs.files.status(`/in/app.log.${number}`)) !== undefined)
            await logs.files.rename(`/in/app.log.${number}`, `/in/app.log.${number + 1}`)
        }
        await rotate(logs, from)
      }
      await shift(first)
      all.push(...(await logs.run('/in/app.log*', { meanwhile: [() => shift(first + 4)] })))
    }
    expect(all.toSorted((a, b) => a - b)).toEqual(numbers(10, 34))
  })
})

describe('a log whose identity the file system gives to another file', () => {
  test('is not taken for it', async () => {
    const logs = new Logs()
    await logs.append('/in/a.log', lines(0, 5))
    expect(await logs.run('/in/*.log')).toEqual(numbers(0, 5))
    // As where an inode number is used again: other content under another name, with the old identity.
    await logs.files.rename('/in/a.log', '/in/b.log')
    await logs.overwrite('/in/b.log', lines(100, 110))
    const { code, text } = await logs.failure('/in/*.log')
    expect([code, text]).toEqual(['no error', `rows ${numbers(100, 110).join()}`])
  })
})

describe.each([true, false])(
  'identities that are used again (the file system tells births: %s)',
  (tellsBirth) => {
    const noRows = [
      { name: 'ndjson', format: ndjson, before: '', after: lines(0, 3) },
      { name: 'csv', format: csv, before: 'n,text\n', after: 'n,text\n0,a\n1,b\n2,c\n' },
      { name: 'csv with lines', format: csv, before: 'n,text\n7,a\n', after: 'n,text\n7,a\n8,b\n' },
    ]

    function recycling(): Logs {
      const logs = new Logs()
      logs.machine.disk.reuseIdentities({ tellsBirth })
      return logs
    }

    const inode = async (logs: Logs, path: string): Promise<string | undefined> =>
      (await logs.files.status(path))?.identity.split(':').slice(0, 2).join(':')

    test.each(noRows)(
      'a log with next to nothing in it is deleted, and a new one gets its identity: $name',
      async ({ format, name, before, after }) => {
        const logs = recycling()
        let first: string | undefined
        await logs.append('/in/a.log', before)
        const rows = await logs.run('/in/*.log', {
          format,
          meanwhile: [
            async () => {
              first = await inode(logs, '/in/a.log')
              await logs.files.remove('/in/a.log')
            },
            async () => {
              await logs.append('/in/b.log', after)
              expect(await inode(logs, '/in/b.log')).toBe(first)
            },
          ],
        })
        const read = name === 'csv with lines' ? [7, 7, 8] : [0, 1, 2]
        expect(rows).toEqual(read)
        expect(await logs.run('/in/*.log', { format })).toEqual([])
      },
    )

    test('a log that a rotation leaves empty is the same one still', async () => {
      const logs = recycling()
      await logs.append('/in/a.log', '')
      const rows = await logs.run('/in/*.log', {
        meanwhile: [
          () => logs.files.rename('/in/a.log', '/in/b.log'),
          () => logs.append('/in/b.log', lines(0, 3)),
        ],
      })
      expect(rows).toEqual(numbers(0, 3))
    })

    test.each([30, 500])('a log is begun anew under its name between two looks (%i bytes)', async (bytes) => {
      const logs = recycling()
      await logs.append('/in/a.log', lines(0, 5, bytes))
      let first: string | undefined
      const rows = await logs.run('/in/*.log', {
        // The reader looks more often than the folder is looked at.
        job: { discoverIntervalMs: 150, stopWhenIdleMs: 1000 },
        meanwhile: [
          async () => {
            first = await inode(logs, '/in/a.log')
            await logs.files.remove('/in/a.log')
          },
          async () => {
            await logs.append('/in/a.log', lines(100, 108, bytes))
            expect(await inode(logs, '/in/a.log')).toBe(first)
          },
          () => logs.append('/in/a.log', lines(108, 110, bytes)),
        ],
      })
      expect(rows).toEqual([...numbers(0, 5), ...numbers(100, 110)])
      expect(await logs.run('/in/*.log')).toEqual([])
      await logs.append('/in/a.log', lines(110, 111, bytes))
      expect(await logs.run('/in/*.log')).toEqual([110])
    })

    test('the same while no run looks: nothing is lost where births are told; else that is all it could be', async () => {
      const logs = recycling()
      await logs.append('/in/a.log', lines(0, 2))
      expect(await logs.run('/in/*.log')).toEqual([0, 1])
      await logs.files.remove('/in/a.log')
      await logs.append('/in/b.log', lines(0, 4))
      expect(await logs.run('/in/*.log')).toEqual(tellsBirth ? [0, 1, 2, 3] : [2, 3])
    })

    test('whole files: another one of the same size and time is read', async () => {
      const logs = recycling()
      const follow = { follow: 'files' } as const
      await logs.append('/in/a.log', lines(0, 5))
      const { modifiedMs } = (await logs.files.status('/in/a.log'))!
      expect(await logs.run('/in/*.log', follow)).toEqual(numbers(0, 5))
      await logs.files.remove('/in/a.log')
      await logs.append('/in/b.log', lines(5, 9) + lines(9, 10))
      logs.setTime('/in/b.log', modifiedMs)
      expect(await logs.run('/in/*.log', follow)).toEqual(numbers(5, 10))
    })
  },
)

describe('a log that is emptied and written again (copytruncate)', () => {
  test.each([
    ['shorter', 3],
    ['as long', 10],
    ['longer', 30],
  ] as const)('stops the job while it runs, and while it is down: %s', async (_, count) => {
    for (const bytes of [30, 500]) {
      const other = lines(100, 100 + count, bytes)
      const running = new Logs()
      await running.append('/in/app.log', lines(10, 20, bytes))
      const rows = await running.failure('/in/app.log', {
        meanwhile: [() => running.overwrite('/in/app.log', other)],
      })
      expect(rows).toMatchObject({ code: 'input/changed', hint: expect.stringContaining('copytruncate') })

      const logs = new Logs()
      await logs.append('/in/app.log', lines(10, 20, bytes))
      expect(await logs.run('/in/app.log')).toEqual(numbers(10, 20))
      await logs.copy('/in/app.log', '/in/app.log.1')
      await logs.overwrite('/in/app.log', other)
      const stopped = await logs.failure('/in/app.log')
      expect(stopped).toMatchObject({ code: 'input/changed', hint: expect.stringContaining('copytruncate') })
      expect(stopped.text).toContain('/in/app.log')

      // What the hint says.
      await logs.append('/in/app.log.1', lines(20, 22, bytes))
      await logs.copy('/in/app.log', '/in/app.log.2')
      await logs.overwrite('/in/app.log', await logs.read('/in/app.log.1'))
      await logs.files.remove('/in/app.log.1')
      expect(await logs.run('/in/app.log')).toEqual([20, 21])
    }
  })

  test('stops it also where the first and the last lines are the same, up to a checksum', async () => {
    const logs = new Logs()
    const text = lines(10, 20, 500)
    await logs.append('/in/app.log', text)
    await logs.run('/in/app.log')
    await logs.overwrite('/in/app.log', `${text.slice(0, 1000)}${lines(50, 60, 500)}`)
    expect(await logs.failure('/in/app.log')).toMatchObject({ code: 'input/changed' })
  })
})

describe('a followed log', () => {
  test('that was only touched is read on', async () => {
    for (const follow of ['lines', 'files'] as const) {
      const logs = new Logs()
      await logs.append('/in/app.log', lines(0, 10))
      expect(await logs.run('/in/app.log', { follow })).toEqual(numbers(0, 10))
      await logs.overwrite('/in/app.log', lines(0, 10))
      expect(await logs.run('/in/app.log', { follow })).toEqual([])
    }
  })

  test('that was put back from a copy is read on, when enough was read to know it', async () => {
    for (const follow of ['lines', 'files'] as const) {
      const logs = new Logs()
      await logs.append('/in/app.log', lines(0, 30))
      expect(await logs.run('/in/app.log', { follow })).toEqual(numbers(0, 30))
      for (const more of [
        [30, 33],
        [33, 35],
      ] as const) {
        await logs.copy('/in/app.log', '/in/copy')
        await logs.files.rename('/in/copy', '/in/app.log')
        if (follow === 'lines') await logs.append('/in/app.log', lines(more[0], more[1]))
        expect(await logs.run('/in/app.log', { follow })).toEqual(
          follow === 'lines' ? numbers(more[0], more[1]) : [],
        )
      }
    }
  })

  test('that was deleted after it was read to its end is done with, which is told once', async () => {
    const logs = new Logs()
    await logs.append('/in/a.log', lines(0, 10))
    await logs.append('/in/b.log', lines(10, 20))
    expect(await logs.run('/in/*.log')).toHaveLength(20)
    await logs.files.remove('/in/a.log')
    await logs.append('/in/b.log', lines(20, 21))
    expect(await logs.run('/in/*.log')).toEqual([20])
    expect(logs.notices).toEqual([expect.stringMatching(/"\/in\/a.log" was deleted.*byte \d+/)])
    await logs.append('/in/a.log', lines(30, 32))
    expect(await logs.run('/in/*.log')).toEqual([30, 31])
    expect(logs.notices).toHaveLength(1)
  })

  test('that was deleted before it was read stops the job, which goes on when it is put back', async () => {
    for (const follow of ['lines', 'files'] as const) {
      const logs = new Logs()
      await logs.append('/in/a.log', lines(0, 2000, 500))
      let rows: number[] = []
      const text = await logs.read('/in/a.log')
      const limited = { mode: 'micro-batch', trigger: { kind: 'once' } } as const
      rows = await logs.run('/in/*.log', { follow, job: limited, maxRows: 100 })
      expect(rows).toEqual(numbers(0, 100))
      await logs.files.remove('/in/a.log')
      const gone = await logs.failure('/in/*.log', { follow })
      expect(gone).toMatchObject({ code: 'input/not-found', hint: expect.stringContaining('put it back') })
      expect(gone.text).toContain('/in/a.log')
      await logs.append('/in/a.log', text)
      expect(await logs.run('/in/*.log', { follow })).toEqual(numbers(100, 2000))
    }
  })

  test('whose name another one has, while it is nowhere, stops the job', async () => {
    const logs = new Logs()
    await logs.append('/in/app.log', lines(0, 10))
    await logs.run('/in/app.log')
    await logs.files.makeDirectory('/archive')
    await logs.files.rename('/in/app.log', '/archive/app.log')
    await logs.append('/archive/app.log', lines(10, 12))
    await logs.append('/in/app.log', lines(12, 14))
    const stopped = await logs.failure('/in/app.log')
    expect(stopped).toMatchObject({
      code: 'input/changed',
      hint: expect.stringContaining('move the earlier file back'),
    })
    await logs.files.rename('/archive/app.log', '/in/app.log.1')
    expect(await logs.run('/in/app.log')).toEqual(numbers(10, 14))
  })

  test('that is named by itself may be away for a moment, but not before it was ever seen', async () => {
    const logs = new Logs()
    await logs.append('/in/app.log', lines(0, 10))
    const rows = await logs.run('/in/app.log', {
      meanwhile: [
        () => logs.files.rename('/in/app.log', '/in/app.log.1'),
        () => logs.append('/in/app.log.1', lines(10, 12)),
        () => logs.append('/in/app.log', lines(12, 14)),
      ],
    })
    expect(rows).toEqual(numbers(0, 14))
    await logs.files.rename('/in/app.log', '/in/app.log.2')
    expect(await logs.run('/in/app.log')).toEqual([])
    await logs.append('/in/app.log.2', lines(14, 15))
    await logs.append('/in/app.log', lines(15, 16))
    expect(await logs.run('/in/app.log')).toEqual([14, 15])
    expect((await new Logs().failure('/in/app.log')).code).toBe('input/not-found')
  })

  test('that is written again to a new file while the job runs stops it', async () => {
    const logs = new Logs()
    await logs.append('/in/app.log', lines(0, 10))
    const stopped = await logs.failure('/in/app.log', {
      meanwhile: [
        async () => {
          await logs.append('/in/.new', lines(0, 12))
          await logs.files.rename('/in/.new', '/in/app.log')
        },
      ],
    })
    expect(stopped).toMatchObject({ code: 'input/changed' })
  })

  test('that is deleted while the job runs, and begun anew, is another one', async () => {
    const logs = new Logs()
    await logs.append('/in/app.log', lines(0, 10))
    const rows = await logs.run('/in/app.log', {
      meanwhile: [
        async () => {
          await logs.files.remove('/in/app.log')
          await logs.append('/in/app.log', lines(10, 12))
        },
      ],
    })
    expect(rows).toEqual(numbers(0, 12))
    expect(await logs.run('/in/app.log')).toEqual([])
  })

  test('of CSV is rotated with its header', async () => {
    const logs = new Logs()
    const format = csv
    await logs.append('/in/app.csv', 'n,text\n1,a\n')
    expect(await logs.run('/in/app.csv*', { format })).toEqual([1])
    await logs.files.rename('/in/app.csv', '/in/app.csv.1')
    await logs.append('/in/app.csv', 'n,text\n')
    expect(await logs.run('/in/app.csv*', { format })).toEqual([])
    await logs.append('/in/app.csv', '2,b\n')
    await logs.append('/in/app.csv.1', '3,c\n')
    expect(await logs.run('/in/app.csv*', { format })).toEqual([2, 3])
  })
})

describe('rows that may be lost', () => {
  const skip = { lostRows: 'skip' } as const

  /** A log that was read in part: what the first run of a job has not read is there. */
  async function partlyRead(follow: 'lines' | 'files', bytes: number): Promise<Logs> {
    const logs = new Logs()
    await logs.append('/in/a.log', lines(0, 20, bytes))
    const job = { mode: 'micro-batch', trigger: { kind: 'once' } } as const
    expect(await logs.run('/in/*.log', { follow, job, maxRows: 10 })).toEqual(numbers(0, 10))
    return logs
  }

  test.each([30, 500])('are told and given up when the next run is told so (%i bytes)', async (bytes) => {
    for (const follow of ['lines', 'files'] as const) {
      const logs = await partlyRead(follow, bytes)
      await logs.files.remove('/in/a.log')
      const stopped = await logs.failure('/in/*.log', { follow })
      expect(stopped).toMatchObject({
        code: 'input/not-found',
        hint: expect.stringContaining("lostRows: 'skip'"),
      })
      expect(await logs.run('/in/*.log', { ...skip, follow })).toEqual([])
      expect(logs.notices).toEqual([expect.stringContaining('"/in/a.log"')])
      await logs.append('/in/a.log', lines(50, 52, bytes))
      expect(await logs.run('/in/*.log', { follow })).toEqual([50, 51])
      expect(logs.notices).toHaveLength(1)
    }
  })

  test.each([30, 500])(
    'of a log that was emptied: it is read from its beginning (%i bytes)',
    async (bytes) => {
      for (const count of [2, 10, 40]) {
        const logs = await partlyRead('lines', bytes)
        await logs.overwrite('/in/a.log', lines(100, 100 + count, bytes))
        const stopped = await logs.failure('/in/*.log')
        expect(stopped).toMatchObject({
          code: 'input/changed',
          hint: expect.stringContaining("lostRows: 'skip'"),
        })
        expect(await logs.run('/in/*.log', skip)).toEqual(numbers(100, 100 + count))
        expect(logs.notices).toEqual([expect.stringContaining('it is read from its beginning')])
        await logs.append('/in/a.log', lines(200, 203, bytes))
        expect(await logs.run('/in/*.log')).toEqual(numbers(200, 203))
      }
    },
  )

  test('of a log that was cut behind what was read of it', async () => {
    const logs = await partlyRead('lines', 100)
    const all = lines(0, 20, 100)
    await logs.overwrite('/in/a.log', lines(0, 15, 100))
    expect(await logs.failure('/in/*.log')).toMatchObject({
      code: 'input/changed',
      text: expect.stringContaining(`had ${all.length} bytes and has`),
    })
    await logs.append('/in/a.log', lines(15, 20, 100))
    expect(await logs.run('/in/*.log')).toEqual(numbers(10, 20))
  })

  test('of a log that was moved away: the one that has its name is read', async () => {
    const logs = await partlyRead('lines', 100)
    await logs.files.makeDirectory('/archive')
    await logs.files.rename('/in/a.log', '/archive/a.log')
    await logs.append('/in/a.log', lines(100, 130, 100))
    expect((await logs.failure('/in/*.log')).hint).toContain("lostRows: 'skip'")
    expect(await logs.run('/in/*.log', skip)).toEqual(numbers(100, 130))
    expect(logs.notices).toEqual([expect.stringMatching(/is gone; it had been read up to byte \d+ of \d+/)])
    expect(await logs.run('/in/*.log', skip)).toEqual([])
  })

  test('are none where nothing went wrong', async () => {
    const logs = await partlyRead('lines', 100)
    await logs.files.rename('/in/a.log', '/in/b.log')
    await logs.append('/in/a.log', lines(20, 22))
    expect(await logs.run('/in/*.log', skip)).toEqual(numbers(10, 22))
    expect(logs.notices).toEqual([])
  })
})
