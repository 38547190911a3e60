import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../../../api/http/errors/problem.ts';
import { createVmSchema } from '../../../api/schemas/spec.ts';
import type { CreateVmBody } from '../../../spec/spec-schemas.ts';
import { vmSpecSchema } from '../../../api/schemas/spec.ts';
import { normaliseSpec } from '../../../api/vms/create/normalise-spec.ts';
import { idempotencyKeyHash, specHash } from '../../../api/vms/create/spec-hash.ts';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';

const normalise = (body: CreateVmBody) => normaliseSpec(createVmSchema.parse(body), ['local']);

function refusal(body: CreateVmBody): string {
  try {
    normalise(body);
  } catch (error) {
    if (error instanceof ApiProblem) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a create request', () => {
  it('with a template only becomes the whole spec on the default provider', () => {
    const spec = normalise({ template: 'chat' });
    expect(vmSpecSchema.strict().parse(spec)).toEqual(spec);
    expect(spec).toMatchObject({
      template: { name: 'chat', version: 1 },
      provider: 'local',
      image: 'vm-server',
      ports: [{ name: 'http', port: 8080, protocol: 'tcp' }],
    });
  });

  it('overrides single fields of its template and leaves the others', () => {
    const spec = normalise({ template: 'chat', cpus: 4, idle: { timeoutSeconds: 30 }, labels: { team: 'red' } });
    expect(spec).toMatchObject({ cpus: 4, memoryMb: 512, labels: { team: 'red' } });
    expect(spec.idle).toEqual({
      timeoutSeconds: 30,
      firstConnectTimeoutSeconds: 600,
      silenceTimeoutSeconds: 300,
      action: 'destroy',
    });
  });

  it('without a template needs an image, and nothing else', () => {
    expect(refusal({})).toContain('invalidRequest: body.image');
    expect(normalise({ image: 'vm-server' })).toMatchObject({
      template: null,
      ports: [],
      readiness: { kind: 'agent' },
    });
  });

  it('is refused for what does not exist', () => {
    expect(refusal({ template: 'nope' })).toBe('unknownTemplate: There is no template nope; there is: chat');
    expect(() => normaliseSpec({ template: 'nope' }, ['local', 'gcp'])).toThrow('there is: chat, cos');
    expect(refusal({ template: 'chat', provider: 'gcp' })).toContain('unknownProvider: There is no provider gcp');
  });

  it('with a template of one provider is for that one, and refused where there is none or it cannot', () => {
    const body = { template: 'cos', image: 'container:docker.io/library/redis:8' };
    const spec = normaliseSpec(createVmSchema.parse(body), ['local', 'gcp']);
    expect(spec).toMatchObject({ provider: 'gcp', image: body.image, egress: true });
    for (const provider of [{}, { provider: 'local' }]) {
      expect(refusal({ template: 'cos', ...provider })).toBe(
        'unknownTemplate: The template cos is for gcp, which is not on offer here; there is: chat',
      );
    }
    const onLocal = createVmSchema.parse({ template: 'cos', provider: 'local' });
    expect(() => normaliseSpec(onLocal, ['local', 'gcp'])).toThrow('body.image: local has no image');
  });

  it('is refused for readiness tcp on qemu, whose network takes every connection', () => {
    const body: CreateVmBody = { template: 'chat', readiness: { kind: 'tcp', port: 8080 } };
    expect(() => normaliseSpec(createVmSchema.parse(body), ['qemu'])).toThrow(
      'body.readiness.kind: qemu does not support readiness.kind tcp',
    );
    expect(normalise(body).readiness).toMatchObject({ kind: 'tcp', port: 8080 });
  });

  it('is refused for each thing that the provider cannot do', () => {
    const asks: CreateVmBody[] = [
      { diskGb: 10 },
      { machineType: 'e2-small' },
      { network: 'lan' },
      { externalIp: true },
      { spot: true },
      { egress: true },
      { image: 'debian-13' },
    ];
    for (const ask of asks) {
      const [field] = Object.keys(ask);
      expect(refusal({ template: 'chat', ...ask })).toMatch(/^unsupportedOption: .*local/);
      expect(refusal({ template: 'chat', ...ask })).toContain(field);
    }
    const udp: CreateVmBody = { ports: [{ name: 'game', port: 7777, protocol: 'udp' }] };
    expect(normalise({ template: 'chat', ...udp }).ports).toMatchObject(udp.ports!);
    const onQemu = createVmSchema.parse({ template: 'chat', provider: 'qemu', ...udp });
    expect(normaliseSpec(onQemu, ['local', 'qemu']).ports).toMatchObject(udp.ports!);
  });

  it('takes a list of what a machine reaches where the provider can, and says which rule is none', () => {
    const body = { template: 'chat', egress: ['443/tcp', '192.0.2.0/24'] };
    expect(normaliseSpec(createVmSchema.parse({ ...body, provider: 'qemu' }), ['local', 'qemu'])).toMatchObject({
      egress: body.egress,
    });
    for (const provider of ['local', 'gcp']) {
      const parsed = createVmSchema.parse({ ...body, provider });
      expect(() => normaliseSpec(parsed, ['local', 'gcp'])).toThrow(/body.egress: .* egress as a list of rules/);
    }
    const wrong = createVmSchema.safeParse({ template: 'chat', egress: ['443/tcp', '443'] });
    expect(wrong.error?.issues).toMatchObject([{ path: ['egress', 1] }]);
    expect(wrong.error?.issues[0]?.message).toContain('"443" is no rule');
    expect(createVmSchema.safeParse({ template: 'chat', egress: 'all' }).error?.issues[0]?.message).toContain(
      'true, false',
    );
  });

  it('takes user data for cloud-init where image and provider have it, and refuses what cloud-init would ignore', () => {
    const userData = '#cloud-config\npackages: [nginx]\n';
    const on = (provider: string, body: CreateVmBody) =>
      normaliseSpec(createVmSchema.parse({ provider, ...body }), ['local', 'qemu', 'gcp']);
    expect(on('gcp', { image: 'debian-13', userData })).toMatchObject({ userData });
    expect(on('qemu', { image: 'debian-13', userData })).toMatchObject({ userData });
    expect(normalise({ template: 'chat' })).not.toHaveProperty('userData');
    expect(refusal({ template: 'chat', userData })).toBe(
      'unsupportedOption: body.userData: local does not support userData',
    );
    for (const ignored of ['', 'packages: [nginx]', ' #cloud-config', '#!/bin/sh\u0000', '#!/bin/sh\n\ud800']) {
      expect(createVmSchema.safeParse({ image: 'debian-13', userData: ignored }).success, ignored).toBe(false);
    }
    expect(createVmSchema.safeParse({ userData: `#!${'x'.repeat(8191)}` }).success).toBe(false);
  });

  it('stops idle VMs where the provider can, and refuses what no provider can do by the name of the capability', () => {
    const idle = { action: 'stop', retentionSeconds: 60 } as const;
    expect(normalise({ template: 'chat', idle }).idle).toMatchObject(idle);
    expect(normalise({ template: 'chat' }).idle).not.toHaveProperty('retentionSeconds');
    expect(normalise({ template: 'chat', idle: { action: 'close' } }).idle.action).toBe('close');
    expect(normalise({ template: 'chat', idle: { action: 'suspend' } }).idle.action).toBe('suspend');
    const body = createVmSchema.parse({ template: 'chat', provider: 'qemu', idle: { action: 'suspend' } });
    const refused = () => normaliseSpec(body, ['local', 'qemu']);
    expect(refused).toThrow('qemu does not support idle.action suspend (it lacks the capability suspend)');
  });

  it('has no longest life where that is asked for, which needs an idle action that ends nothing', () => {
    const stays = { template: 'chat', maxLifetimeSeconds: null, idle: { action: 'none' } } as const;
    expect(normalise(stays).maxLifetimeSeconds).toBeNull();
    expect(() => normalise({ template: 'chat', maxLifetimeSeconds: null })).toThrow('needs idle.action none');
  });

  it('chooses hosts by zone and labels where hosts of ours run machines, and on a cloud by zone alone', () => {
    const hostSelector = { disk: 'nvme', room: 'a1' };
    expect(normalise({ template: 'chat', zones: ['b', 'a'], hostSelector })).toMatchObject({
      zones: ['b', 'a'],
      hostSelector,
    });
    expect(Object.keys(normalise({ template: 'chat', hostSelector: {} }))).not.toContain('hostSelector');
    const onCloud = () => normaliseSpec({ template: 'chat', provider: 'gcp', hostSelector }, ['local', 'gcp']);
    expect(onCloud).toThrow('body.hostSelector: gcp does not support hostSelector');
    for (const wrong of [{ Disk: 'x' }, { disk: '!' }, { '': 'x' }, 'disk=nvme']) {
      expect(createVmSchema.safeParse({ template: 'chat', hostSelector: wrong }).success).toBe(false);
    }
  });

  it('that lets nobody in through the agent keeps its empty list, also over a template', () => {
    expect(normalise({ template: 'chat', remoteAccess: [] }).remoteAccess).toEqual([]);
    expect(normalise({ template: 'chat' })).not.toHaveProperty('remoteAccess');
  });

  it('may name what it does not want', () => {
    const off: CreateVmBody = { zones: [], externalIp: false, spot: false, egress: false, onLost: 'destroy' };
    const none: CreateVmBody = { startupScript: '', secretEnv: {}, idle: { action: 'destroy' } };
    expect(normalise({ template: 'chat', ...off, ...none })).toEqual(normalise({ template: 'chat' }));
  });

  it('that contradicts itself about time is refused, one that contradicts a default is not', () => {
    expect(refusal({ template: 'chat', maxLifetimeSeconds: 60, softLifetimeSeconds: 90 })).toBe(
      'contradictoryTimeouts: softLifetimeSeconds (90) is longer than maxLifetimeSeconds (60)',
    );
    expect(refusal({ template: 'chat', maxLifetimeSeconds: 60, idle: { timeoutSeconds: 61 } })).toContain(
      'idle.timeoutSeconds',
    );
    const short = normalise({ template: 'chat', maxLifetimeSeconds: 60 });
    expect(short.idle).toMatchObject({ timeoutSeconds: 60, firstConnectTimeoutSeconds: 60, silenceTimeoutSeconds: 60 });
    expect(short.readiness.timeoutSeconds).toBe(60);
    expect(normalise({ template: 'chat', softLifetimeSeconds: 172_800 }).maxLifetimeSeconds).toBe(172_800);
  });

  it('asks a port of its own for readiness', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ];
    expect(normalise({ template: 'chat', readiness: { kind: 'http' } }).readiness).toMatchObject({
      port: 8080,
      path: '/',
    });
    expect(normalise({ template: 'chat', ports, readiness: { kind: 'tcp', port: 81 } }).readiness).toMatchObject({
      port: 81,
      path: null,
    });
    expect(refusal({ template: 'chat', ports, readiness: { kind: 'tcp' } })).toContain('body.readiness.port: needed');
    expect(refusal({ template: 'chat', readiness: { kind: 'tcp', port: 99 } })).toContain('not among the TCP ports');
    expect(refusal({ image: 'vm-server', readiness: { kind: 'http' } })).toContain('body.readiness.port');
    expect(refusal({ template: 'chat', readiness: { kind: 'tcp', path: '/' } })).toContain('body.readiness.path');
    expect(refusal({ template: 'chat', readiness: { port: 8080 } })).toContain('body.readiness.port');
  });

  it('has each port once, and leaves the agent its own', () => {
    const a = { name: 'a', port: 80 };
    expect(refusal({ template: 'chat', ports: [a, { ...a, port: 81 }] })).toContain('the name a comes twice');
    expect(refusal({ template: 'chat', ports: [a, { ...a, name: 'b' }] })).toContain('tcp 80 comes twice');
    expect(refusal({ template: 'chat', ports: [{ name: 'a', port: 7398 }] })).toContain('belongs to the agent');
  });
});

describe('the hash of a spec', () => {
  it('does not depend on the order of fields, and differs when any field does', () => {
    const spec = normalise({ template: 'chat', labels: { a: '1', b: '2' } });
    const { image, ...rest } = normalise({ template: 'chat', labels: { b: '2', a: '1' } });
    expect(specHash({ ...rest, image })).toBe(specHash(spec));
    expect(specHash(spec)).toMatch(/^[0-9a-f]{64}$/);
    expect(specHash({ ...spec, cpus: 2 })).not.toBe(specHash(spec));
  });

  it('is of one text for one meaning', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'ü' }], a: true, none: undefined })).toBe(
      '{"a":true,"b":[1,{"c":"ü","d":null}]}',
    );
  });
});

describe('the hash of an Idempotency-Key', () => {
  it('is another one in another project', () => {
    expect(idempotencyKeyHash('a', 'k')).not.toBe(idempotencyKeyHash('b', 'k'));
  });
});
