#!/usr/bin/env node
/** The command line of a checkout: TypeScript runs as it is, in the directory of whoever calls it. */
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

// Else it is that of the directory, and its "paths" would have code of anybody's checkout run in place of packages.
register({ tsconfig: fileURLToPath(new URL('../tsconfig.json', import.meta.url)) });
await import('./cli.ts');
