/**
 * Choices for generators: a list of numbers, taken one by one.
 *
 * When the list is at its end every choice is the first one. So a shorter list, or one of smaller numbers, makes a simpler
 * thing, and whatever shrinks lists of numbers shrinks what is made of them (MacIver, Donaldson, "Test-Case Reduction via
 * Test-Case Generation", ECOOP 2020).
 */
export class Dice {
  readonly #numbers: readonly number[]
  #next = 0

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers
  }

  /** Whether choices are left that are not the first one. */
  get isEmpty(): boolean {
    return this.#next >= this.#numbers.length
  }

  /** A number from 0 up to and without `below`. */
  below(below: number): number {
    return (this.#numbers[this.#next++] ?? 0) % below
  }

  /** One of them; the first is the simplest. */
  one<Choice>(choices: readonly Choice[]): Choice {
    return choices[this.below(choices.length)] as Choice
  }

  /** True in one of so many cases. */
  chance(oneIn: number): boolean {
    return this.below(oneIn) === oneIn - 1
  }

  /** Some of them, at least one, in their order. */
  some<Choice>(choices: readonly Choice[]): readonly Choice[] {
    const picked = choices.filter(() => this.chance(2))
    return picked.length > 0 ? picked : choices.slice(0, 1)
  }
}
