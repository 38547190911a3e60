/** A name of a registry in full, as Docker reads it: `nginx:1` is `docker.io/library/nginx:1`. */
export function fullReference(text: string): string {
  const [first = '', ...rest] = text.split('/');
  const isRegistry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const path = isRegistry ? text : `docker.io/${rest.length === 0 ? 'library/' : ''}${text}`;
  const last = path.split('/').at(-1) ?? '';
  return last.includes(':') || last.includes('@') ? path : `${path}:latest`;
}
