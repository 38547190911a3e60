#!/usr/bin/env node
/** The command line of a checkout: TypeScript runs as it is, in the directory of whoever calls it. */
import { register } from 'tsx/esm/api';

register();
await import('./cli.ts');
