import { CONTROL_TASK_QUEUE } from '../../domain/wire-names.ts';
import { notedSetting, setting, type SettingTree } from '../../lib/settings/setting.ts';
import { address, baseUrl, port, text, trueOrFalse } from '../../lib/settings/values.ts';

export const temporalAddress = setting(address, {
  env: 'TEMPORAL_ADDRESS',
  about: 'host:port of a Temporal server to use',
  shownDefault: 'the server that npm start runs',
});

export const temporalNamespace = setting(text, {
  env: 'TEMPORAL_NAMESPACE',
  about: 'Temporal namespace',
  default: 'ephemera',
});

const notWith = { other: temporalAddress, why: 'is for a server that we start' };

export const TEMPORAL_SETTINGS = {
  /** Of a server that was named (flag, TEMPORAL_ADDRESS, yaml or profile); null for one that we start. */
  address: temporalAddress,
  namespace: temporalNamespace,
  port: notedSetting(port, { about: 'port of a Temporal server that we start', default: 7233, notWith }),
  uiPort: notedSetting(port, { about: 'port of its Web UI', default: 8233, notWith }),
  uiUrl: setting(baseUrl, {
    about: 'Web UI that answers link to',
    shownDefault: 'that of the server that npm start runs',
  }),
  /** Path of the Temporal CLI to start a server with; null when it is to be found. */
  cliPath: setting(text, {
    key: 'temporalCli',
    about: 'path of the temporal binary',
    path: true,
    shownDefault: 'the one on PATH or in the cache, else it is downloaded or built',
  }),
  isOwn: setting(trueOrFalse, {
    about:
      'true: that server runs on this very computer, so while it is down this host keeps its machines however long; ' +
      'npm start says so of a server that it starts',
    default: false,
  }),
  controlTaskQueue: setting(text, {
    key: 'controlTaskQueue',
    about: 'task queue of the workflows',
    default: CONTROL_TASK_QUEUE,
  }),
} satisfies SettingTree;
