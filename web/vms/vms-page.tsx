import { Button, Checkbox, Group, Select, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useDeferredValue, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { words } from '../parts/badge.tsx';
import { PlusIcon, SearchIcon } from '../parts/icons.tsx';
import { Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { useMay } from '../session/session.ts';
import { useVms } from './feed/vm-feed-context.tsx';
import { hasEnded, type Vm } from './feed/vm-store.ts';
import { shownVms, type SortKey, type VmFilter, type VmSort } from './table/vm-filter.ts';
import { VmTable } from './table/vm-table.tsx';

const ALL: VmFilter = { text: '', state: null, template: null, inUse: false };

/** Every VM of the project, as it is now. */
export function VmsPage() {
  const { vms, isLoaded } = useVms();
  const mayCreate = useMay('operator');
  const [filter, setFilter] = useState(ALL);
  const [sort, setSort] = useState<VmSort>({ by: 'createdAt', isDescending: true });
  const wanted = useDeferredValue(filter);
  const shown = useMemo(() => shownVms(vms, wanted, sort), [vms, wanted, sort]);
  const onSort = (by: SortKey) =>
    setSort((before) => ({ by, isDescending: before.by === by ? !before.isDescending : false }));
  const create = mayCreate && (
    <Button component={Link} to="/create" leftSection={<PlusIcon />}>
      Create a VM
    </Button>
  );
  return (
    <Page title="VMs" about={<Counts vms={vms} shown={shown.length} />} actions={vms.length === 0 ? undefined : create}>
      {!isLoaded && vms.length === 0 ? (
        <Stack aria-busy="true" role="status">
          <Text c="dimmed">Loading the VMs …</Text>
          <Skeleton height={44} />
          <Skeleton height={44} />
        </Stack>
      ) : vms.length === 0 ? (
        <Nothing title="No VM lives" action={create}>
          Each session gets a VM of its own, and it goes when nobody uses it any more.
        </Nothing>
      ) : (
        <>
          <Filters vms={vms} filter={filter} onChange={setFilter} />
          {shown.length === 0 ? (
            <Nothing
              title="No VM matches"
              action={
                <Button variant="default" onClick={() => setFilter(ALL)}>
                  Show all
                </Button>
              }
            />
          ) : (
            <VmTable vms={shown} sort={sort} onSort={onSort} />
          )}
        </>
      )}
    </Page>
  );
}

function Counts({ vms, shown }: { vms: readonly Vm[]; shown: number }) {
  const live = vms.filter((vm) => !hasEnded(vm)).length;
  const users = vms.reduce((sum, { connections = 0 }) => sum + connections, 0);
  return (
    <span aria-live="off">
      {live} live, {users} connections{shown === vms.length ? '' : `; ${shown} shown`}
    </span>
  );
}

interface FiltersProps {
  vms: readonly Vm[];
  filter: VmFilter;
  onChange: (filter: VmFilter) => void;
}

function Filters({ vms, filter, onChange }: FiltersProps) {
  const states = useMemo(() => [...new Set(vms.map(({ state }) => state as string))].sort(), [vms]);
  const templates = useMemo(() => [...new Set(vms.flatMap(({ template }) => template?.name ?? []))].sort(), [vms]);
  return (
    <Group gap="sm" align="center">
      <TextInput
        aria-label="Search VMs"
        placeholder="Name, label, address, host …"
        leftSection={<SearchIcon />}
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        flex="1 1 12rem"
        type="search"
      />
      <Select
        aria-label="State"
        placeholder="Any state"
        data={states.map((state) => ({ value: state, label: words(state) }))}
        value={filter.state}
        onChange={(state) => onChange({ ...filter, state })}
        clearable
        w={150}
      />
      <Select
        aria-label="Template"
        placeholder="Any template"
        data={templates}
        value={filter.template}
        onChange={(template) => onChange({ ...filter, template })}
        clearable
        w={150}
      />
      <Checkbox
        label="In use"
        checked={filter.inUse}
        onChange={(event) => onChange({ ...filter, inUse: event.currentTarget.checked })}
      />
    </Group>
  );
}
