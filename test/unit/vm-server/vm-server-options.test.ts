import { describe, expect, it } from 'vitest';
import { parseAgentOptions } from '../../../vm-server/agent/sidecar-agent.ts';

describe('the options of the agent', () => {
  it('are a socket, or an API with a secret', () => {
    expect(
      parseAgentOptions(['--socket', '/run/agent.sock', '--count-port', '25565', '--ready-port', '25566']),
    ).toEqual({
      link: { kind: 'unix', socketPath: '/run/agent.sock' },
      countPort: 25565,
      readyPort: 25566,
      localPort: 7398,
      stateDir: null,
    });
    expect(
      parseAgentOptions(['--api-url', 'https://api.test/', '--secret-file', '/run/secret', '--local-port', '9']),
    ).toEqual({
      link: { kind: 'http', apiUrl: 'https://api.test/', secretFile: '/run/secret' },
      countPort: null,
      readyPort: null,
      localPort: 9,
      stateDir: '/run',
    });
  });

  it('say where the secret of now is, on a machine that waits for its VM', () => {
    const given = ['--api-url', 'https://api.test/', '--secret-file', '/run/secret', '--secret-from', 'gce'];
    expect(parseAgentOptions([...given, '--metadata-url', 'http://127.0.0.1:9']).link).toMatchObject({
      kind: 'http',
      secretFrom: { platform: { name: 'gce' }, metadataUrl: 'http://127.0.0.1:9' },
    });
    expect(parseAgentOptions(given).link).toMatchObject({
      secretFrom: { metadataUrl: 'http://metadata.google.internal' },
    });
    for (const wrong of [
      ['--socket', 's', '--secret-from', 'gce'],
      [...given.slice(0, -1), 'moon'],
    ]) {
      expect(() => parseAgentOptions(wrong)).toThrow(
        '--secret-from is for an agent with --secret-file, and one of: gce',
      );
    }
  });

  it('are refused when the link is missing, half given or given twice', () => {
    const wrong = [
      [],
      ['--api-url', 'http://api.test'],
      ['--secret-file', 'f'],
      ['--socket', 's', '--api-url', 'http://api.test', '--secret-file', 'f'],
    ];
    for (const args of wrong) expect(() => parseAgentOptions(args)).toThrow('either --socket <path>, or both');
  });

  it('are refused when a port is no port or a URL no URL', () => {
    for (const port of ['0', '65536', 'x', '1.5', '99999999']) {
      expect(() => parseAgentOptions(['--socket', 's', '--count-port', port]), port).toThrow('--count-port is no port');
    }
    expect(() => parseAgentOptions(['--api-url', 'ftp://x', '--secret-file', 'f'])).toThrow('--api-url is no');
    expect(() => parseAgentOptions(['--unknown'])).toThrow("Unknown option '--unknown'");
  });
});
