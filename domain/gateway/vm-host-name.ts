/** How a host name says which port of which VM is meant: `<port>--<name>--<project>`, below the domain of the gateways. */

/** A port of a VM, as its users know it. */
export interface VmPort {
  port: number;
  name: string;
  project: string;
}

/** The project that a host name need not name. */
export const UNNAMED_PROJECT = 'default';
/** Of a name in DNS. */
const MAX_LABEL_CHARACTERS = 63;
const PORT = /^[1-9]\d{0,4}$/;
const SEPARATOR = '--';
/** Names of VMs and of projects. */
const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * What the first label of a host name means; undefined where it means nothing. The project is what follows the last `--`, so a VM
 * whose own name has one is always named with its project.
 */
export function parseVmLabel(label: string): VmPort | undefined {
  const [port = '', ...rest] = label.split(SEPARATOR);
  const [last = '', ...before] = rest.reverse();
  const name = before.length === 0 ? last : before.reverse().join(SEPARATOR);
  const project = before.length === 0 ? UNNAMED_PROJECT : last;
  if (!PORT.test(port) || Number(port) > 65_535 || !NAME.test(name) || !NAME.test(project)) return undefined;
  return { port: Number(port), name, project };
}

/** The shortest label that means this port of this VM; undefined where none does, or none fits into a host name. */
export function vmLabel(vm: VmPort): string | undefined {
  const { port, name, project } = vm;
  const short = `${String(port)}${SEPARATOR}${name}`;
  const labels = project === UNNAMED_PROJECT ? [short] : [];
  return [...labels, `${short}${SEPARATOR}${project}`].find((label) => {
    const meant = parseVmLabel(label);
    const isMeant = meant?.port === port && meant.name === name && meant.project === project;
    return label.length <= MAX_LABEL_CHARACTERS && isMeant;
  });
}

/**
 * The label before the domain in the host name of a request (with a port or without); undefined for any other name: a gateway answers to
 * nobody else's.
 */
export function labelOfHost(host: string, domain: string): string | undefined {
  const name = host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '');
  const suffix = `.${domain.toLowerCase()}`;
  if (!name.endsWith(suffix)) return undefined;
  const label = name.slice(0, -suffix.length);
  return /^[a-z0-9-]{1,63}$/.test(label) ? label : undefined;
}
