import { Accordion, Button, Card, Group, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import type { CreateVm } from '../../client/api-client.ts';
import { ApiRefusal, answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api, fieldProblems, sessionFetch } from '../api/api.ts';
import { Loaded, Nothing, Refused } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { useMay } from '../session/session.ts';
import { useVmStore } from '../vms/feed/vm-feed-context.tsx';
import { SchemaField } from './schema-field.tsx';
import { withoutEmpty, type Schema } from './schema.ts';

type Template = components['schemas']['Template'];

/** What most creates say something about; the rest is one click away. */
const FIRST = ['name', 'description', 'labels', 'env', 'secretEnv'];

/** Makes a VM from a template. The form is what the schema of the API says, so a new field is in it at once. */
export function CreatePage() {
  const mayCreate = useMay('operator');
  const schema = useQuery({ queryKey: ['schema', 'CreateVm'], queryFn: readSchema, staleTime: Infinity });
  const templates = useQuery({
    queryKey: ['templates'],
    queryFn: ({ signal }) => answered(api.GET('/v1/templates', { signal })),
  });
  if (!mayCreate) {
    return (
      <Page title="Create a VM">
        <Nothing title="Your key may only look">A key with the role operator creates VMs.</Nothing>
      </Page>
    );
  }
  return (
    <Page title="Create a VM" about="What is left empty is as the template says.">
      <Loaded query={schema} what="the form">
        {(fields) => (
          <Loaded query={templates} what="the templates">
            {({ templates }) => <CreateForm schema={fields} templates={templates} />}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function CreateForm({ schema, templates }: { schema: Schema; templates: readonly Template[] }) {
  const [search] = useSearchParams();
  const [template, setTemplate] = useState<string | null>(search.get('template') ?? templates[0]?.name ?? null);
  const [values, setValues] = useState<Record<string, unknown>>({});
  const navigate = useNavigate();
  const store = useVmStore();
  const create = useMutation({
    mutationFn: (body: CreateVm) => answered(api.POST('/v1/vms', { body })),
    onSuccess: (vm) => {
      if ('can' in vm) store.see([vm]);
      if ('name' in vm) void navigate(`/vms/${vm.name}`);
    },
  });
  const spec = templates.find(({ name }) => name === template)?.spec as Record<string, unknown> | undefined;
  const problems = fieldProblems(create.error);
  const fields = Object.entries(schema.properties ?? {}).filter(([name]) => name !== 'template');
  const drawn = ([name, field]: [string, Schema]) => (
    <SchemaField
      key={name}
      name={name}
      path={name}
      schema={field}
      value={values[name]}
      inherited={spec?.[name]}
      problems={problems}
      onChange={(value) => setValues((before) => ({ ...before, [name]: value }))}
    />
  );
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const asked = (withoutEmpty(values) ?? {}) as CreateVm;
        create.mutate({ ...asked, ...(template === null ? {} : { template }) });
      }}
    >
      <Stack maw={760}>
        <Card withBorder>
          <Stack>
            <Select
              label="template"
              description="What the spec is taken from."
              data={templates.map(({ name }) => name)}
              value={template}
              onChange={setTemplate}
              error={problems['template']}
              searchable
            />
            {fields.filter(([name]) => FIRST.includes(name)).map(drawn)}
          </Stack>
        </Card>
        <Accordion variant="separated" keepMounted={false}>
          <Accordion.Item value="all">
            <Accordion.Control>All other fields of a VM</Accordion.Control>
            <Accordion.Panel>
              <Stack>{fields.filter(([name]) => !FIRST.includes(name)).map(drawn)}</Stack>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        {create.error !== null && <Refused error={create.error} />}
        <Unplaced error={create.error} />
        <Group>
          <Button type="submit" loading={create.isPending}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Problems of fields, said once more in one place: the field may be folded away. */
function Unplaced({ error }: { error: unknown }) {
  if (!(error instanceof ApiRefusal)) return null;
  return Object.entries(fieldProblems(error)).map(([field, problem]) => (
    <Text key={field} size="sm" c="red.9" darkHidden>
      {field}: {problem}
    </Text>
  ));
}

async function readSchema(): Promise<Schema> {
  const response = await sessionFetch(new Request('/openapi.json'));
  const document = (await response.json()) as { components: { schemas: Record<string, Schema> } };
  const schema = document.components.schemas['CreateVm'];
  if (schema === undefined) throw new Error('openapi.json has no schema CreateVm');
  return schema;
}
