/** Variables as a shell reads them from a file, and systemd's `EnvironmentFile=` too. */
export function environmentText(env: Record<string, string>): string {
  const lines = Object.entries(env).map(([name, value]) => `${name}="${value.replaceAll(/[\\"$`]/g, '\\$&')}"\n`);
  return lines.join('');
}
