/** The rules of the handover of a warm machine that a mutant may break, and what may go wrong in an exploration. */
import { grantClaims } from '../../domain/pool/claims.ts';
import { nextAdoption, nextWarm } from '../../domain/pool/handover.ts';

export interface Rules {
  /** What the workflows run. */
  nextWarm: typeof nextWarm;
  nextAdoption: typeof nextAdoption;
  grantClaims: typeof grantClaims;
  /** An offer is made again until the VM answers. */
  offersAgain: boolean;
  /** A host gives a machine to a VM only if it is still that of the warm workflow which offered it. */
  hostChecksOwner: boolean;
  /** A warm workflow destroys what a VM gave back, and else only a machine that is its own by the word of the host. */
  destroysOnlyItsOwn: boolean;
  /** Without it nothing may be left where no workflow was terminated. */
  sweeps: boolean;
  /** A sweep reads the owner of a machine once more before it destroys the machine of an owner that has closed. */
  sweepLooksAgain: boolean;
  /** Machines whose owner has another one by now are orphans. */
  sweepsMovedOn: boolean;
  /** A VM that ends destroys what it had begun to take. */
  vmDestroysWhatItTakes: boolean;
  /** The API makes a new machine where the pool gives none, or no answer. */
  apiFallsBack: boolean;
}

export const RULES: Rules = {
  nextWarm,
  nextAdoption,
  grantClaims,
  offersAgain: true,
  hostChecksOwner: true,
  destroysOnlyItsOwn: true,
  sweeps: true,
  sweepLooksAgain: true,
  sweepsMovedOn: true,
  vmDestroysWhatItTakes: true,
  apiFallsBack: true,
};

/** What may still go wrong, and what people may still ask for. Messages take any time in every exploration. */
export interface Budget {
  /** A replica dies between two of its calls; its client asks again. */
  apiCrashes: number;
  /** The workflow is terminated and another one starts that knows nothing, or it is reset to its start. */
  poolCrashes: number;
  /** The workflow is terminated. */
  warmCrashes: number;
  vmCrashes: number;
  /** The worker dies with the attempts that it runs. */
  hostCrashes: number;
  /** A message of any kind is lost, or the answer of an activity. */
  lost: number;
  /** A message arrives once more. */
  repeated: number;
  /** An activity of a VM is given up while its attempt goes on. */
  givenUp: number;
  deletes: number;
  /** The pool wants the machine no more. */
  retires: number;
}

export const NOTHING: Budget = {
  ...{ apiCrashes: 0, poolCrashes: 0, warmCrashes: 0, vmCrashes: 0, hostCrashes: 0 },
  ...{ lost: 0, repeated: 0, givenUp: 0, deletes: 0, retires: 0 },
};
