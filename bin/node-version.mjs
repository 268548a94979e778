/** The oldest Node that Keyshift runs on, as `engines` in package.json says. */
export const minimumNode = '22.19.0';

/**
 * Whether `version` (`v20.20.2`, `24.21.0`) is at least {@link minimumNode}.
 *
 * @param {string} version
 * @returns {boolean}
 */
export function isNewEnough(version) {
  const wanted = minimumNode.split('.').map(Number);
  const given = version.replace(/^v/, '').split('.').map(Number.parseFloat);
  for (const [index, part] of wanted.entries()) {
    if (given[index] !== part) return given[index] > part;
  }
  return true;
}
