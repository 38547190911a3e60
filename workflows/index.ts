/** The workflow types of this deployment, under their wire names (domain/wire-names.ts). */
export { runVm as vm } from './vm.ts';
export { runSweep as sweep } from './sweep.ts';
