/** The server's rule (docs/api.md), told before anything is sent. */
const NAME = /^[A-Za-z0-9_.-]{2,32}$/;

/**
 * What is wrong with a name, as a sentence; empty when it is good.
 * @param {string} name
 */
export function nameProblem(name) {
  if (NAME.test(name)) return '';
  if (name.length === 0) return 'Choose a name first: your friends find you by it.';
  if (name.length < 2) return 'A name needs at least 2 characters.';
  if (name.length > 32) return 'A name can have at most 32 characters.';
  return 'Use letters without accents, digits, and _ . - only.';
}
