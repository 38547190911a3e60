import type { Help } from '../terminal/help.ts';

export const IMAGE_HELP: Help = {
  command: 'npm run image',
  about:
    'The image that virtual machines boot from, vm-server with a kernel, and images of your own: disks and containers.',
  usage: [
    '[--refresh]',
    'add NAME SOURCE [--plain-http] [--sha256 HEX] [settings]',
    'list [settings]',
    'remove NAME [settings]',
  ],
  flags: [
    ['add NAME FILE.qcow2', 'registers a disk image with cloud-init under a name, for all hosts of the deployment'],
    ['add NAME ARCHIVE', 'a container image: what docker save writes, an OCI archive or an OCI layout directory'],
    ['add NAME REFERENCE', 'a container image of a registry, as 127.0.0.1:5000/team/app:1.2 or …@sha256:DIGEST'],
    ['add NAME URL', 'any of those files, fetched over https'],
    ['--plain-http', 'fetches over http too, from any computer (default: from this one alone)'],
    ['--sha256 HEX', 'what a URL must send (default: whatever it sends)'],
    ['list', 'the registered images'],
    ['remove NAME', 'forgets one that no machine has'],
    ['--refresh', "makes the image vm-server with the distribution's newest kernel (default: the one fetched before)"],
  ],
  examples: [
    ['npm run image', 'makes the image vm-server where it is missing, and says where it is'],
    ['npm run image -- add debian debian-12-genericcloud-amd64.qcow2', 'an image of your own'],
    ['npm run image -- add app 127.0.0.1:5000/team/app:1.2', 'a container image of a registry on this computer'],
  ],
  settings: 'some',
};
