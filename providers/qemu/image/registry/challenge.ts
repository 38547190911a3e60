/** How a registry says by what it knows its users: the header `WWW-Authenticate`. */
export interface Challenge {
  scheme: 'basic' | 'bearer';
  realm?: string;
  service?: string;
  scope?: string;
}

const PARAMETER = /([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** Undefined for a scheme that is not known here. */
export function parseChallenge(header: string): Challenge | undefined {
  const [word = ''] = header.trimStart().split(/\s/, 1);
  const scheme = word.toLowerCase();
  if (scheme !== 'basic' && scheme !== 'bearer') return undefined;
  const parameters = [...header.matchAll(PARAMETER)].map(
    ([, name = '', quoted, plain]) => [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? plain] as const,
  );
  const known = parameters.filter(([name]) => ['realm', 'service', 'scope'].includes(name));
  return { scheme, ...(Object.fromEntries(known) as Omit<Challenge, 'scheme'>) };
}
