import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useRef, type KeyboardEvent } from 'react';
import { DownIcon, UpIcon } from '../../parts/icons.tsx';
import { hasEnded, type Vm } from '../feed/vm-store.ts';
import { VM_COLUMNS } from './vm-cells.tsx';
import type { SortKey, VmSort } from './vm-filter.ts';
import classes from './vm-table.module.css';

const ROW_PX = { desk: 44, phone: 104 } as const;
const OVERSCAN = 8;

interface VmTableProps {
  vms: readonly Vm[];
  sort: VmSort;
  onSort: (by: SortKey) => void;
}

/** Only the rows in sight are in the page, however many there are. Arrow keys go from row to row. */
export function VmTable({ vms, sort, onSort }: VmTableProps) {
  const frame = useRef<HTMLDivElement>(null);
  const isPhone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const rowPx = isPhone ? ROW_PX.phone : ROW_PX.desk;
  const rows = useVirtualizer({
    count: vms.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowPx,
    overscan: OVERSCAN,
    useFlushSync: false,
    getItemKey: (index) => vms[index]?.name ?? index,
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const focused = document.activeElement?.closest<HTMLElement>('[data-index]')?.dataset['index'];
    const next = Math.max(0, Math.min(vms.length - 1, focused === undefined ? 0 : Number(focused) + step));
    rows.scrollToIndex(next);
    requestAnimationFrame(() => frame.current?.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus());
  };
  return (
    <div
      ref={frame}
      className={classes['frame']}
      role="table"
      aria-label="VMs"
      aria-rowcount={vms.length + 1}
      aria-colcount={VM_COLUMNS.length}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup">
        <div role="row" className={classes['head']} aria-rowindex={1}>
          {VM_COLUMNS.map(({ label, sort: by }) => (
            <HeadCell key={label} label={label} by={by} sort={sort} onSort={onSort} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className={classes['body']} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const vm = vms[index];
          return vm === undefined ? null : <VmRow key={key} vm={vm} index={index} start={start} />;
        })}
      </div>
    </div>
  );
}

interface HeadCellProps {
  label: string;
  by: SortKey | undefined;
  sort: VmSort;
  onSort: (by: SortKey) => void;
}

function HeadCell({ label, by, sort, onSort }: HeadCellProps) {
  const isSorted = by !== undefined && by === sort.by;
  const direction = sort.isDescending ? 'descending' : 'ascending';
  return (
    <div role="columnheader" className={classes['cell']} aria-sort={isSorted ? direction : 'none'}>
      {by === undefined ? (
        label
      ) : (
        <button type="button" className={classes['sort']} onClick={() => onSort(by)}>
          {label}
          {isSorted && (sort.isDescending ? <DownIcon /> : <UpIcon />)}
        </button>
      )}
    </div>
  );
}

const VmRow = memo(function VmRow({ vm, index, start }: { vm: Vm; index: number; start: number }) {
  return (
    <div
      role="row"
      className={classes['row']}
      aria-rowindex={index + 2}
      data-index={index}
      data-ended={hasEnded(vm) || undefined}
      style={{ transform: `translateY(${start}px)` }}
    >
      {VM_COLUMNS.map(({ label, cell }) => (
        <div key={label} role="cell" className={classes['cell']}>
          {cell(vm)}
        </div>
      ))}
    </div>
  );
});
