import { serverScripts } from '../cloud/server-scripts.ts';

export const AZURE_SCRIPTS = serverScripts('azure');
