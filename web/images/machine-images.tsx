import { useQuery } from '@tanstack/react-query';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { sizeText } from '../parts/duration.ts';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { useChange } from '../parts/use-change.ts';
import { useMay } from '../session/session.ts';

type MachineImage = components['schemas']['MachineImage'];

const AGAIN_MS = 5000;

const COLUMNS: readonly Column<MachineImage>[] = [
  { label: 'Name', cell: ({ name }) => <strong className="breaks">{name}</strong> },
  { label: 'Provider', cell: ({ provider }) => provider },
  { label: 'Kind', cell: ({ versions }) => [...new Set(versions.map(({ kind }) => kind))].join(', ') },
  { label: 'Versions', cell: ({ versions, latest }) => `${versions.length}, latest ${latest}` },
  { label: 'Size', cell: ({ versions }) => sizeText(versions.at(-1)?.sizeBytes) },
  {
    label: 'On hosts',
    cell: ({ versions }) => [...new Set(versions.flatMap(({ hosts }) => hosts.map(({ host }) => host)))].join(', '),
  },
];

/** What machines boot, as the hosts have it. */
export function MachineImages() {
  const isAdmin = useMay('admin');
  const query = useQuery({
    queryKey: ['machine-images'],
    queryFn: ({ signal }) => answered(api.GET('/v1/machine-images', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const remove = useChange({
    ask: (name: string) => answered(api.DELETE('/v1/machine-images/{name}', { params: { path: { name } } })),
    done: (name) => `${name} is removed from the hosts that are there`,
    shownBy: ['machine-images'],
  });
  const action: Column<MachineImage> = {
    label: 'Actions',
    cell: ({ name }) => (
      <DestroyButton verb="Delete" name={name} onConfirm={() => remove.mutate(name)}>
        No host has it any more, and no machine can be made from it. Those that are there go on.
      </DestroyButton>
    ),
  };
  return (
    <Loaded query={query} what="the machine images">
      {({ images: machineImages }) =>
        machineImages.length === 0 ? (
          <Nothing title="No host has registered an image">npm run image registers one on its host.</Nothing>
        ) : (
          <Rows
            caption="Machine images"
            columns={isAdmin ? [...COLUMNS, action] : COLUMNS}
            rows={machineImages}
            keyOf={({ name, provider }) => `${provider} ${name}`}
          />
        )
      }
    </Loaded>
  );
}
