import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { StateBadge } from '../parts/badge.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { ShownOnce } from '../parts/secret.tsx';
import { Ago } from '../parts/time.tsx';
import { useMay } from '../session/session.ts';
import { MakeWebhook } from './make-webhook.tsx';

type Webhook = components['schemas']['Webhook'];
type CreatedWebhook = components['schemas']['CreatedWebhook'];

const AGAIN_MS = 3000;

const COLUMNS: readonly Column<Webhook>[] = [
  {
    label: 'Where to',
    cell: ({ id, url, description }) => (
      <Stack gap={2}>
        <Link to={`/webhooks/${id}`} className="breaks">
          {url}
        </Link>
        {description !== undefined && (
          <Text size="sm" c="dimmed">
            {description}
          </Text>
        )}
      </Stack>
    ),
  },
  {
    label: 'State',
    cell: ({ state, detail }) => (
      <Stack gap={2} align="flex-start">
        <StateBadge state={state} />
        {detail !== undefined && <Text size="sm">{detail}</Text>}
      </Stack>
    ),
  },
  { label: 'Told of', cell: toldOf },
  { label: 'Waiting', cell: ({ pending }) => pending },
  { label: 'Last taken', cell: ({ lastDeliveredAt }) => <Ago at={lastDeliveredAt} suffix=" ago" /> },
  { label: 'Made by', cell: ({ createdBy }) => createdBy },
];

/** Of which events a webhook is told. */
export function toldOf({ kinds, vm, template }: Webhook): string {
  const of = vm === undefined ? (template === undefined ? '' : ` of ${template}`) : ` of ${vm}`;
  return `${kinds === undefined ? 'all events' : kinds.join(', ')}${of}`;
}

/** Who is told what happens to VMs, and whether they take it. */
export function WebhooksPage() {
  const mayChange = useMay('operator');
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<CreatedWebhook | null>(null);
  const query = useQuery({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) => answered(api.GET('/v1/webhooks', { signal })),
    refetchInterval: AGAIN_MS,
  });
  return (
    <Page
      title="Webhooks"
      about="Who is told what happens to VMs."
      actions={mayChange && <Button onClick={() => setMaking(true)}>Add a webhook</Button>}
    >
      {made !== null && (
        <ShownOnce title={`What signs messages to ${made.url}`} text={made.secret} onClose={() => setMade(null)} />
      )}
      {isMaking && <MakeWebhook onMade={setMade} onClose={() => setMaking(false)} />}
      <Loaded query={query} what="the webhooks">
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <Nothing title="Nobody is told">A webhook is told each event of VMs by a signed POST.</Nothing>
          ) : (
            <Group align="flex-start">
              <Rows caption="Webhooks" columns={COLUMNS} rows={webhooks} keyOf={({ id }) => id} />
            </Group>
          )
        }
      </Loaded>
    </Page>
  );
}
