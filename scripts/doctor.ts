/**
 * `npm run doctor`: what this computer can run virtual machines with, and what is missing. `npm run doctor -- gcp`
 * asks the same of a Google Cloud project.
 */
import { join } from 'node:path';
import { chooseAccelerator } from '../providers/qemu/accelerator.ts';
import { findHypervisor } from '../providers/qemu/hypervisor.ts';
import { checkImage } from '../providers/qemu/image-files.ts';
import { doctorGcp } from './doctor-gcp.ts';
import { answerHelp, type Help } from './help.ts';
import { ensureImage } from './image.ts';
import { cacheDirectory } from './temporal-cli.ts';
import { ScriptError, runScript, say, step } from './terminal.ts';

const HELP: Help = {
  command: 'npm run doctor',
  about:
    'What this computer can run virtual machines with, and what is missing; with gcp, what a Google Cloud project lacks.',
  usage: ['[--again]', 'gcp'],
  flags: [
    ['--again', 'tries once more how guests boot here (default: the result that was kept)'],
    ['gcp', 'asks the project of EPHEMERA_GCP_PROJECT instead (docs/google-cloud.md)'],
  ],
  examples: [
    ['npm run doctor', 'before npm start -- --provider qemu'],
    ['EPHEMERA_GCP_PROJECT=my-project npm run doctor -- gcp', 'before npm start -- --provider gcp'],
  ],
};

answerHelp(process.argv, HELP);
await runScript(() => (process.argv.includes('gcp') ? doctorGcp() : doctorQemu()));

async function doctorQemu(): Promise<void> {
  const missing: string[] = [];
  const find = async (name: string, work: () => Promise<string>): Promise<boolean> => {
    try {
      await step(name, async ({ note }) => note(await work()));
      return true;
    } catch (error) {
      missing.push((error as Error).message);
      return false;
    }
  };
  const hasQemu = await find('QEMU', async () => {
    const { path, version } = await findHypervisor();
    return `${path} ${version}`;
  });
  const hasImage = await find('Image for virtual machines', async () => {
    const image = await ensureImage();
    const { kernelVersion, nodeVersion } = await checkImage(image);
    return `Linux ${kernelVersion}, Node ${nodeVersion}, ${join(image.kernel, '..')}`;
  });
  if (hasQemu && hasImage) {
    await find('Acceleration', async () => {
      const again = process.argv.includes('--again');
      const search = { image: await ensureImage(), cacheDir: cacheDirectory(), again };
      const { accelerator, why } = await chooseAccelerator(search);
      return `${accelerator.kind === 'kvm' ? 'KVM' : 'none'}; ${why}`;
    });
  }
  if (missing.length > 0) throw new ScriptError(missing.join('\n'));
  say('Virtual machines run here: npm start -- --provider qemu');
}
