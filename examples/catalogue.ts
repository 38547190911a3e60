/** Every example that `npm run example` knows. */
import { chat } from './chat/scenario.ts';
import { ciRunner } from './ci-runner/scenario.ts';
import { devSandbox } from './dev-sandbox/scenario.ts';
import { gameServer } from './game-server/scenario.ts';
import { lobby } from './lobby/scenario.ts';
import type { Example } from './stage.ts';
import { wordCount } from './word-count/scenario.ts';

export const EXAMPLES: readonly Example[] = [lobby, chat, gameServer, wordCount, ciRunner, devSandbox];
