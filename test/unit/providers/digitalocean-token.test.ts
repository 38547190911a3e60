import { afterEach, describe, expect, it, vi } from 'vitest';
import { tokenOf } from '../../../providers/digitalocean/token.ts';

afterEach(() => void vi.unstubAllEnvs());

describe('the token of DigitalOcean', () => {
  it('is sent to DigitalOcean, and to a server on this computer', async () => {
    vi.stubEnv('DIGITALOCEAN_TOKEN', 'dop_v1_token');
    for (const endpoint of [null, 'https://proxy.example', 'http://127.0.0.1:8080']) {
      expect(await tokenOf({ tokenFile: null, endpoint }), String(endpoint)).toBe('dop_v1_token');
    }
  });

  it('never goes over a network in plain text, whatever the variable of the worker holds', async () => {
    vi.stubEnv('DIGITALOCEAN_TOKEN', 'dop_v1_token');
    for (const endpoint of ['http://proxy.example', 'http://127.0.0.1.proxy.example/', 'HTTP://10.0.0.5:8080']) {
      expect(await tokenOf({ tokenFile: null, endpoint }), endpoint).toBeNull();
    }
  });
});
