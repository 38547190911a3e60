/** The dashboard, or a page of it, in a browser. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { command, orDidYouMean, withDeployment, withSession, type Cli, type CommonOptions } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { print } from '../output/print.ts';

interface OpenOptions extends CommonOptions {
  temporal?: boolean;
  link?: string;
  print?: boolean;
}

export function openCommand(cli: Cli): Command {
  const one = command('open', 'Prints the address of the dashboard, and opens it where there is a browser.', [
    ['ephemera open', 'the dashboard'],
    ['ephemera open lobby', 'the page of a VM'],
    ['ephemera open lobby --temporal', 'its workflow in the Temporal Web UI'],
    ['ephemera open lobby --link 8080', 'a port of it through the gateway, by a link that is good for a day'],
  ])
    .argument('[name]', 'a VM (default: the list)')
    .option('--temporal', 'its workflow in the Temporal Web UI (default: the dashboard)')
    .option('--link <PORT>', 'a port of it through the gateway (default: the dashboard)')
    .option('--print', 'only prints the address (default: opens it on a terminal with a desktop)');
  return withDeployment(one).action((name: string | undefined, options: OpenOptions) =>
    withSession(cli, options, async (session) => {
      const { ephemera, signal } = session;
      let url = `${ephemera.url}/dashboard/`;
      if (name !== undefined) {
        const vm = await orDidYouMean(session, name, ephemera.vms.get(name, { signal }));
        url += `vms/${encodeURIComponent(name)}`;
        if (options.temporal) {
          if (vm.temporalUiUrl === undefined)
            throw usageError('the deployment does not say where its Temporal Web UI is');
          url = vm.temporalUiUrl;
        }
        if (options.link !== undefined) {
          const port = Number(options.link);
          if (!Number.isInteger(port)) throw usageError(`--link must be a port, not ${options.link}`);
          ({ url } = await ephemera.call('createLink', { name, body: { port } }, { signal }));
        }
      } else if (options.temporal || options.link !== undefined) throw usageError('of which VM? ephemera open NAME');
      print(url);
      if (!options.print && process.stdout.isTTY) openInBrowser(url);
    }),
  );
}

function openInBrowser(url: string): void {
  const { platform, env } = process;
  const hasDesktop = platform === 'darwin' || platform === 'win32' || Boolean(env['DISPLAY'] ?? env['WAYLAND_DISPLAY']);
  if (!hasDesktop) return;
  const command = platform === 'darwin' ? 'open' : platform === 'win32' ? 'explorer' : 'xdg-open';
  spawn(command, [url], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
