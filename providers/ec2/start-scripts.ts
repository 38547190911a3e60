import { serverScripts } from '../cloud/server-scripts.ts';

export const EC2_SCRIPTS = serverScripts('ec2');
