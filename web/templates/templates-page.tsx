import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge } from '../parts/badge.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { useMay } from '../session/session.ts';

type Template = components['schemas']['Template'];

const AGAIN_MS = 5000;

const COLUMNS: readonly Column<Template>[] = [
  { label: 'Name', cell: ({ name }) => <Link to={`/templates/${name}`}>{name}</Link> },
  {
    label: 'Version',
    cell: ({ version, servingVersion, heldBack }) => (
      <Group gap={6}>
        {version === servingVersion ? version : `${version}, serves ${servingVersion}`}
        {heldBack !== undefined && <Badge tone="bad">held back</Badge>}
      </Group>
    ),
  },
  { label: 'Image', cell: ({ spec }) => <span className="mono">{spec.image ?? '–'}</span> },
  { label: 'Provider', cell: ({ spec }) => spec.provider ?? 'the default one' },
  { label: 'Warm', cell: ({ warm }) => (warm === undefined ? 'none' : `${warm.min} to ${warm.max}`) },
  { label: 'Kind', cell: ({ builtIn }) => (builtIn ? 'built in' : 'of the project') },
];

/** What VMs are made from. */
export function TemplatesPage() {
  const mayCreate = useMay('operator');
  const query = useQuery({
    queryKey: ['templates'],
    queryFn: ({ signal }) => answered(api.GET('/v1/templates', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const create: Column<Template> = {
    label: 'Use',
    cell: ({ name }) => (
      <Button component={Link} to={`/create?template=${name}`} size="xs" variant="default">
        Create a VM
        <span className="unseen"> from {name}</span>
      </Button>
    ),
  };
  return (
    <Page title="Templates" about="Named specs with versions, from which VMs are made.">
      <Loaded query={query} what="the templates">
        {({ templates }) =>
          templates.length === 0 ? (
            <Nothing title="There is no template">PUT /v1/templates/NAME makes one, and so does npm run apply.</Nothing>
          ) : (
            <Rows
              caption="Templates"
              columns={mayCreate ? [...COLUMNS, create] : COLUMNS}
              rows={templates}
              keyOf={({ name }) => name}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
