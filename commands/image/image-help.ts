import type { Help } from '../terminal/help.ts';

export const IMAGE_HELP: Help = {
  command: 'npm run image',
  about:
    'The image that virtual machines boot from: vm-server with a kernel, and disk images of your own with cloud-init.',
  usage: ['[--refresh]', 'add NAME FILE.qcow2 [settings]', 'list [settings]', 'remove NAME [settings]'],
  flags: [
    ['add NAME FILE.qcow2', 'registers a disk image with cloud-init under a name'],
    ['list', 'the registered images'],
    ['remove NAME', 'forgets one that no machine has'],
    ['--refresh', "makes the image vm-server with the distribution's newest kernel (default: the one fetched before)"],
  ],
  examples: [
    ['npm run image', 'makes the image vm-server where it is missing, and says where it is'],
    ['npm run image -- add debian debian-12-genericcloud-amd64.qcow2', 'an image of your own'],
  ],
  settings: 'some',
};
