import { useMutation, useQueryClient } from '@tanstack/react-query';
import { answered } from '../../../client/api-client.ts';
import { api } from '../../api/api.ts';
import { noteDone, noteRefused } from '../../parts/notices.tsx';
import { useVmStore } from '../feed/vm-feed-context.tsx';
import type { Vm } from '../feed/vm-store.ts';

export type VmAction = Vm['can'][number];

/** What is asked of a VM, with what that takes. */
export interface ActionCall {
  action: VmAction;
  force?: boolean;
  seconds?: number;
  connections?: number;
}

const DONE: Record<VmAction, string> = {
  drain: 'drains: nobody new comes in',
  undrain: 'lets users in again',
  hold: 'is held',
  setConnections: 'has a new count',
  stop: 'stops',
  start: 'starts',
  suspend: 'is being suspended',
  resume: 'resumes',
  snapshot: 'gets a snapshot',
  close: 'is being closed',
  destroy: 'is being destroyed',
};

/** Does what was asked and shows what came of it, on this page and in the table. */
export function useVmAction(name: string) {
  const store = useVmStore();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (call: ActionCall) => ask(name, call),
    onSuccess: (vm, { action }) => {
      noteDone(`${name} ${DONE[action]}`);
      if (isVm(vm)) {
        store.see([vm]);
        queries.setQueryData(['vm', name], vm);
      }
      void queries.invalidateQueries({ queryKey: ['timeline', name] });
    },
    onError: (error, { action }) => noteRefused(`${name}: ${action} was refused`, error),
  });
}

function isVm(answer: unknown): answer is Vm {
  return typeof answer === 'object' && answer !== null && 'can' in answer;
}

function ask(name: string, { action, force, seconds = 0, connections = 0 }: ActionCall): Promise<unknown> {
  const path = { name };
  const forced = { path, query: force === true ? { force } : {} };
  switch (action) {
    case 'drain':
      return answered(api.POST('/v1/vms/{name}/drain', { params: { path } }));
    case 'undrain':
      return answered(api.POST('/v1/vms/{name}/undrain', { params: { path } }));
    case 'hold':
      return answered(api.POST('/v1/vms/{name}/hold', { params: { path }, body: { seconds } }));
    case 'setConnections':
      return answered(api.PUT('/v1/vms/{name}/connections', { params: { path }, body: { connections } }));
    case 'stop':
      return answered(api.POST('/v1/vms/{name}/stop', { params: forced }));
    case 'start':
      return answered(api.POST('/v1/vms/{name}/start', { params: { path } }));
    case 'suspend':
      return answered(api.POST('/v1/vms/{name}/suspend', { params: forced }));
    case 'resume':
      return answered(api.POST('/v1/vms/{name}/resume', { params: { path } }));
    case 'snapshot':
      return answered(api.POST('/v1/vms/{name}/snapshot', { params: forced, body: {} }));
    case 'close':
      return answered(api.POST('/v1/vms/{name}/close', { params: forced }));
    case 'destroy':
      return answered(api.DELETE('/v1/vms/{name}', { params: forced }));
  }
}
