import { Alert, Button, Card, Code, JsonInput, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { Ago } from '../parts/time.tsx';
import { useChange } from '../parts/use-change.ts';
import { useMay } from '../session/session.ts';

type Template = components['schemas']['Template'];
type PutTemplate = components['schemas']['PutTemplate'];
type Version = Template['versions'][number];

const AGAIN_MS = 5000;

const VERSIONS: readonly Column<Version>[] = [
  { label: 'Version', cell: ({ version }) => version },
  { label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { label: 'Put', cell: ({ createdAt }) => <Ago at={createdAt} suffix=" ago" /> },
  { label: 'By', cell: ({ createdBy }) => createdBy ?? 'built in' },
  {
    label: 'Failures',
    cell: ({ failures, lastFailure }) => (failures === undefined ? 'none' : `${failures}: ${lastFailure ?? ''}`),
  },
];

/** A template with its versions and what its VMs get. */
export function TemplatePage() {
  const { name = '' } = useParams();
  const mayChange = useMay('operator');
  const navigate = useNavigate();
  const path = { name };
  const query = useQuery({
    queryKey: ['templates', name],
    queryFn: ({ signal }) => answered(api.GET('/v1/templates/{name}', { params: { path }, signal })),
    refetchInterval: AGAIN_MS,
  });
  const remove = useChange({
    ask: async () => {
      await answered(api.DELETE('/v1/templates/{name}', { params: { path } }));
      await navigate('/templates');
    },
    done: () => `${name} is deleted`,
    shownBy: ['templates'],
  });
  const isOwn = query.data?.builtIn === false;
  return (
    <Page
      title={name}
      about="A template"
      actions={
        mayChange && (
          <>
            <Button component={Link} to={`/create?template=${name}`} size="xs">
              Create a VM
            </Button>
            {isOwn && (
              <DestroyButton verb="Delete" name={name} onConfirm={() => remove.mutate(undefined)}>
                VMs that were made from it go on; no new one can be made. Its warm machines go.
              </DestroyButton>
            )}
          </>
        )
      }
    >
      <Loaded query={query} what={name}>
        {(template) => (
          <Stack>
            {template.heldBack !== undefined && (
              <Alert color="red" variant="outline" title={`Version ${template.heldBack.version} is held back`}>
                {template.heldBack.reason}. {template.heldBack.todo}
              </Alert>
            )}
            <Card withBorder>
              <Title order={2} size="h4" mb="xs">
                Versions
              </Title>
              <Rows
                caption={`Versions of ${name}`}
                columns={VERSIONS}
                rows={template.versions.toReversed()}
                keyOf={({ version }) => `${version}`}
              />
            </Card>
            <Spec template={template} mayChange={mayChange} />
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

/** What a PUT of it would say. */
function bodyOf({ spec, warm, reuse, rollIdle }: Template): PutTemplate {
  return { spec, reuse, rollIdle, ...(warm === undefined ? {} : { warm }) };
}

function Spec({ template, mayChange }: { template: Template; mayChange: boolean }) {
  const text = JSON.stringify(bodyOf(template), null, 2);
  const [edited, setEdited] = useState<string | null>(null);
  const { name } = template;
  const put = useChange({
    ask: (body: PutTemplate) => answered(api.PUT('/v1/templates/{name}', { params: { path: { name } }, body })),
    done: () => `${name} has a new version`,
    shownBy: ['templates'],
  });
  const save = () => {
    try {
      put.mutate(JSON.parse(edited ?? text) as PutTemplate, { onSuccess: () => setEdited(null) });
    } catch {
      // The field says so already.
    }
  };
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        What its VMs get
      </Title>
      {edited === null ? (
        <Stack align="flex-start">
          <Code block w="100%" tabIndex={0} aria-label={`Spec of ${name}`}>
            {text}
          </Code>
          {mayChange && (
            <Button size="xs" variant="default" onClick={() => setEdited(text)}>
              {template.builtIn ? 'Put one of this name in its place' : 'Put a new version'}
            </Button>
          )}
        </Stack>
      ) : (
        <Stack align="flex-start">
          <JsonInput
            label="The new version"
            value={edited}
            onChange={setEdited}
            validationError="This is no JSON"
            autosize
            minRows={8}
            w="100%"
          />
          <Text size="sm" c="dimmed">
            VMs that live keep theirs; a version whose first creates all fail is held back.
          </Text>
          <Button.Group>
            <Button size="xs" onClick={save} loading={put.isPending}>
              Put it
            </Button>
            <Button size="xs" variant="default" onClick={() => setEdited(null)}>
              Leave it
            </Button>
          </Button.Group>
        </Stack>
      )}
    </Card>
  );
}
