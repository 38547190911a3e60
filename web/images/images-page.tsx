import { Button, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { sizeText } from '../parts/duration.ts';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { useChange } from '../parts/use-change.ts';
import { useMay } from '../session/session.ts';
import { MachineImages } from './machine-images.tsx';

type Image = components['schemas']['Image'];
type Session = components['schemas']['Session'];

const AGAIN_MS = 3000;

/** What is kept of VMs, and what machines boot. */
export function ImagesPage() {
  const [search, setSearch] = useSearchParams();
  return (
    <Page title="Images" about="Disks that machines start from.">
      <Tabs
        value={search.get('show') ?? 'sessions'}
        onChange={(show) => setSearch(show === null ? {} : { show })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="sessions">Closed sessions</Tabs.Tab>
          <Tabs.Tab value="images">Images of VMs</Tabs.Tab>
          <Tabs.Tab value="machine-images">Machine images</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="sessions">
          <Sessions />
        </Tabs.Panel>
        <Tabs.Panel value="images">
          <Images />
        </Tabs.Panel>
        <Tabs.Panel value="machine-images">
          <MachineImages />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

const SESSIONS: readonly Column<Session>[] = [
  {
    label: 'Name',
    cell: ({ name, live }) => (live ? <Link to={`/vms/${name}`}>{name}</Link> : <strong>{name}</strong>),
  },
  { label: 'Closed', cell: ({ closedAt }) => <Ago at={closedAt} suffix=" ago" /> },
  { label: 'Image', cell: ({ image, images }) => `${image}${images > 1 ? `, ${images} in all` : ''}` },
  { label: 'Size', cell: ({ sizeBytes }) => sizeText(sizeBytes) },
  { label: 'Host', cell: ({ host }) => host ?? '–' },
];

function Sessions() {
  const mayReopen = useMay('operator');
  const navigate = useNavigate();
  const query = useQuery({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => answered(api.GET('/v1/sessions', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const reopen = useChange({
    ask: async (name: string) => {
      await answered(api.POST('/v1/vms/{name}/reopen', { params: { path: { name } } }));
      await navigate(`/vms/${name}`);
    },
    done: (name) => `${name} is reopened`,
    shownBy: ['sessions'],
  });
  const action: Column<Session> = {
    label: 'Actions',
    cell: ({ name, live }) =>
      live ? (
        <Text size="sm">it lives</Text>
      ) : (
        <Button size="xs" variant="default" onClick={() => reopen.mutate(name)} loading={reopen.isPending}>
          Reopen
          <span className="unseen"> {name}</span>
        </Button>
      ),
  };
  return (
    <Loaded query={query} what="the sessions">
      {({ sessions }) =>
        sessions.length === 0 ? (
          <Nothing title="Nothing was closed">A VM that is closed is listed here, and can be reopened.</Nothing>
        ) : (
          <Rows
            caption="Closed sessions"
            columns={mayReopen ? [...SESSIONS, action] : SESSIONS}
            rows={sessions}
            keyOf={({ family }) => family}
          />
        )
      }
    </Loaded>
  );
}

const IMAGES: readonly Column<Image>[] = [
  { label: 'Name', cell: ({ name }) => <strong>{name}</strong> },
  { label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { label: 'Family', cell: ({ family }) => family },
  { label: 'Of', cell: ({ vm, origin }) => `${vm}, by ${origin}` },
  { label: 'Size', cell: ({ sizeBytes }) => sizeText(sizeBytes) },
  { label: 'Host', cell: ({ host }) => host ?? '–' },
  { label: 'Made', cell: ({ createdAt }) => <Ago at={createdAt} suffix=" ago" /> },
  {
    label: 'Goes',
    cell: ({ deletedAfter, detail }) => detail ?? (deletedAfter === undefined ? 'stays' : <Until at={deletedAfter} />),
  },
];

function Images() {
  const mayDelete = useMay('operator');
  const query = useQuery({
    queryKey: ['images'],
    queryFn: ({ signal }) => answered(api.GET('/v1/images', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const remove = useChange({
    ask: (name: string) => answered(api.DELETE('/v1/images/{name}', { params: { path: { name } } })),
    done: (name) => `${name} is being deleted`,
    shownBy: ['images'],
  });
  const action: Column<Image> = {
    label: 'Actions',
    cell: ({ name, usedBy }) => (
      <DestroyButton verb="Delete" name={name} onConfirm={() => remove.mutate(name)}>
        What is in it is lost. {usedBy.length > 0 && `It is used by ${usedBy.join(', ')}.`}
      </DestroyButton>
    ),
  };
  return (
    <Loaded query={query} what="the images">
      {({ images }) =>
        images.length === 0 ? (
          <Nothing title="There is no image">A close or a snapshot of a VM makes one.</Nothing>
        ) : (
          <Rows
            caption="Images of VMs"
            columns={mayDelete ? [...IMAGES, action] : IMAGES}
            rows={images}
            keyOf={({ imageId }) => imageId}
          />
        )
      }
    </Loaded>
  );
}
