/** What cloud-init leaves on the disk of a server: images of sessions are made of that. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverUserData } from '../../../providers/cloud/server-user-data.ts';
import { EC2_SCRIPTS } from '../../../providers/ec2/start-scripts.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';

/** As cloud-init pickles what the metadata service says, tags among it. */
const KEPT = 'tags: ephemera-machine-key = the-machine-key';

describe('the disk of a server', () => {
  let dir: string;
  let kept: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'eph-disk-'));
    kept = join(dir, 'var/lib/cloud/instance/obj.pkl');
    mkdirSync(join(kept, '..'), { recursive: true });
    mkdirSync(join(dir, 'run/cloud-init'), { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs its user data as cloud-init does at each boot. */
  const boot = (): void => {
    const request = {
      ...{ machineId: 'm-1', owner: 'vm/default/lobby', spec: chatTemplateSpec('ec2') },
      agentBootstrap: { apiUrl: 'https://api.test', secret: 'one-time' },
    };
    const options = { cloud: EC2_SCRIPTS, identity: 'secret', vmServerUrl: null, maxBytes: 16_384 } as const;
    const hook = serverUserData(request, 'test', options);
    const here = hook.replaceAll('/run/', `${dir}/run/`).replaceAll('/var/lib/', `${dir}/var/lib/`);
    execFileSync('sh', [], { input: here, stdio: ['pipe', 'inherit', 'inherit'] });
    expect(existsSync(join(dir, 'run/ephemera/attributes/ephemera-api-url'))).toBe(true);
  };
  const onDisk = (): string => (lstatSync(kept).isSymbolicLink() ? '' : readFileSync(kept, 'utf8'));

  it('has nothing of what the metadata service says of the machine: cloud-init reads that again from memory', () => {
    writeFileSync(kept, KEPT, { mode: 0o400 });
    boot();
    expect(onDisk()).toBe('');
    expect(readFileSync(kept, 'utf8')).toBe(KEPT);
    expect(lstatSync(join(dir, 'run/cloud-init/obj.pkl')).mode & 0o777).toBe(0o400);
  });

  it('has nothing of it at later boots, whose cloud-init writes it anew', () => {
    writeFileSync(kept, KEPT);
    boot();
    rmSync(join(dir, 'run'), { recursive: true });
    mkdirSync(join(dir, 'run/cloud-init'), { recursive: true });
    writeFileSync(kept, KEPT);
    boot();
    expect(onDisk()).toBe('');
    expect(readFileSync(join(dir, 'run/cloud-init/obj.pkl'), 'utf8')).toBe(KEPT);
  });

  it('boots where cloud-init keeps nothing, or has no place in memory', () => {
    boot();
    writeFileSync(kept, 'of an image without one');
    rmSync(join(dir, 'run/cloud-init'), { recursive: true });
    boot();
    expect(onDisk()).toBe('of an image without one');
  });
});
