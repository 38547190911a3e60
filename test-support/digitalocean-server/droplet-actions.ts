/** What can be asked of a droplet that exists. */
import { unprocessable } from './api-error.ts';
import { checkDropletName, type BodyShape } from './checked-fields.ts';
import type { DigitalOceanModel } from './model.ts';
import type { Action, Droplet } from './resources.ts';

/** A body, whose fields have been checked. */
export interface ActionBody {
  type: string;
  name?: string;
}

interface DropletAction {
  shape: BodyShape;
  /** Of a droplet with no event under way. @throws ApiError 422 where it cannot be. */
  start: (model: DigitalOceanModel, droplet: Droplet, body: ActionBody) => Action;
}

const ALONE: BodyShape = { fields: { type: 'string' }, required: ['type'] };
const NAMED: BodyShape = { fields: { type: 'string', name: 'string' }, required: ['type'] };

export const DROPLET_ACTIONS: Readonly<Record<string, DropletAction>> = {
  shutdown: {
    shape: ALONE,
    start: (model, droplet) => {
      checkRuns(droplet);
      // It is told to the system of the droplet; what becomes of that is not the action's.
      const finish = (): void => {
        if (!model.deaf.has(droplet.id)) model.rest(droplet);
      };
      return model.actions.start({ type: 'shutdown', of: droplet, finish });
    },
  },
  power_off: {
    shape: ALONE,
    start: (model, droplet) => {
      checkRuns(droplet);
      const finish = (): void => model.rest(droplet);
      return model.actions.start({ type: 'power_off', of: droplet, finish });
    },
  },
  power_on: {
    shape: ALONE,
    start: (model, droplet) => {
      if (droplet.status === 'active') throw unprocessable('Droplet is already powered on.');
      if (droplet.status === 'new') throw unprocessable('Droplet cannot be powered on.');
      const finish = (): void => model.run(droplet);
      return model.actions.start({ type: 'power_on', of: droplet, finish });
    },
  },
  snapshot: {
    shape: NAMED,
    start: (model, droplet, { name }) => {
      if (droplet.status === 'new') throw unprocessable('Droplet cannot be snapshotted.');
      const finish = (): void => void model.images.make(name ?? `${droplet.name}-${Date.now()}`, droplet);
      return model.actions.start({ type: 'snapshot', of: droplet, finish });
    },
  },
  rename: {
    shape: { ...NAMED, required: ['type', 'name'] },
    start: (model, droplet, { name = '' }) => {
      checkDropletName(name);
      const finish = (): void => void (droplet.name = name);
      return model.actions.start({ type: 'rename', of: droplet, finish });
    },
  },
};

function checkRuns(droplet: Droplet): void {
  if (droplet.status !== 'active') throw unprocessable('Droplet is already powered off.');
}
