import { expect, it } from 'vitest';
import { urlForOthers } from '../../../providers/qemu/image/url-download.ts';

it('others are told of a URL that nobody can change on its way and that holds no signature', () => {
  const plain = 'https://images.example.com/debian.qcow2';
  expect(urlForOthers(plain)).toBe(plain);
  expect(urlForOthers(`${plain}?X-Signature=secret`)).toBeUndefined();
  expect(urlForOthers(`${plain}#secret`)).toBeUndefined();
  expect(urlForOthers('http://images.example.com/debian.qcow2')).toBeUndefined();
});
