import { readFile } from 'node:fs/promises';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { openApiText, ROUTES } from '../../../api/routes.ts';
import type { timelineEntrySchema, vmSchema } from '../../../api/schemas/vm.ts';
import type { vmSpecSchema } from '../../../api/schemas/spec.ts';
import { type ApiVm } from '../../../api/schemas/vm.ts';
import { API_ERROR } from '../../../domain/error-codes.ts';
import { PROVIDER_ERROR } from '../../../domain/machine/error-codes.ts';
import { METRICS } from '../../../domain/metrics.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { TimelineEntryView } from '../../../domain/vm/view.ts';
import { outdatedDocs } from '../../../dev/generate-docs.ts';

interface Document {
  paths: Record<
    string,
    Record<string, { operationId: string; responses: Record<string, unknown>; security: object[] }>
  >;
  components: { schemas: Record<string, { type?: string; additionalProperties?: unknown }> };
}
const document = JSON.parse(openApiText()) as Document;

describe('the OpenAPI document', () => {
  it('has every route, under a name of its own', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
    const ids = ROUTES.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refers to nothing that it does not define', () => {
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(document.components.schemas).toHaveProperty(name);
    expect(text).not.toContain('$defs');
  });

  it('refuses unknown fields in what it takes', () => {
    expect(document.components.schemas['CreateVm']).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('says which routes need a key, and that a missing one is a 401', () => {
    for (const { method, path, access } of ROUTES) {
      const operation = document.paths[path]?.[method];
      const keyed = access === 'viewer' || access === 'operator';
      expect(operation?.security.length).toBe(access === 'public' ? 0 : 1);
      if (keyed) expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']));
      if (path.startsWith('/v1/vms')) expect(keyed).toBe(true);
    }
  });
});

describe('the documented schemas', () => {
  it('describe what the domain gives', () => {
    expectTypeOf<z.output<typeof vmSpecSchema>>().toEqualTypeOf<VmSpec>();
    expectTypeOf<z.output<typeof timelineEntrySchema>['kind']>().toEqualTypeOf<TimelineEntryView['kind']>();
    expectTypeOf<keyof z.output<typeof timelineEntrySchema>>().toEqualTypeOf<keyof TimelineEntryView>();
    expectTypeOf<keyof z.output<typeof vmSchema>>().toEqualTypeOf<keyof ApiVm>();
    expectTypeOf<z.output<typeof vmSchema>['state']>().toEqualTypeOf<ApiVm['state']>();
    expectTypeOf<z.output<typeof vmSchema>['aliveBecause']>().toEqualTypeOf<ApiVm['aliveBecause']>();
  });
});

describe('generated documents', () => {
  it('are as the code says', async () => {
    expect(await outdatedDocs()).toEqual([]);
    // They are all generated anew, and formatted.
  }, 60_000);

  it('explain every error code, and no code that is not there', async () => {
    const text = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const documented = [...text.matchAll(/^\| <a id="(?:provider-)?\w+"><\/a>`(\w+)`/gm)].map(([, code]) => code);
    expect(documented.sort()).toEqual([...Object.keys(API_ERROR), ...Object.keys(PROVIDER_ERROR)].sort());
  });

  it('explain every metric, and no metric that is not there', async () => {
    const text = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...text.matchAll(/^\| <a id="\w+"><\/a>`(\w+)`/gm)].map(([, name]) => name);
    expect(documented.sort()).toEqual(Object.keys(METRICS).sort());
  });
});
