import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chooseAccelerator, inWords } from '../../../providers/qemu/accelerator.ts';
import type { QemuImage } from '../../../providers/qemu/image/image-files.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { temporaryDirectory, whyNoGuests } from '../../../test-support/machines/qemu-harness.ts';

describe.skipIf(whyNoGuests())('what guests run with', () => {
  let image: QemuImage;
  let directory: string;
  beforeAll(async () => {
    image = await ensureImage();
  }, 180_000);
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is software emulation where QEMU ends at once with KVM, and the reason is what QEMU said', async () => {
    const qemuPath = join(directory, 'qemu');
    const text = `#!/bin/sh
[ "$1" = --version ] && { echo 'QEMU emulator version 7.2.0'; exit; }
echo 'Could not access KVM kernel module: Operation not permitted' >&2
echo 'qemu: failed to initialize kvm' >&2
exit 1
`;
    await writeFile(qemuPath, text, { mode: 0o755 });
    const { accelerator, why } = await chooseAccelerator({ image, cacheDir: directory, qemuPath });
    expect(accelerator.kind).toBe('tcg');
    const hasKvm = await access('/dev/kvm').then(
      () => true,
      () => false,
    );
    if (hasKvm) {
      expect(why).toContain('Operation not permitted; qemu: failed to initialize kvm');
      expect(why).not.toContain('within');
    } else expect(why).toContain('there is no /dev/kvm');
  });
});

describe('what a person reads of a QEMU that breaks off', () => {
  it('is no line of its source code', () => {
    const said =
      'QEMU ended while it was starting: qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69; ' +
      "qemu-system-x86_64: ../../target/i386/kvm/kvm.c:3183: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed.";
    expect(inWords(said)).toContain('nested virtualization');
    expect(inWords(said)).not.toMatch(/Assertion|kvm\.c|0x/);
  });

  it('is what QEMU said where it said it in words', () => {
    const said = 'QEMU ended while it was starting: Could not access KVM kernel module: Operation not permitted';
    expect(inWords(said)).toBe(said);
  });
});
