/** Handovers that are wrong in one point each, what must go wrong for it to show, and what is seen of it. */
import type { Adoption, AdoptionEvent, Warm, WarmEvent } from '../../domain/pool/handover.ts';
import { NOTHING, RULES, type Budget, type Rules } from './rules.ts';

interface Mutant {
  rules: Partial<Rules>;
  budget: Partial<Budget>;
  seen: RegExp;
}

/** The warm machine's rule, but for what `change` answers. */
function warmThat(change: (warm: Warm, event: WarmEvent) => Warm | undefined): Pick<Rules, 'nextWarm'> {
  return {
    nextWarm: (warm, event) => {
      const changed = change(warm, event);
      return changed === undefined ? RULES.nextWarm(warm, event) : { ...RULES.nextWarm(warm, event), warm: changed };
    },
  };
}

function warmThatIgnores(kind: WarmEvent['kind']): Pick<Rules, 'nextWarm'> {
  return warmThat((warm, event) => (event.kind === kind ? warm : undefined));
}

/** The VM's rule, but for what `change` answers. */
function vmThat(
  change: (adoption: Adoption, event: AdoptionEvent) => ReturnType<Rules['nextAdoption']> | undefined,
): Pick<Rules, 'nextAdoption'> {
  return { nextAdoption: (adoption, event) => change(adoption, event) ?? RULES.nextAdoption(adoption, event) };
}

const OFFERS_TO_ALL: Pick<Rules, 'nextWarm'> = {
  nextWarm: (warm, event) => {
    if (event.kind !== 'asked' || warm.name !== 'offered') return RULES.nextWarm(warm, event);
    return { warm: { ...warm, to: event.by }, reply: { to: event.by, machine: warm.machine } };
  },
};

const NO_SWEEP = { sweeps: false };

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'offers a machine to whoever asks': {
    rules: OFFERS_TO_ALL,
    budget: { poolCrashes: 1 },
    seen: /destroys the machine that v\d has|does not know as its own/,
  },
  'offers a machine to whoever asks, on a host that gives it to the last of them': {
    rules: { ...OFFERS_TO_ALL, hostChecksOwner: false },
    budget: { poolCrashes: 1 },
    seen: /two VMs|does not know as its own/,
  },
  'takes its offer for an answer': {
    rules: {
      ...NO_SWEEP,
      ...warmThat((warm, event) =>
        event.kind === 'asked' && (warm.name === 'ready' || warm.name === 'granted')
          ? { name: 'handedOver', to: event.by }
          : undefined,
      ),
    },
    budget: {},
    seen: /a machine is left/,
  },
  'makes its offer once': { rules: { offersAgain: false }, budget: { lost: 1 }, seen: /never ends/ },
  'does not hear that its machine is returned': {
    rules: warmThatIgnores('returned'),
    budget: {},
    seen: /never ends/,
  },
  'waits for ever for one that was granted its machine': {
    rules: warmThatIgnores('timeOver'),
    budget: { apiCrashes: 1 },
    seen: /never ends/,
  },
  'does not hear that the VM has closed': {
    rules: warmThatIgnores('askerClosed'),
    budget: { vmCrashes: 1 },
    seen: /never ends/,
  },
  'destroys a machine that the pool wants no more after it was offered, whoever has it': {
    rules: {
      ...warmThat((warm, event) =>
        event.kind === 'retired' && warm.name === 'offered'
          ? { name: 'destroying', machine: warm.machine, why: 'retired' }
          : undefined,
      ),
      destroysOnlyItsOwn: false,
    },
    budget: { retires: 1 },
    seen: /destroys the machine that v\d has|does not know as its own/,
  },
  'waits for ever for an offer': {
    rules: vmThat((adoption, event) =>
      event.kind === 'timeOver' && adoption.name === 'asking' ? { adoption, tell: null } : undefined,
    ),
    budget: { lost: 1 },
    seen: /never gets a machine/,
  },
  'takes an offer after it gave up': {
    rules: vmThat((adoption, event) =>
      adoption.name === 'returned' && event.kind === 'offered'
        ? { adoption: { name: 'taking', machine: event.machine }, tell: null }
        : undefined,
    ),
    budget: {},
    seen: /a machine is left|destroys the machine that v\d has|does not know as its own/,
  },
  'leaves a late offer without an answer': {
    rules: vmThat((adoption, event) =>
      adoption.name === 'returned' && event.kind === 'offered' ? { adoption, tell: null } : undefined,
    ),
    budget: { lost: 1 },
    seen: /never ends/,
  },
  'says that it has taken the machine before its host knows': {
    rules: {
      ...NO_SWEEP,
      ...vmThat((adoption, event) =>
        adoption.name === 'asking' && event.kind === 'offered'
          ? { adoption: { name: 'taking', machine: event.machine }, tell: 'taken' }
          : undefined,
      ),
    },
    budget: { givenUp: 1 },
    seen: /a machine is left/,
  },
  'keeps what its host did not give it': {
    rules: vmThat((adoption, event) =>
      adoption.name === 'taking' && event.kind === 'notPlaced'
        ? { adoption: { ...adoption, name: 'taken' }, tell: 'taken' }
        : undefined,
    ),
    budget: { givenUp: 1 },
    seen: /does not know as its own/,
  },
  'ends without a destroy of the machine that it took': {
    rules: { ...NO_SWEEP, vmDestroysWhatItTakes: false },
    budget: { deletes: 1 },
    seen: /a machine is left/,
  },
  'starts no VM where the pool does not answer': {
    rules: { apiFallsBack: false },
    budget: { lost: 1 },
    seen: /never answered/,
  },
  'sweeps by an owner that was read before the handover': {
    rules: { sweepLooksAgain: false },
    budget: {},
    seen: /a sweep destroys the machine that v\d has/,
  },
  'sweeps only machines whose owner has closed': {
    rules: { sweepsMovedOn: false },
    budget: { warmCrashes: 1, givenUp: 1 },
    seen: /a machine is left/,
  },
};

export function mutantRules({ rules }: Mutant): Rules {
  return { ...RULES, ...rules };
}

export function mutantBudget({ budget }: Mutant): Budget {
  return { ...NOTHING, ...budget };
}
