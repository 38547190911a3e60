import { IMAGE_RETENTION } from '../../domain/image/retention.ts';
import { setting, type SettingTree } from '../../lib/settings/setting.ts';
import { count, seconds } from '../../lib/settings/values.ts';

const YEAR_SECONDS = 366 * 24 * 3600;

export const IMAGE_SETTINGS = {
  dirtySeconds: setting(seconds(0, YEAR_SECONDS), {
    about: 'seconds that the image of an earlier close is kept after a later one took its place',
    default: IMAGE_RETENTION.dirtySeconds,
  }),
  // Null: nothing goes by its age.
  retentionSeconds: setting(seconds(60, 10 * YEAR_SECONDS), {
    about: 'seconds that an image is kept after it was made; never the last one of its family',
    shownDefault: 'until somebody deletes it',
  }),
  orphanSeconds: setting(seconds(0, YEAR_SECONDS), {
    about: 'seconds after which what is left of an image is removed that was begun and that nobody is about any more',
    default: IMAGE_RETENTION.orphanSeconds,
  }),
  maxPerProject: setting(count(1, 1_000_000), {
    about: 'images that a project may keep: beyond it no snapshot is made, and a close leaves its VM stopped',
    default: IMAGE_RETENTION.maxPerProject,
  }),
  sweepIntervalSeconds: setting(seconds(5, 24 * 3600), {
    about: 'seconds between two looks for images that are kept no longer',
    default: IMAGE_RETENTION.sweepIntervalSeconds,
  }),
} satisfies SettingTree;
