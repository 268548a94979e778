import { createHash } from 'node:crypto';

const body = `const field = document.getElementById('link');
const button = document.getElementById('copy');
if (field && button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    const done = button.dataset.done;
    button.textContent = done;
    document.getElementById('copied').textContent = done;
  });
}
`;

/** The one script of the pages: copies the link of the hand-over page. */
export const copyScript = {
  path: `/assets/${createHash('sha256').update(body).digest('hex').slice(0, 16)}.js`,
  body,
  headers: {
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  },
} as const;
