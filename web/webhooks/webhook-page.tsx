import { Alert, Button, Card, Group, Stack, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge, StateBadge } from '../parts/badge.tsx';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { FactList } from '../parts/fact-list.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { useChange } from '../parts/use-change.ts';
import { useMay } from '../session/session.ts';
import { toldOf } from './webhooks-page.tsx';

type Webhook = components['schemas']['Webhook'];
type Attempt = NonNullable<Webhook['attempts']>[number];
type Action = 'test' | 'enable' | 'delete';

const AGAIN_MS = 2000;
const DONE: Record<Action, string> = {
  test: 'A test is on its way',
  enable: 'It is told what happens again',
  delete: 'It is deleted',
};

const ATTEMPTS: readonly Column<Attempt>[] = [
  { label: 'When', cell: ({ at }) => <Ago at={at} suffix=" ago" /> },
  { label: 'Event', cell: ({ kind, eventId }) => <span title={eventId}>{kind}</span> },
  { label: 'Try', cell: ({ number }) => number },
  {
    label: 'Answer',
    cell: ({ delivered, status }) => (
      <Badge tone={delivered ? 'good' : 'bad'}>{delivered ? `taken, ${status ?? ''}` : `${status ?? 'none'}`}</Badge>
    ),
  },
  { label: 'Why', cell: ({ detail }) => detail ?? '–' },
];

/** One webhook with what was sent to it, and what it said. */
export function WebhookPage() {
  const { id = '' } = useParams();
  const params = { path: { id } };
  const mayChange = useMay('operator');
  const navigate = useNavigate();
  const query = useQuery({
    queryKey: ['webhooks', id],
    queryFn: ({ signal }) => answered(api.GET('/v1/webhooks/{id}', { params, signal })),
    refetchInterval: AGAIN_MS,
  });
  const change = useChange({
    ask: async (action: Action) => {
      if (action === 'test') return answered(api.POST('/v1/webhooks/{id}/test', { params }));
      if (action === 'enable') return answered(api.POST('/v1/webhooks/{id}/enable', { params }));
      const { error, response } = await api.DELETE('/v1/webhooks/{id}', { params });
      if (!response.ok) return answered(Promise.resolve({ error, response }));
      return navigate('/webhooks');
    },
    done: (action) => DONE[action],
    shownBy: ['webhooks'],
  });
  const actions = mayChange && (
    <>
      <Button size="xs" variant="default" onClick={() => change.mutate('test')}>
        Send a test
      </Button>
      {query.data?.state === 'disabled' && (
        <Button size="xs" onClick={() => change.mutate('enable')}>
          Enable
        </Button>
      )}
      <DestroyButton verb="Delete" name={id} onConfirm={() => change.mutate('delete')}>
        It is told nothing more, and what waits for it is lost.
      </DestroyButton>
    </>
  );
  return (
    <Page title={id} about="A webhook" actions={actions}>
      <Loaded query={query} what={id}>
        {(webhook) => (
          <Stack>
            <Facts webhook={webhook} />
            <Card withBorder>
              <Title order={2} size="h4" mb="xs">
                What was sent last
              </Title>
              {(webhook.attempts ?? []).length === 0 ? (
                <Nothing title="Nothing was sent yet" />
              ) : (
                <Rows
                  caption="Attempts"
                  columns={ATTEMPTS}
                  rows={webhook.attempts ?? []}
                  keyOf={({ eventId, number, at }) => `${eventId} ${number} ${at}`}
                />
              )}
            </Card>
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

function Facts({ webhook }: { webhook: Webhook }) {
  const { url, state, detail, pending, failingSince, nextAttemptAt, createdAt, createdBy, description } = webhook;
  const facts: [string, React.ReactNode][] = [
    ['Where to', url],
    ['What for', description ?? '–'],
    ['Told of', toldOf(webhook)],
    ['Waiting', pending],
    ['Tried again', nextAttemptAt === undefined ? '–' : <Until key="again" at={nextAttemptAt} />],
    [
      'Made',
      <Group key="made" gap={4}>
        <Ago at={createdAt} suffix=" ago" /> by {createdBy}
      </Group>,
    ],
    ...(failingSince === undefined
      ? []
      : [['Failing', <Ago key="failing" at={failingSince} />] as [string, React.ReactNode]]),
  ];
  return (
    <Card withBorder>
      <Group mb="sm">
        <StateBadge state={state} />
      </Group>
      {detail !== undefined && (
        <Alert color="orange" variant="outline" mb="sm">
          {detail}
        </Alert>
      )}
      <FactList facts={facts} />
    </Card>
  );
}
