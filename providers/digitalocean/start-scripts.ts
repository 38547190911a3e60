import { serverScripts } from '../cloud/server-scripts.ts';

export const DIGITALOCEAN_SCRIPTS = serverScripts('digitalocean');
