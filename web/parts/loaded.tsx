/** What a page shows while its data is on the way, missing, or refused. */
import { Alert, Button, EmptyState, Skeleton, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { explained } from '../api/api.ts';
import { EmptyIcon } from './icons.tsx';

interface LoadedProps<Data> {
  query: UseQueryResult<Data>;
  /** What is loaded, for people: `the hosts`. */
  what: string;
  children: (data: Data) => ReactNode;
}

/** The data once it is there; what was there stays while it is asked again. */
export function Loaded<Data>({ query, what, children }: LoadedProps<Data>) {
  const { data, error, failureReason } = query;
  if (data !== undefined) return <>{children(data)}</>;
  if (error !== null) return <Refused error={error} onRetry={() => void query.refetch()} />;
  return (
    <Stack aria-busy="true" role="status">
      <Text c="dimmed">{failureReason === null ? `Loading ${what} …` : `Still trying to load ${what} …`}</Text>
      <Skeleton height={36} />
      <Skeleton height={36} />
      <Skeleton height={36} />
    </Stack>
  );
}

export function Refused({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { title, detail, code, requestId } = explained(error);
  return (
    <Alert color="red" variant="outline" title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text>{detail}</Text>
        {code !== undefined && (
          <Text size="sm" c="dimmed">
            {code}, request {requestId}
          </Text>
        )}
        {onRetry !== undefined && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Nothing is there, and why, and what to do about it. */
export function Nothing({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <EmptyState icon={<EmptyIcon />} title={title} description={children} p="xl">
      {action !== undefined && <EmptyState.Actions>{action}</EmptyState.Actions>}
    </EmptyState>
  );
}
