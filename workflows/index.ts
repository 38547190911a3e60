/** The workflow types of this deployment, under their wire names (domain/wire-names.ts). */
export { runVm as vm } from './vm/vm.ts';
export { given } from './vm/given.ts';
export { join } from './host/join.ts';
export { runSweep as sweep } from './sweep/sweep.ts';
export { runHost as host } from './host/host.ts';
export { runTemplate as template } from './template/template.ts';
export { runImageSweep as imageSweep } from './image/sweep.ts';
export { runImageFamily as image } from './image/family.ts';
export { runRequests as requests } from './request/requests.ts';
export { runWarm as warm } from './warm/warm.ts';
export { runWebhook as webhook } from './webhook/webhook.ts';
export { runPool as pool } from './pool/pool.ts';
