import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../providers/qemu/spec-rules.ts';

const SPEC = { image: 'vm-server', egress: false as boolean | string[], ports: [] };

describe('a spec for qemu', () => {
  it('may name a private network only within those that the operator lets guests reach', () => {
    const asked = (egress: string[], egressNetworks: string[]) =>
      refusalOf({ ...SPEC, egress }, { network: 'auto', egressNetworks });
    const refused = { code: 'optionNotAllowed', field: 'egress' };
    expect(asked(['443/tcp', '10.1.2.3:5432/tcp'], [])).toMatchObject(refused);
    expect(asked(['10.1.2.3:5432/tcp'], [])?.problem).toContain('10.1.2.3:5432/tcp lies in a private network');
    expect(asked(['10.1.2.3:5432/tcp'], ['10.1.0.0/16'])).toBeUndefined();
    expect(asked(['10.0.0.0/8'], ['10.1.0.0/16'])).toMatchObject(refused);
    expect(asked(['192.168.7.0/24'], ['10.1.0.0/16'])).toMatchObject(refused);
    expect(asked(['443/tcp', '203.0.113.0/24', '8.0.0.0/5'], [])).toBeUndefined();
    expect(refusalOf({ ...SPEC, egress: true }, { network: 'auto', egressNetworks: [] })).toBeUndefined();
  });
});
