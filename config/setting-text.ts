/** A value as a variable spells it, which the setting's own schema reads again; empty for none. */
export function asText(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(asText).join(',');
  return Object.entries(value)
    .map(([name, one]) => `${name}=${asText(one)}`)
    .join(',');
}
