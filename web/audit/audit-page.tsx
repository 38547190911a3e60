import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge } from '../parts/badge.tsx';
import { Nothing, Refused } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { Ago } from '../parts/time.tsx';

type Entry = components['schemas']['AuditEntry'];

const AGAIN_MS = 5000;
const PAGE_SIZE = 50;
const FIRST_ERROR = 400;

const COLUMNS: readonly Column<Entry>[] = [
  { label: 'When', cell: ({ at }) => <Ago at={at} suffix=" ago" /> },
  { label: 'Who', cell: ({ keyId, role }) => (keyId === undefined ? 'nobody known' : `${keyId} (${role ?? '?'})`) },
  { label: 'Did', cell: ({ action, force }) => `${action}${force === true ? ', forced' : ''}` },
  { label: 'To', cell: ({ vm, target }) => vm ?? (Object.values(target ?? {}).join(', ') || '–') },
  {
    label: 'Answer',
    cell: ({ status, code }) => <Badge tone={status < FIRST_ERROR ? 'good' : 'bad'}>{`${status} ${code ?? ''}`}</Badge>,
  },
  { label: 'From', cell: ({ remoteAddress }) => <span className="mono">{remoteAddress}</span> },
  { label: 'Request', cell: ({ requestId }) => <span className="mono">{requestId}</span> },
];

/** Who changed what, newest first. */
export function AuditPage() {
  const [asked, setAsked] = useState({ keyId: '', vm: '', action: '' });
  const filter = useDeferredValue(asked);
  const query = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET('/v1/audit', { params: { query: { ...said(filter), ...pageParam, pageSize: PAGE_SIZE } }, signal }),
      ),
    initialPageParam: {},
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === undefined ? undefined : { pageToken: nextPageToken }),
    refetchInterval: ({ state: { data } }) => ((data?.pages.length ?? 0) > 1 ? false : AGAIN_MS),
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Page title="Audit" about="Each change, and who made it.">
      <Group>
        {(['keyId', 'vm', 'action'] as const).map((field) => (
          <TextInput
            key={field}
            aria-label={`Only this ${LABELS[field]}`}
            placeholder={LABELS[field]}
            value={asked[field]}
            onChange={(event) => setAsked({ ...asked, [field]: event.currentTarget.value.trim() })}
            flex="1 1 8rem"
          />
        ))}
      </Group>
      {query.error !== null && <Refused error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && (
        <Text c="dimmed" role="status">
          Loading the audit log …
        </Text>
      )}
      {query.data !== undefined && entries.length === 0 && <Nothing title="Nothing was changed, as far as asked" />}
      {entries.length > 0 && (
        <Stack align="flex-start">
          <Rows
            caption="Changes"
            columns={COLUMNS}
            rows={entries}
            keyOf={({ requestId, at }) => `${requestId} ${at}`}
          />
          {query.hasNextPage && (
            <Button variant="default" onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>
              Show earlier ones
            </Button>
          )}
        </Stack>
      )}
    </Page>
  );
}

const LABELS = { keyId: 'key', vm: 'VM', action: 'action' } as const;

function said(filter: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
}
